//! What a run can find. The definitions stand in `checker.rs`, which finds them.

use std::fmt;

use serde::{Deserialize, Serialize};
use twophase::{Partition, RecordId, TransactionalId};

use crate::coverage::Window;
use crate::quiet::Panic;
use crate::site::Name;

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
    /// What else is concerned.
    pub concerned: Option<Concerned>,
    /// One sentence about it, and lines of what else is known.
    pub detail: String,
}

/// What an anomaly concerns, where that is neither a record nor a transaction that was written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// A transaction that is still open at the broker.
    Open(TransactionalId),
    /// Those who read this partition: they wait for the end of a transaction that the coordinator does not know.
    ReadersOf(Partition),
    /// A process that never waits.
    Process(Name),
    /// Where the code panicked: file, line and column.
    Place(String),
}

/// What is said of an anomaly.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) detail: String,
    pub(crate) concerned: Option<Concerned>,
}

impl Said {
    pub(crate) fn of(concerned: Concerned, detail: impl Into<String>) -> Self {
        Said { detail: detail.into(), concerned: Some(concerned) }
    }

    /// Who panicked, and how.
    pub(crate) fn of_panic(who: &str, panic: &Panic) -> Self {
        Said { detail: format!("{who} {panic}"), concerned: panic.place.clone().map(Concerned::Place) }
    }
}

impl From<String> for Said {
    fn from(detail: String) -> Self {
        Said { detail, concerned: None }
    }
}

impl Finding {
    /// One that concerns no record and no transaction.
    pub(crate) fn new(anomaly: Anomaly, at: u64, said: impl Into<Said>) -> Self {
        let Said { detail, concerned } = said.into();
        Finding { anomaly, window: None, at, record: None, records: 0, transaction: None, concerned, detail }
    }
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
