//! A coordinator that announces some checkpoints that no restore will use.
//!
//! - **Window** W3, after the ack and before complete. **Found as** premature.
//! - **Seen in** FLINK-10354, which took back FLINK-6328: savepoints were announced, and left out of the recovery.
//!
//! There was a good reason: people may delete a savepoint. But what a sink is told is complete it commits, and the
//! restore from the checkpoint before sends it again.

use std::sync::Arc;

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::env::{Completed, Head};
use twophase::{StandardJob, Timestamp};

use super::exactly_once;
use crate::{Anomaly, Part, Subject, Window};

#[derive(Debug)]
struct ForgetsSavepoints {
    correct: Coordinator,
    /// The newest that is no savepoint.
    checkpoint: Option<Arc<Completed>>,
}

/// Every third is asked for by people.
fn is_savepoint(completed: &Completed) -> bool {
    completed.id.0 % 3 == 0
}

impl ForgetsSavepoints {
    /// The mistake.
    fn without_savepoint(&mut self, head: &mut Head) {
        if head.completed.as_deref().is_some_and(is_savepoint) {
            head.completed.clone_from(&self.checkpoint);
        } else {
            self.checkpoint.clone_from(&head.completed);
        }
    }
}

impl Decide for ForgetsSavepoints {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let from = effects.len();
        self.correct.handle(now, input, effects);
        for effect in &mut effects[from..] {
            if let Effect::Put { head, .. } = effect {
                self.without_savepoint(head);
            }
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.correct.next_deadline()
    }
}

pub(super) fn subject() -> Subject {
    Subject::job("forgets-savepoints", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), exactly_once);
        Box::new(job.with_coordinator(|settings, me| ForgetsSavepoints {
            correct: Coordinator::new(settings, me),
            checkpoint: None,
        }))
    })
    .broken(Anomaly::Premature, Window::W3)
    .part(Part::Coordinator)
    .seen_in("K-01: FLINK-6328")
    .about("a coordinator that announces savepoints, and does not restore from them")
}
