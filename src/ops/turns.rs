//! Trying again where somebody else's commit came between a look and a commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::access::Actor;
use crate::base::TenantId;

use super::{Error, Ops};

/// What an attempt to commit came to.
pub(super) enum Attempt<T> {
    /// It is committed.
    Done(T),
    /// Somebody else's commit came between its look and its own.
    Spoilt,
}

impl<T> Attempt<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Attempt<U> {
        match self {
            Self::Done(value) => Attempt::Done(change(value)),
            Self::Spoilt => Attempt::Spoilt,
        }
    }
}

/// What writers of this process meet at: a tenant's, of a kind, by name.
type Place = (TenantId, String, String);

/// Lines of those that wait to write the same thing, in the order in which they came. A line is there from the first
/// attempt that was spoilt until nobody stands in it.
#[derive(Default)]
pub(super) struct Turns {
    lines: Lock<HashMap<Place, Weak<Mutex<()>>>>,
}

impl Turns {
    /// The line at a place, if there is one.
    fn line(&self, tenant: &TenantId, (kind, name): (&str, &str)) -> Option<Arc<Mutex<()>>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return None;
        }
        lines.get(&(tenant.clone(), kind.to_owned(), name.to_owned())).and_then(Weak::upgrade)
    }

    /// The line at a place, begun if there is none.
    fn begin(&self, tenant: &TenantId, (kind, name): (&str, &str)) -> Arc<Mutex<()>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_place, line| line.strong_count() > 0);
        let line = lines.entry((tenant.clone(), kind.to_owned(), name.to_owned())).or_default();
        line.upgrade().unwrap_or_else(|| {
            let begun = Arc::new(Mutex::new(()));
            *line = Arc::downgrade(&begun);
            begun
        })
    }
}

impl Ops {
    /// Runs an attempt that reads, computes and commits again where somebody else's commit has spoilt it. `place`, a
    /// kind and a name, is what is written: those of this process that meet there take turns from the first spoilt
    /// attempt on, so that each of them gets through. Those of other nodes draw apart by pauses that grow, and that are
    /// no shorter than what an attempt takes while all work: where that is long, short pauses would bring the same ones
    /// together again. In the end the client has to come again.
    ///
    /// An attempt may write another place by this, never its own.
    pub(super) async fn with_retries<T, F: Future<Output = Result<Attempt<T>, Error>>>(
        &self,
        actor: &Actor,
        place: (&str, &str),
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let turns = &self.shared.turns;
        let mut turn: Option<OwnedMutexGuard<()>> = match turns.line(&actor.tenant, place) {
            Some(line) => Some(line.lock_owned().await),
            None => None,
        };
        for number in 1..=COMMIT_ATTEMPTS {
            let began = Instant::now();
            if let Attempt::Done(value) = attempt().await? {
                return Ok(value);
            }
            if turn.is_none() {
                turn = Some(turns.begin(&actor.tenant, place).lock_owned().await);
                continue;
            }
            let longest = FIRST_PAUSE.saturating_mul(number * number).max(began.elapsed().saturating_mul(number));
            tokio::time::sleep(longest.mul_f64(rand::random::<f64>())).await;
        }
        Err(Error::Busy("others write the same resources at this moment".into()))
    }
}

/// How often a commit is tried that somebody else's commit spoils.
const COMMIT_ATTEMPTS: u32 = 12;
/// Longest pause after the first spoilt attempt; it grows with the square of their number.
const FIRST_PAUSE: Duration = Duration::from_millis(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_is_there_while_somebody_stands_in_it() {
        let turns = Turns::default();
        let (tenant, other) = (TenantId::default_tenant(), TenantId::parse("other").expect("a tenant"));
        assert!(turns.line(&tenant, ("Basic", "b-1")).is_none());
        let first = turns.begin(&tenant, ("Basic", "b-1")).lock_owned().await;
        let line = turns.line(&tenant, ("Basic", "b-1")).expect("there");
        assert!(line.try_lock().is_err(), "it is somebody's turn");
        assert!(turns.line(&tenant, ("Basic", "b-2")).is_none());
        assert!(turns.line(&other, ("Basic", "b-1")).is_none());
        drop(first);
        assert!(turns.begin(&tenant, ("Basic", "b-1")).try_lock().is_ok());
        drop(line);
        assert!(turns.line(&tenant, ("Basic", "b-1")).is_none());
        drop(turns.begin(&tenant, ("Basic", "b-2")));
        assert_eq!(turns.lines.lock().expect("whole").len(), 1, "what nobody stands in is swept");
    }
}
