//! What comes of a run. Every run returns the same.

use std::time::Duration;

use twophase::{Payload, RecordId};

use crate::anomaly::{Anomaly, Finding, Said};
use crate::coverage::{Calls, CrashSites, Windows};
use crate::fault::FaultKind;
use crate::history::History;
use crate::quiet::Panic;
use crate::sight::Sight;
use crate::wall::Stuck;

/// What is to be said of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Committed output equals input, exactly once, through at least one crash window.
    Held,
    /// The same, but nothing dangerous happened.
    Vacuous,
    /// The job gave up honestly, saying this, outside the safe rule.
    FailStop(String),
    /// An anomaly.
    Failed(Finding),
}

/// The outcome of one history.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is to be said of it.
    pub verdict: Verdict,
    /// One number that two plays of one schedule agree on.
    pub digest: u64,
    /// The crash windows that were entered with a record in the transaction.
    pub windows: Windows,
    /// What there was to judge by.
    pub sight: Sight,
    /// At which calls a process was killed.
    pub crashed_at: CrashSites,
    /// Which calls were made at all.
    pub calls: Calls,
    /// How often a fault of each kind struck, in the order of [`FaultKind::ALL`].
    pub struck: [u32; FaultKind::ALL.len()],
    /// How many faults of the schedule never struck.
    pub unstruck: u32,
    /// How many transactions the broker timed out.
    pub timed_out: u32,
    /// How many checkpoints completed, and how many were given up.
    pub checkpoints: (u32, u32),
    /// How often the tasks were started anew.
    pub restarts: u32,
    /// How many events there were.
    pub events: u64,
    /// How many messages were sent; requests and answers count as one each.
    pub messages: u64,
    /// How much time went by on the stage.
    pub lasted: Duration,
    /// The events, if they were to be kept.
    pub history: Option<History>,
    /// The committed output, in (split, offset) order, if it was to be kept.
    pub output: Option<Vec<(RecordId, Payload)>>,
    /// The digest after each event, and at the end, if they were to be kept.
    pub digests: Option<Vec<u64>>,
}

impl Outcome {
    /// Of a history that did not come back: all that is known of it is where it was.
    pub(crate) fn hung(stuck: Stuck, hang_timeout: Duration) -> Self {
        Outcome::without_history(Finding::new(Anomaly::Hung, stuck.at, stuck.said(hang_timeout)))
    }

    /// Of a history whose `what` could not even be made.
    pub(crate) fn never_began(what: &str, panic: &Panic) -> Self {
        let said = Said::of_panic(&format!("what makes {what} under test"), panic);
        Outcome::without_history(Finding::new(Anomaly::Panicked, 0, said))
    }

    /// Of a history of which nothing is known but what was found.
    pub(crate) fn without_history(finding: Finding) -> Self {
        let at = finding.at;
        Outcome {
            verdict: Verdict::Failed(finding),
            digest: 0,
            windows: Windows::default(),
            sight: Sight::default(),
            crashed_at: CrashSites::default(),
            calls: Calls::default(),
            struck: [0; FaultKind::ALL.len()],
            unstruck: 0,
            timed_out: 0,
            checkpoints: (0, 0),
            restarts: 0,
            events: 0,
            messages: 0,
            lasted: Duration::from_micros(at),
            history: None,
            output: None,
            digests: None,
        }
    }

    /// The anomaly, if there is one.
    pub fn finding(&self) -> Option<&Finding> {
        match &self.verdict {
            Verdict::Failed(finding) => Some(finding),
            _ => None,
        }
    }
}
