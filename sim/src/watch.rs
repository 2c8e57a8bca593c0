//! Everybody who folds over the events of one history, in their order.

mod often;

use std::sync::Arc;

use twophase::{Fact, Payload, RecordId};

use crate::anomaly::{Anomaly, Finding, Said};
use crate::checker::{self, Checker};
use crate::coverage::CrashSites;
use crate::digest::Digest;
use crate::event::{Event, Observer, What};
use crate::fault::FaultKind;
use crate::history::Recorder;
use crate::ledger::{self, Ledger};
use crate::outputs::{Outputs, Told, Unfit};
use crate::schedule::Schedule;
use crate::sight::Sight;
use crate::subject::Subject;

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
    /// Something is to be kept, or outputs are to be told of.
    more_is_wanted: bool,
    pub(crate) ledger: Ledger,
    pub(crate) checker: Checker,
    pub(crate) digest: Digest,
    pub(crate) history: Option<Recorder>,
    pub(crate) output: Option<Vec<(RecordId, Payload)>>,
    pub(crate) digests: Option<Vec<u64>>,
    pub(crate) tally: Tally,
    pub(crate) crashed_at: CrashSites,
}

/// What a watch leaves to that of the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    checker: checker::Rooms,
    ledger: ledger::Rooms,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) struck: [u32; FaultKind::ALL.len()],
    pub(crate) timed_out: u32,
    pub(crate) completed: u32,
    pub(crate) expired: u32,
    pub(crate) restarts: u32,
    /// The job says that it is done.
    pub(crate) finished: bool,
}

impl Watch {
    /// For what this subject says of itself.
    ///
    /// # Errors
    /// When what it says of its outputs does not fit the input; one line. If that panics, that is what is found.
    pub(crate) fn new(
        schedule: &Arc<Schedule>,
        subject: &Subject,
        keep: Keep,
        rooms: Rooms,
    ) -> Result<Self, String> {
        let (outputs, panicked) = match Outputs::new(&subject.promise, schedule) {
            Ok(outputs) => (outputs, None),
            Err(Unfit::Input(line)) => return Err(line),
            Err(Unfit::Panicked(which, panic)) => (None, Some((which, panic))),
        };
        let mut checker = Checker::new(schedule.clone(), outputs, subject.bound, rooms.checker);
        if let Some((which, panic)) = panicked {
            checker.panicked(0, which, &panic);
        }
        Ok(Watch {
            more_is_wanted: keep != Keep::default() || checker.outputs().is_some(),
            ledger: Ledger::new(
                checker.expected(),
                if subject.bound { Sight::BOUND } else { Sight::default() },
                rooms.ledger,
            ),
            checker,
            digest: Digest::default(),
            history: keep.history.then(Recorder::default),
            output: keep.output.then(Vec::new),
            digests: keep.digests.then(Vec::new),
            tally: Tally::default(),
            crashed_at: CrashSites::default(),
        })
    }

    pub(crate) fn leave(self) -> Rooms {
        Rooms { checker: self.checker.leave(), ledger: self.ledger.leave() }
    }

    /// Whether anything is to come out; of a history of which nothing is, nothing is shown.
    pub(crate) fn expects_any(&self) -> bool {
        self.checker.expected().any(|outputs| outputs > 0)
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
    pub(crate) fn report(&mut self, at: u64, anomaly: Anomaly, said: impl Into<Said>) {
        self.checker.report(at, anomaly, None, said);
    }

    /// Where in the code it was that panicked.
    pub(crate) fn place(&mut self, place: &str) {
        self.checker.place(place);
    }

    /// What else is known about what was just found.
    pub(crate) fn explain(&mut self, more: &str) {
        self.checker.explain(more);
    }

    /// The job gave up though it had no need to.
    pub(crate) fn stuck(&mut self, at: u64, why_not: impl Into<Said>) {
        self.checker.stuck(at, why_not.into(), &self.ledger);
    }

    /// The job has had its time.
    pub(crate) fn demand(&mut self, at: u64, why_not: Option<Said>) {
        self.checker.demand(at, why_not, &self.ledger);
    }
}

impl Observer for Watch {
    /// Any event. Those that happen often have a way of their own: `watch/often.rs`.
    fn see(&mut self, event: &Event<'_>) {
        self.digest.add(|chain| chain.event(event));
        self.ledger.step();
        match self.more_is_wanted {
            true => self.judge_and_record(event),
            false => self.judge(event),
        }
    }
}

impl Watch {
    fn judge(&mut self, event: &Event<'_>) {
        match event.what {
            What::Delivered { .. } | What::Unanswered { .. } => {} // nothing that anybody judges by
            What::Sent { label, .. } => self.judge_sent(event.who, label),
            What::Noted(fact) => self.judge_noted(event.who, fact),
            What::Applied { request, response, changed, .. } => {
                self.judge_applied(event.at, event.who, (request, response), changed);
            }
            What::Visible { partition, record, producer, .. } => {
                self.judge_visible(event.at, partition, record, producer);
            }
            _ => {
                self.tally.see(event);
                self.crashed_at.see(event);
                self.ledger.see(event);
                self.checker.see(event, &self.ledger);
            }
        }
    }

    /// The same where something is kept, or where the checker is told of outputs by their place.
    #[cold]
    fn judge_and_record(&mut self, event: &Event<'_>) {
        match self.checker.tell(event) {
            Some(told) => self.judge_told(event, &told),
            None => {
                self.judge(event);
                self.record(event, event);
            }
        }
    }

    fn judge_told(&mut self, event: &Event<'_>, told: &Told) {
        self.judge(&told.instead_of(event));
        if let (Some(_), Some(outputs)) = (&self.history, self.checker.outputs()) {
            // People know an output by the record that it comes from.
            let shown = told.with_ids(|record| outputs.source(record.id).unwrap_or(record.id));
            self.record(&told.instead_of(event), &shown.instead_of(event));
        } else {
            self.record(&told.instead_of(event), event);
        }
        if let (Some(history), Some(outputs), Told::Record(record)) =
            (&mut self.history, self.checker.outputs(), told)
        {
            history.add(format!(": {}", outputs.name(record.id)));
        }
    }

    fn record(&mut self, event: &Event<'_>, shown: &Event<'_>) {
        if let Some(history) = &mut self.history {
            history.see(shown);
        }
        if let Some(digests) = &mut self.digests {
            digests.push(self.digest.value());
        }
        if let (Some(output), What::Visible { record, .. }) = (&mut self.output, event.what) {
            output.push((record.id, record.payload.clone()));
        }
    }

    /// The committed output, each with the record it comes from, in the order of the input.
    pub(crate) fn take_output(&mut self) -> Option<Vec<(RecordId, Payload)>> {
        let mut output = self.output.take()?;
        output.sort_by_key(|(record, _)| *record);
        if let Some(outputs) = self.checker.outputs() {
            for (id, _) in &mut output {
                *id = outputs.source(*id).unwrap_or(*id);
            }
        }
        Some(output)
    }
}

impl Tally {
    fn see(&mut self, event: &Event<'_>) {
        match event.what {
            What::Struck(fault) => self.struck[fault.kind() as usize] += 1,
            What::TimedOut { .. } => self.timed_out += 1,
            _ => {}
        }
    }

    fn noted(&mut self, fact: &Fact) {
        match fact {
            Fact::Completed(_) => self.completed += 1,
            Fact::Expired(_) => self.expired += 1,
            Fact::Restarting(_) => self.restarts += 1,
            Fact::Finished => self.finished = true,
            _ => {}
        }
    }
}
