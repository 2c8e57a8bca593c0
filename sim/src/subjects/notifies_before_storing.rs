//! A coordinator that tells the sinks that a checkpoint is complete before it is durable.
//!
//! - **Window** W3, after the ack and before complete. **Found as** premature, because that is seen first; the
//!   duplicate follows if the write to the store fails.
//! - **Seen in** FLINK-31077, where the promise was kept as soon as the checkpoint existed in memory.
//!
//! The notice and the write race. As long as the write wins nothing is wrong. When it is lost, refused or late,
//! or the coordinator dies over it, the sinks have committed what the next restore sends again.

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::env::Head;
use twophase::message::ToWorker;
use twophase::{Address, CheckpointId, StandardJob, Timestamp};

use super::exactly_once;
use crate::{Anomaly, Part, Subject, Window};

#[derive(Debug)]
struct NotifiesBeforeStoring {
    correct: Coordinator,
    parallelism: u16,
    notified: Option<CheckpointId>,
}

impl NotifiesBeforeStoring {
    /// The mistake: these come before the write.
    fn notices(&mut self, head: &Head) -> Vec<Effect> {
        let newest = head.completed.as_ref().map(|completed| completed.id);
        let (Some(checkpoint), true) = (newest, newest > self.notified) else {
            return Vec::new();
        };
        self.notified = newest;
        let complete = ToWorker::Complete { incarnation: head.incarnation, checkpoint };
        let everyone = (0..self.parallelism).map(Address::sink);
        everyone.map(|sink| Effect::Send(sink, complete.clone())).collect()
    }
}

impl Decide for NotifiesBeforeStoring {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let mut decided = Vec::new();
        self.correct.handle(now, input, &mut decided);
        for effect in decided {
            if let Effect::Put { head, .. } = &effect {
                effects.extend(self.notices(head));
            }
            effects.push(effect);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.correct.next_deadline()
    }
}

pub(super) fn subject() -> Subject {
    Subject::job("notifies-before-storing", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), exactly_once);
        Box::new(job.with_coordinator(|settings, me| NotifiesBeforeStoring {
            correct: Coordinator::new(settings, me),
            parallelism: me.parallelism,
            notified: None,
        }))
    })
    .broken(Anomaly::Premature, Window::W3)
    .part(Part::Coordinator)
    .seen_in("K-02: FLINK-31077")
    .about("a coordinator that announces a checkpoint before it is stored")
}
