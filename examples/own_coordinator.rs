//! A sink and a coordinator of one's own.
//!
//! ```console
//! $ cargo test --example own_coordinator
//! $ cargo run --example own_coordinator -- run --seed 7
//! ```
//!
//! A coordinator is a [`Decide`]: it hears inputs and pushes effects, and awaits nothing. This one wraps the
//! library's and says every notice of a completed checkpoint twice, so that fewer commits have to wait for the
//! next one. That is allowed, because a notice is a hint: it may be lost, late or repeated.

use std::process::ExitCode;

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::message::ToWorker;
use twophase::{StandardJob, Timestamp};
use twophase_sim::{Subject, subjects};

/// Says it twice.
struct Insists(Coordinator);

impl Decide for Insists {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let mut decided = Vec::new();
        self.0.handle(now, input, &mut decided);
        for effect in decided {
            if matches!(effect, Effect::Send(_, ToWorker::Complete { .. })) {
                effects.push(effect.clone());
            }
            effects.push(effect);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.0.next_deadline()
    }
}

/// The sink may be your own as well; here it is the one that comes along.
fn job() -> Subject {
    Subject::job("insists", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), subjects::exactly_once);
        Box::new(job.with_coordinator(|settings, me| Insists(Coordinator::new(settings, me))))
    })
    .about("a coordinator that says each notice twice")
}

/// The command `twophase`, over this job.
fn main() -> ExitCode {
    twophase_sim::cli(job())
}

#[cfg(test)]
mod tests {
    use super::job;
    use twophase_sim::Simulation;

    #[test]
    fn a_notice_may_come_twice() {
        Simulation::of(job()).seeds(0..400).run().assert_exactly_once();
    }
}
