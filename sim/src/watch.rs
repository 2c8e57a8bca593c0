//! Everybody who folds over the events of one history, in their order.

use std::sync::Arc;

use bytes::Bytes;
use twophase::{Fact, RecordId};

use crate::anomaly::{Anomaly, Finding};
use crate::checker::Checker;
use crate::coverage::CrashSites;
use crate::digest::Digest;
use crate::event::{Event, Observer, What};
use crate::fault::FaultKind;
use crate::history::Recorder;
use crate::ledger::{ACK, Ledger};
use crate::schedule::Schedule;

/// What is kept of a history besides the verdict. A sweep keeps nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The events, for a trace.
    pub history: bool,
    /// The committed output.
    pub output: bool,
    /// The digest after each event and at the end, to name the first one in which two plays differ.
    pub digests: bool,
}

/// The observers of one history.
pub(crate) struct Watch {
    keep: Keep,
    pub(crate) ledger: Ledger,
    pub(crate) checker: Checker,
    pub(crate) digest: Digest,
    pub(crate) history: Option<Recorder>,
    pub(crate) output: Option<Vec<(RecordId, Bytes)>>,
    pub(crate) digests: Option<Vec<u64>>,
    pub(crate) tally: Tally,
    pub(crate) crashed_at: CrashSites,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) struck: [u32; FaultKind::ALL.len()],
    pub(crate) timed_out: u32,
    pub(crate) completed: u32,
    pub(crate) expired: u32,
    pub(crate) restarts: u32,
    /// The job says that it is done.
    pub(crate) finished: bool,
}

impl Watch {
    pub(crate) fn new(schedule: &Arc<Schedule>, keep: Keep) -> Self {
        Watch {
            keep,
            ledger: Ledger::new(schedule.input.iter().map(Vec::len)),
            checker: Checker::new(schedule.clone()),
            digest: Digest::default(),
            history: keep.history.then(Recorder::default),
            output: keep.output.then(Vec::new),
            digests: keep.digests.then(Vec::new),
            tally: Tally::default(),
            crashed_at: CrashSites::default(),
        }
    }

    /// Whether the job says that it is done.
    pub(crate) fn is_finished(&self) -> bool {
        self.tally.finished
    }

    /// The first thing that is wrong.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.checker.finding()
    }

    /// Something is wrong that no event shows.
    pub(crate) fn report(&mut self, at: u64, anomaly: Anomaly, detail: String) {
        self.checker.report(at, anomaly, None, detail);
    }

    /// What else is known about what was just found.
    pub(crate) fn explain(&mut self, more: &str) {
        self.checker.explain(more);
    }

    /// The job gave up though it had no need to.
    pub(crate) fn stuck(&mut self, at: u64, detail: String) {
        self.checker.stuck(at, detail, &self.ledger);
    }

    /// The job has had its time.
    pub(crate) fn demand(&mut self, at: u64, why_not: Option<String>) {
        self.checker.demand(at, why_not, &self.ledger);
    }
}

impl Observer for Watch {
    fn see(&mut self, event: &Event<'_>) {
        self.digest.see(event);
        self.tally.events += 1;
        self.ledger.step();
        match event.what {
            // Most of what happens, and nothing that anybody judges by.
            What::Sent { label, .. } if label != ACK => {}
            What::Delivered { .. } | What::Unanswered { .. } => {}
            _ => {
                self.ledger.see(event);
                self.checker.see(event, &self.ledger);
                self.tally.see(event);
                self.crashed_at.see(event);
            }
        }
        if self.keep != Keep::default() {
            self.record(event);
        }
    }
}

impl Watch {
    fn record(&mut self, event: &Event<'_>) {
        if let Some(history) = &mut self.history {
            history.see(event);
        }
        if let Some(digests) = &mut self.digests {
            digests.push(self.digest.value());
        }
        if let (Some(output), What::Visible { record, .. }) = (&mut self.output, event.what) {
            output.push((record.id, record.payload.clone()));
        }
    }
}

impl Tally {
    fn see(&mut self, event: &Event<'_>) {
        match event.what {
            What::Struck(fault) => self.struck[fault.kind() as usize] += 1,
            What::TimedOut { .. } => self.timed_out += 1,
            What::Noted(Fact::Completed(_)) => self.completed += 1,
            What::Noted(Fact::Expired(_)) => self.expired += 1,
            What::Noted(Fact::Restarting(_)) => self.restarts += 1,
            What::Noted(Fact::Finished) => self.finished = true,
            _ => {}
        }
    }
}
