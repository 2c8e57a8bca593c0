//! A sink tested by properties, for those whose tests are: strategies draw the schedules, and proptest shrinks them.
//!
//! ```console
//! $ cargo test --example property
//! ```
//!
//! It needs the feature `proptest` of `twophase-sim`. `property_broken` is its broken twin.

use std::process::ExitCode;

use twophase::two_phase::Options;
use twophase::{Env, Sink, Transactional, TransactionalOptions, TwoPhase};
use twophase_sim::Subject;

fn orders<E: Env>(env: E) -> impl Sink {
    let (clock, broker) = (env.clock().clone(), env.broker().clone());
    let inner = Transactional::new(env, broker, TransactionalOptions::default());
    TwoPhase::new(inner, clock, Options::default())
}

fn subject() -> Subject {
    Subject::sink("orders", orders).about("a sink tested by properties")
}

/// The command `twophase`, over this sink.
fn main() -> ExitCode {
    twophase_sim::cli(subject())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use twophase_sim::fault::Fault;
    use twophase_sim::{Schedule, strategies};

    use super::subject;

    proptest! {
        #![proptest_config(strategies::config(200))]

        /// Whole schedules: every part is drawn.
        #[test]
        fn every_order_is_committed_exactly_once(schedule in strategies::schedules_for(&subject())) {
            strategies::check(&subject(), &schedule)?;
        }

        /// Parts of schedules: what the test is about is drawn, and everything else stands still.
        #[test]
        fn whatever_goes_wrong_just_before_a_crash(faults in strategies::faults(0..3), at in strategies::sites()) {
            let crash = Fault::Crash { at, restart_after: Duration::from_millis(5) };
            let mut schedule = Schedule { faults, ..Schedule::calm() };
            schedule.faults.push(crash);
            schedule.make_safe();
            strategies::check(&subject(), &schedule)?;
        }
    }
}
