//! What a run can find. The definitions stand in `checker.rs`, which finds them.

use std::fmt;

use serde::{Deserialize, Serialize};
use twophase::{RecordId, TransactionalId};

use crate::coverage::Window;

/// What a run can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anomaly {
    /// A record is committed twice.
    Duplicate,
    /// A record is committed that was never in the input.
    Invented,
    /// A record of an aborted transaction is visible.
    AbortedRead,
    /// A record of an open transaction is visible.
    UndecidedRead,
    /// A record is visible that no durable checkpoint covers.
    Premature,
    /// Records of one split are visible in the wrong order on one partition.
    Reordered,
    /// Something of an older epoch took effect.
    Unfenced,
    /// A record never arrived.
    Lost,
    /// Something never ends.
    Stuck,
    /// The code under test panicked.
    Panicked,
    /// The code under test never waits.
    Hung,
}

/// An anomaly, where it was found, and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub anomaly: Anomaly,
    /// In which window the transaction concerned was struck, if in one.
    pub window: Option<Window>,
    /// Microseconds since the history began.
    pub at: u64,
    /// The first record concerned.
    pub record: Option<RecordId>,
    /// How many records are concerned.
    pub records: usize,
    /// The transaction concerned.
    pub transaction: Option<TransactionalId>,
    /// One sentence about it.
    pub detail: String,
}

impl Anomaly {
    /// All kinds, in order.
    pub const ALL: [Anomaly; 11] = [
        Anomaly::Duplicate,
        Anomaly::Invented,
        Anomaly::AbortedRead,
        Anomaly::UndecidedRead,
        Anomaly::Premature,
        Anomaly::Reordered,
        Anomaly::Unfenced,
        Anomaly::Lost,
        Anomaly::Stuck,
        Anomaly::Panicked,
        Anomaly::Hung,
    ];

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Anomaly::Duplicate => "duplicate",
            Anomaly::Invented => "invented",
            Anomaly::AbortedRead => "aborted-read",
            Anomaly::UndecidedRead => "undecided-read",
            Anomaly::Premature => "premature",
            Anomaly::Reordered => "reordered",
            Anomaly::Unfenced => "unfenced",
            Anomaly::Lost => "lost",
            Anomaly::Stuck => "stuck",
            Anomaly::Panicked => "panicked",
            Anomaly::Hung => "hung",
        }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads one by its name has the whole list from the compiler.
    #[test]
    fn all_kinds_are_listed() {
        let error = serde_json::from_str::<Anomaly>("\"none\"").unwrap_err().to_string();
        let (_, expected) = error.split_once("expected one of ").unwrap();
        let known: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, Anomaly::ALL.map(Anomaly::as_str));
    }
}
