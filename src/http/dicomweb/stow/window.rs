//! Instances whose bytes have come are made durable side by side: what is committed at the same time shares a commit
//! and its flush to disk.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinHandle;

use crate::ops;
use crate::ops::studies::Incoming;

use super::body::Outcome;

/// A bounded number of instances on their way to be stored, and what became of those before.
pub(super) struct Window {
    running: FuturesUnordered<JoinHandle<(usize, Outcome)>>,
    done: Vec<(usize, Outcome)>,
    /// How many parts there were.
    parts: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { running: FuturesUnordered::new(), done: Vec::new(), parts: 0 }
    }

    /// Notes what became of the next part.
    pub(super) fn note(&mut self, outcome: Outcome) {
        self.done.push((self.parts, outcome));
        self.parts += 1;
    }

    /// Finishes the next part, which may take until others are through.
    pub(super) async fn finish(&mut self, incoming: Incoming) {
        while self.running.len() >= WINDOW {
            self.settle().await;
        }
        let number = self.parts;
        self.parts += 1;
        // In a task of its own it goes on while the next part is read, and also if the client goes away.
        self.running.push(tokio::spawn(async move {
            let outcome = match incoming.finish().await {
                Ok(received) => Outcome::Answered(received),
                Err(error) => Outcome::Stopped(error),
            };
            (number, outcome)
        }));
    }

    /// What became of all, in the order of the parts.
    pub(super) async fn outcomes(mut self) -> Vec<Outcome> {
        while !self.running.is_empty() {
            self.settle().await;
        }
        self.done.sort_by_key(|(number, _)| *number);
        self.done.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn settle(&mut self) {
        match self.running.next().await {
            Some(Ok(done)) => self.done.push(done),
            Some(Err(_panic)) => {
                let error = ops::Error::Fault("storing an instance panicked".into());
                self.done.push((self.parts, Outcome::Stopped(error)));
            }
            None => {}
        }
    }
}

/// Instances that are made durable at the same time.
const WINDOW: usize = 32;
