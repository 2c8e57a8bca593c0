//! The broken twin of `property`: a sink whose author has thought about restarts; and what proptest makes of it.
//!
//! ```console
//! $ cargo test --example property_broken
//! $ cargo run --example property_broken
//! ```

use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use twophase::two_phase::Options;
use twophase::{CheckpointId, Env, Failure, Record, Sink, Transactional, TransactionalOptions, TwoPhase};
use twophase_sim::{Schedule, Subject, strategies};

struct Orders<S>(S);

impl<S: Sink> Sink for Orders<S> {
    async fn open(&mut self, from: Option<CheckpointId>, _: &[&[u8]]) -> Result<(), Failure> {
        self.0.open(from, &[]).await // the source sends again what is not committed: a fresh start will do
    }
    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        self.0.write(record).await
    }
    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.0.snapshot(id).await
    }
    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.0.complete(id).await
    }
}

fn orders<E: Env>(env: E) -> impl Sink {
    let (clock, broker) = (env.clock().clone(), env.broker().clone());
    let inner = Transactional::new(env, broker, TransactionalOptions::default());
    Orders(TwoPhase::new(inner, clock, Options::default()))
}

/// What proptest says, and the schedule that it has shrunk to, if it has found one.
fn found() -> Option<(String, Schedule)> {
    let subject = Subject::sink("orders", orders);
    // Always the same draws: of some others proptest is content with four faults, where one would do.
    let draws = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(strategies::config(1_000), draws);
    let property = |schedule| strategies::check(&subject, &schedule);
    match runner.run(&strategies::schedules_for(&subject), property) {
        Err(TestError::Fail(reason, schedule)) => Some((reason.to_string(), schedule)),
        _ => None,
    }
}

fn main() {
    match found() {
        Some((said, schedule)) => println!("{said}\nfaults: {:#?}", schedule.faults),
        None => println!("nothing was found"),
    }
}

#[cfg(test)]
mod tests {
    use super::found;

    #[test]
    fn what_was_promised_and_thrown_away_is_lost_after_a_fault_or_two() {
        let (said, schedule) = found().expect("a thousand schedules are enough");
        assert!(said.starts_with("orders: lost in W4"), "{said}");
        assert!((1..=2).contains(&schedule.faults.len()), "{:?}", schedule.faults);
    }
}
