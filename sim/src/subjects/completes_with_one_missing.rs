//! A coordinator that does not wait for the last acknowledgement.
//!
//! - **Window** W3, after the ack and before complete. **Found as** premature.
//! - **Seen in** no single ticket: it is a count of acknowledgements that is off by one, filled up with what that
//!   task said the last time.
//!
//! A checkpoint is what *all* tasks have done. With the older part of one, a restore reads from an older place what
//! its sink commits when it is told that the checkpoint is complete.

use std::collections::BTreeMap;

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::message::ToCoordinator;
use twophase::{Address, CheckpointId, Incarnation, Snapshot, StandardJob, Timestamp};

use super::exactly_once;
use crate::{Anomaly, Part, Subject, Window};

/// The newest acknowledgement of one task.
type LastAck = (Address, Incarnation, CheckpointId, Snapshot);

#[derive(Debug)]
struct CompletesWithOneMissing {
    correct: Coordinator,
    parallelism: usize,
    newest: BTreeMap<u16, LastAck>,
}

impl CompletesWithOneMissing {
    /// The mistake: with all acknowledgements but one, the missing one is made up.
    fn made_up(&self, now: Incarnation, id: CheckpointId) -> Option<Input> {
        let of_now = self.newest.values().filter(|part| part.1 == now);
        let (there, mut missing): (Vec<_>, Vec<_>) = of_now.partition(|part| part.2 == id);
        let (from, incarnation, _, snapshot) = missing.pop()?.clone();
        (missing.is_empty() && there.len() + 1 == self.parallelism).then_some(Input::Message {
            from,
            message: ToCoordinator::Ack { incarnation, checkpoint: id, snapshot },
        })
    }
}

impl Decide for CompletesWithOneMissing {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let made_up = match &input {
            Input::Message { from, message: ToCoordinator::Ack { incarnation, checkpoint, snapshot } } => {
                let part = (*from, *incarnation, *checkpoint, snapshot.clone());
                self.newest.insert(from.index, part);
                self.made_up(*incarnation, *checkpoint)
            }
            _ => None,
        };
        self.correct.handle(now, input, effects);
        if let Some(made_up) = made_up {
            self.correct.handle(now, made_up, effects);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.correct.next_deadline()
    }
}

pub(super) fn subject() -> Subject {
    Subject::job("completes-with-one-missing", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), exactly_once);
        Box::new(job.with_coordinator(|settings, me| CompletesWithOneMissing {
            correct: Coordinator::new(settings, me),
            parallelism: me.parallelism.into(),
            newest: BTreeMap::new(),
        }))
    })
    .broken(Anomaly::Premature, Window::W3)
    .part(Part::Coordinator)
    .about("a coordinator that completes a checkpoint with one acknowledgement missing")
}
