//! A coordinator that writes over what it did not expect to find.
//!
//! - **Window** W3, after the ack and before complete. **Found as** stuck: the checkpoint that it completes
//!   belongs to an incarnation that has been replaced, and whose transactions nobody will commit.
//! - **Akin to** apache/iceberg#14510, where an old coordinator finished its commit beside the new one, and
//!   FLINK-13969, where a checkpoint of one attempt completed in the next.
//!
//! That the write is refused is how a coordinator learns that it has been deposed. One that reads the new version
//! and tries again takes the job back from its successor, behind the backs of the tasks that run for that one.

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::env::Head;
use twophase::{Next, StandardJob, Timestamp};

use super::exactly_once;
use crate::{Anomaly, Part, Subject, Window};

#[derive(Debug)]
struct OverwritesTheHead {
    correct: Coordinator,
    /// The newest write, and whether it was refused and is to be repeated.
    wanted: Option<(Head, bool)>,
}

impl Decide for OverwritesTheHead {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        match (input, self.wanted.take()) {
            (Input::Put(Err(failure)), Some((head, _))) if failure.next() == Next::Fenced => {
                self.wanted = Some((head, true));
                effects.push(Effect::Read);
            }
            (Input::Read(Ok(Some((version, _)))), Some((head, true))) => {
                self.wanted = Some((head.clone(), false));
                effects.push(Effect::Put {
                    expected: Some(version), // the mistake: whatever is there
                    head,
                });
            }
            (input, _) => self.correct.handle(now, input, effects),
        }
        for effect in effects.iter() {
            if let Effect::Put { head, .. } = effect {
                self.wanted = Some((head.clone(), false));
            }
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.correct.next_deadline()
    }
}

pub(super) fn subject() -> Subject {
    Subject::job("overwrites-the-head", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), exactly_once);
        Box::new(job.with_coordinator(|settings, me| OverwritesTheHead {
            correct: Coordinator::new(settings, me),
            wanted: None,
        }))
    })
    .broken(Anomaly::Stuck, Window::W3)
    .part(Part::Coordinator)
    .seen_in("akin to F-18: apache/iceberg#14510")
    .about("a coordinator that writes over what its successor has stored")
}
