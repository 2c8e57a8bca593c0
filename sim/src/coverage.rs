//! What a history has been through: the crash windows that were entered, with a record in the transaction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Observer, What};
use crate::fault::Fault;
use crate::site::{Ask, Operation, Phase};

/// The gaps of the protocol in which everything may stop. With c the checkpoint under way and c-1 the last
/// one completed before it:
///
/// | window | the crash falls | restore from | must |
/// | --- | --- | --- | --- |
/// | W1 | before pre-commit | c-1 | abort the open transaction |
/// | W2 | after pre-commit, before the ack | c-1 | abort it, though it is pre-committed |
/// | W3 | after the ack, before complete | c-1 | abort on every sink |
/// | W4 | after complete, before commit | c | commit from the snapshot |
/// | W5 | after commit, before the sink knows | c | commit again, change nothing |
/// | W6 | during restore | the same | decide the same again |
/// | W7 | none: the old process still runs | c | refuse it by epoch |
/// | W8 | none: the transaction times out after complete | - | report it as lost |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the table above says it in one place
pub enum Window {
    W1,
    W2,
    W3,
    W4,
    W5,
    W6,
    W7,
    W8,
}

/// Which windows were entered.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Windows(u8);

impl Window {
    /// All windows, in order.
    pub const ALL: [Window; 8] =
        [Window::W1, Window::W2, Window::W3, Window::W4, Window::W5, Window::W6, Window::W7, Window::W8];

    /// Where the crash falls.
    pub fn meaning(self) -> &'static str {
        match self {
            Window::W1 => "crash before pre-commit",
            Window::W2 => "crash after pre-commit, before the ack",
            Window::W3 => "crash after the ack, before complete",
            Window::W4 => "crash after complete, before commit",
            Window::W5 => "crash after commit, before the sink knows",
            Window::W6 => "crash during restore",
            Window::W7 => "the old process still runs",
            Window::W8 => "the transaction timed out after complete",
        }
    }
}

impl Windows {
    /// This one was entered.
    pub fn enter(&mut self, window: Window) {
        self.0 |= 1 << window as u8;
    }

    /// Whether this one was.
    pub fn has(self, window: Window) -> bool {
        self.0 & 1 << window as u8 != 0
    }

    /// Whether anything dangerous happened.
    pub fn any(self) -> bool {
        self.0 != 0
    }

    /// Those that were entered, in order.
    pub fn iter(self) -> impl Iterator<Item = Window> {
        Window::ALL.into_iter().filter(move |window| self.has(*window))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{}", *self as u8 + 1)
    }
}

impl fmt::Debug for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// At which calls of `Env`, and how far into them, a process was killed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CrashSites(u128);

impl CrashSites {
    /// A process was killed here.
    pub fn note(&mut self, operation: &Operation, phase: Phase) {
        self.0 |= bit(row(operation), phase);
    }

    /// Adds those of another history.
    pub fn add(&mut self, other: CrashSites) {
        self.0 |= other.0;
    }

    /// The calls at which nobody was ever killed: each with the phases that are missing.
    pub fn never(self) -> Vec<(&'static str, Vec<Phase>)> {
        let missing = |(index, (name, phases)): (usize, (&'static str, &'static [Phase]))| {
            let never = phases.iter().copied().filter(|phase| self.0 & bit(index, *phase) == 0);
            (name, never.collect::<Vec<_>>())
        };
        let calls = calls().enumerate().map(missing);
        calls.filter(|(_, phases)| !phases.is_empty()).collect()
    }
}

/// Which calls of `Env` were made at all. A call that a job never makes is no gap in a search.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Calls(u32);

impl Calls {
    /// This one was made.
    pub fn note(&mut self, operation: &Operation) {
        self.0 |= 1 << row(operation);
    }

    /// Adds those of another process or history.
    pub fn add(&mut self, other: Calls) {
        self.0 |= other.0;
    }

    /// The calls that nobody ever made.
    pub fn never(self) -> Vec<&'static str> {
        let unmade =
            |(index, (name, _)): (usize, (&'static str, _))| (self.0 & 1 << index == 0).then_some(name);
        calls().enumerate().filter_map(unmade).collect()
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calls({} of {})", self.0.count_ones(), calls().count())
    }
}

fn bit(row: usize, phase: Phase) -> u128 {
    1 << (row * Phase::ALL.len() + phase as usize)
}

/// Those that are not requests to the broker, and the phases that each goes through.
const OTHERS: [(&str, &[Phase]); 6] = [
    ("sleep", &[Phase::Before, Phase::Received]),
    ("next", &[Phase::Before, Phase::Received]),
    ("receive", &[Phase::Received]),
    ("send", &[Phase::Before, Phase::Sent]),
    ("read", &Phase::ALL),
    ("put", &Phase::ALL),
];

/// All calls, in the order of their rows.
fn calls() -> impl Iterator<Item = (&'static str, &'static [Phase])> {
    OTHERS.into_iter().chain(Ask::ALL.map(|ask| (ask.as_str(), &Phase::ALL[..])))
}

/// Messages are one row, whatever their labels: labels are the job's own.
fn row(operation: &Operation) -> usize {
    match operation {
        Operation::Sleep => 0,
        Operation::Next => 1,
        Operation::Receive => 2,
        Operation::Send(_) => 3,
        Operation::Read => 4,
        Operation::Put => 5,
        Operation::Ask(ask) => OTHERS.len() + *ask as usize,
    }
}

impl Observer for CrashSites {
    fn see(&mut self, event: &Event<'_>) {
        if let What::Struck(Fault::Crash { at, .. }) = event.what {
            self.note(&at.operation, at.phase);
        }
    }
}

impl fmt::Debug for CrashSites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CrashSites({} of {})",
            self.0.count_ones(),
            calls().map(|(_, phases)| phases.len()).sum::<usize>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_with_the_phases_at_which_nobody_was_killed() {
        let mut seen = CrashSites::default();
        assert_eq!(seen.never().len(), calls().count());
        for phase in [Phase::Before, Phase::Sent, Phase::Answered] {
            seen.note(&Operation::Ask(Ask::Commit), phase);
        }
        seen.note(&Operation::Receive, Phase::Received);
        let never = seen.never();
        assert!(never.contains(&("end_txn.commit", vec![Phase::Applied, Phase::Received])), "{never:?}");
        assert!(!never.iter().any(|(call, _)| *call == "receive"), "{never:?}");
    }

    #[test]
    fn every_operation_has_a_row_of_its_own_under_its_own_name() {
        let named: Vec<_> = calls().map(|(name, _)| name).collect();
        let asks = Ask::ALL.map(Operation::Ask);
        let rest = [Operation::Sleep, Operation::Next, Operation::Receive, Operation::Read, Operation::Put];
        for operation in asks.iter().chain(&rest) {
            assert_eq!(named[row(operation)], operation.to_string());
        }
        assert_eq!(named[row(&Operation::Send("ack".into()))], "send");
    }
}
