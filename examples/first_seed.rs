//! The first hour of a user: the sink of "From nothing to the first failing seed" in the README, letter for letter, whose
//! author has thought about restarts; and a test that the failure shown there is found.
//!
//! ```console
//! $ cargo test --example first_seed
//! $ cargo run --example first_seed -- run
//! ```

use twophase::{CheckpointId, Env, Failure, Record, Sink, Transactional, TransactionalOptions, TwoPhase};

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

/// Orders, exactly once.
pub fn orders<E: Env>(env: E) -> impl Sink {
    let (clock, broker) = (env.clock().clone(), env.broker().clone());
    let inner = Transactional::new(env, broker, TransactionalOptions::default());
    Orders(TwoPhase::new(inner, clock, Default::default()))
}

/// The command `twophase`, over this sink.
fn main() -> std::process::ExitCode {
    let subject = twophase_sim::Subject::sink("orders", orders)
        .about("throws away what it wrote into its snapshots")
        .broken(twophase_sim::Anomaly::Lost, twophase_sim::Window::W4);
    twophase_sim::cli(subject)
}

#[cfg(test)]
mod tests {
    use super::orders;
    use twophase_sim::{Anomaly, Simulation, Window};

    #[test]
    fn what_was_promised_and_thrown_away_is_lost() {
        let report = Simulation::new(orders).run();
        let first = report.assert_finds(Anomaly::Lost);
        assert_eq!(first.finding.window, Some(Window::W4), "{report}");
    }
}
