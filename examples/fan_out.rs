//! A sink that writes more, or less, than it was given, and the test that knows what is to come out.
//!
//! ```console
//! $ cargo test --example fan_out
//! $ cargo run --example fan_out -- run --seed 7
//! ```
//!
//! Of each order it writes one line for every item, and nothing of an order without any. `expect` says which outputs
//! an order has; each of them must then be there exactly once. `fan_out_shifted` is its broken twin.

use std::process::ExitCode;

use twophase::{CheckpointId, Failure, Record, Sink};
use twophase_sim::{Subject, subjects};

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
        for line in lines(&order.payload) {
            self.0.write(Record { id: order.id, payload: line.into() }).await?; // each carries its order's header
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

/// Orders with no item, with several, and with one twice.
fn orders() -> Vec<String> {
    let items = ["", ";apples", ";apples;pears", ";pears;pears;plums"];
    (0..200).map(|number| format!("{number}{}", items[number % items.len()])).collect()
}

fn subject() -> Subject {
    Subject::sink("fan-out", |env| FanOut(subjects::exactly_once(env)))
        .expect(|order: &Record| lines(&order.payload))
        .input(orders())
        .about("one line for each item of an order")
}

/// The command `twophase`, over this sink.
fn main() -> ExitCode {
    twophase_sim::cli(subject())
}

#[cfg(test)]
mod tests {
    use super::subject;
    use twophase_sim::Simulation;

    #[test]
    fn every_line_arrives_exactly_once() {
        Simulation::of(subject()).seeds(0..400).run().assert_exactly_once();
    }
}
