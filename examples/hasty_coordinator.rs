//! The coordinator of `own_coordinator`, with one mistake, and the test that finds it.
//!
//! ```console
//! $ cargo test --example hasty_coordinator
//! $ cargo run --example hasty_coordinator -- run
//! ```
//!
//! Its author wanted commits to be early: he sends the notices before the write that makes the checkpoint
//! durable, for that write nearly always succeeds. When it does not, the sinks have committed what the next
//! restore sends again.

use std::process::ExitCode;

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::env::Head;
use twophase::message::ToWorker;
use twophase::{Address, CheckpointId, StandardJob, Timestamp};
use twophase_sim::{Anomaly, Subject, Window, subjects};

/// Says it too early.
struct Hastens {
    coordinator: Coordinator,
    sinks: u16,
    said: Option<CheckpointId>,
}

impl Hastens {
    fn say(&mut self, head: &Head, effects: &mut Vec<Effect>) {
        let Some(checkpoint) = head.completed.as_ref().map(|completed| completed.id) else {
            return;
        };
        if self.said < Some(checkpoint) {
            self.said = Some(checkpoint);
            let notice = ToWorker::Complete { incarnation: head.incarnation, checkpoint };
            effects.extend((0..self.sinks).map(|sink| Effect::Send(Address::sink(sink), notice.clone())));
        }
    }
}

impl Decide for Hastens {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let mut decided = Vec::new();
        self.coordinator.handle(now, input, &mut decided);
        for effect in decided {
            if let Effect::Put { head, .. } = &effect {
                self.say(head, effects); // the mistake: this belongs behind the answer to the put
            }
            effects.push(effect);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.coordinator.next_deadline()
    }
}

fn job() -> Subject {
    Subject::job("hastens", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), subjects::exactly_once);
        Box::new(job.with_coordinator(|settings, me| Hastens {
            coordinator: Coordinator::new(settings, me),
            sinks: me.parallelism,
            said: None,
        }))
    })
    .about("a coordinator that announces a checkpoint before it is durable")
    .broken(Anomaly::Premature, Window::W3)
}

/// The command `twophase`, over this job.
fn main() -> ExitCode {
    twophase_sim::cli(job())
}

#[cfg(test)]
mod tests {
    use super::job;
    use twophase_sim::{Anomaly, Simulation, Window};

    #[test]
    fn the_mistake_is_found_where_it_was_made() {
        let report = Simulation::of(job()).seeds(0..400).run();
        let first = report.assert_finds(Anomaly::Premature);
        assert_eq!(first.finding.window, Some(Window::W3), "{report}");
    }
}
