//! Which restore of each sink is the newest, and whether it is over.
//!
//! A process that started last may be the zombie: it has the older incarnation, if a coordinator that was deposed gave it, while
//! another has the newer one and the job goes on with that.

use std::collections::BTreeMap;

use twophase::{Incarnation, Life};

use crate::site::Name;

#[derive(Debug)]
struct Restore {
    by: (Incarnation, Life),
    /// The step at which it began.
    began: u64,
    is_over: bool,
}

/// The newest one of each sink.
#[derive(Debug, Default)]
pub(super) struct Restores(BTreeMap<Name, Restore>);

impl Restores {
    /// One begins. Returns whether it is the newest: what a zombie restores is nobody's.
    pub(super) fn begin(&mut self, sink: Name, by: (Incarnation, Life), began: u64) -> bool {
        let is_newest = self.0.get(&sink).is_none_or(|newest| newest.by <= by);
        if is_newest {
            self.0.insert(sink, Restore { by, began, is_over: false });
        }
        is_newest
    }

    /// This life has come past its restore, as it says or as it writes.
    pub(super) fn end(&mut self, sink: Name, life: Life, current: bool) {
        if let Some(newest) = self.0.get_mut(&sink) {
            newest.is_over |= current || newest.by.1 == life;
        }
    }

    /// Whether it was this life that began the newest, if anybody has begun one.
    pub(super) fn is_by(&self, sink: Name, life: Life) -> Option<bool> {
        self.0.get(&sink).map(|newest| newest.by.1 == life)
    }

    /// The step at which the newest began.
    pub(super) fn began(&self, sink: Name) -> Option<u64> {
        self.0.get(&sink).map(|newest| newest.began)
    }

    /// Whether the newest is not over.
    pub(super) fn is_under_way(&self, sink: Name) -> bool {
        self.0.get(&sink).is_some_and(|newest| !newest.is_over)
    }
}
