//! The sink of `fan_out`, with one mistake, and the test that finds it.
//!
//! ```console
//! $ cargo test --example fan_out_shifted
//! ```
//!
//! Its author writes the line before each line, to save a copy of the last. So the first line of an order is there
//! twice, and the last one never. As many lines come out as have to, with the right headers; nobody who counts finds
//! anything. Whoever knows each line does, because the loss of one cannot cancel the duplicate of another.

use std::process::ExitCode;

use twophase::{CheckpointId, Failure, Record, Sink};
use twophase_sim::{Anomaly, Subject, subjects};

/// What is to come out of one order: `17;apples;pears` becomes `17 apples` and `17 pears`.
fn lines(order: &[u8]) -> Vec<String> {
    let order = String::from_utf8_lossy(order);
    let mut parts = order.split(';');
    let number = parts.next().unwrap_or_default();
    parts.map(|item| format!("{number} {item}")).collect()
}

/// Writes the lines of each order to a sink that writes what it is given.
struct FanOut<S>(S);

impl<S: Sink> Sink for FanOut<S> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.0.open(from, restored).await
    }

    async fn write(&mut self, order: Record) -> Result<(), Failure> {
        let lines = lines(&order.payload);
        for place in 0..lines.len() {
            let line = &lines[place.max(1) - 1]; // the mistake: this belongs to the line at `place`
            self.0.write(Record { id: order.id, payload: line.clone().into() }).await?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.0.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.0.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.0.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.0.close().await
    }
}

fn orders() -> Vec<String> {
    (0..200).map(|number| format!("{number};apples;pears")).collect()
}

fn subject() -> Subject {
    Subject::sink("fan-out-shifted", |env| FanOut(subjects::exactly_once(env)))
        .expect(|order: &Record| lines(&order.payload))
        .input(orders())
        .about("writes the first line of an order twice, and the last one never")
        .broken(Anomaly::Duplicate, None)
}

/// The command `twophase`, over this sink.
fn main() -> ExitCode {
    twophase_sim::cli(subject())
}

#[cfg(test)]
mod tests {
    use super::subject;
    use twophase_sim::{Anomaly, Simulation};

    #[test]
    fn the_mistake_is_found_and_named_by_the_line() {
        let report = Simulation::of(subject()).seeds(0..50).run();
        let first = report.assert_finds(Anomaly::Duplicate);
        assert!(first.finding.detail.starts_with("output 1 of 2, \""), "{report}");
        assert!(first.finding.detail.contains("it is committed twice"), "{report}");
    }

    /// The right number of records is no defence, and nothing has to go wrong for it.
    #[test]
    fn a_loss_does_not_cancel_the_duplicate() {
        let calm = Simulation::of(subject()).faults(false).seeds(0..20).run();
        assert_eq!(calm.summary().failed, 20, "{calm}");
    }
}
