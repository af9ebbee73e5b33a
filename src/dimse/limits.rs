//! How many associations there may be: of all, and of each caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::AeTitle;
use crate::telemetry::metric;

/// Counts associations.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    all: usize,
    per_caller: usize,
    open: Arc<Mutex<HashMap<AeTitle, usize>>>,
}

/// The place of an association; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    limits: Limits,
    caller: AeTitle,
}

impl Limits {
    pub(super) fn new(all: usize, per_caller: usize) -> Self {
        Self { all, per_caller, open: Arc::default() }
    }

    /// A place for an association of `caller`; `None` if there are as many as there may be.
    pub(super) fn enter(&self, caller: &AeTitle) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let of_caller = open.get(caller).copied().unwrap_or_default();
        if all >= self.all || of_caller >= self.per_caller {
            return None;
        }
        open.insert(caller.clone(), of_caller + 1);
        metrics::gauge!(metric::DIMSE_OPEN).increment(1.0);
        Some(Place { limits: self.clone(), caller: caller.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
        metrics::gauge!(metric::DIMSE_OPEN).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_for_all_and_for_each_and_come_back() {
        let title = |text| AeTitle::parse(text).expect("valid");
        let limits = Limits::new(3, 2);
        let first = limits.enter(&title("A"));
        let second = limits.enter(&title("A"));
        assert!(first.is_some() && second.is_some());
        assert!(limits.enter(&title("A")).is_none(), "of one caller");
        let third = limits.enter(&title("B"));
        assert!(third.is_some());
        assert!(limits.enter(&title("C")).is_none(), "of all");
        drop(first);
        assert!(limits.enter(&title("C")).is_some());
    }
}
