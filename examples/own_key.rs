//! A sink whose target carries no header, and the test that knows its records by a key of their own.
//!
//! ```console
//! $ cargo test --example own_key
//! $ cargo run --example own_key -- run --seed 7
//! ```
//!
//! The target takes lines, and nothing but lines. So neither what is written nor what the sink keeps in its snapshot
//! says which record of the input it is. `identify` takes the number of an order for that. The sink writes each order
//! when the next one is there, so that a checkpoint has to keep the last. `own_key_mixed_up` is its broken twin.

use std::process::ExitCode;

use twophase::{CheckpointId, Failure, Payload, Record, RecordId, Sink, SourceOffset, Split};
use twophase_sim::{Subject, subjects};

/// Which order a line is of: the number before its first semicolon.
fn number(line: &[u8]) -> Option<u64> {
    let number = line.split(|byte| *byte == b';').next()?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Holds one order back, in front of a sink that writes what it is given.
struct HoldsBack<S> {
    sink: S,
    held: Option<Payload>,
}

impl<S: Sink> HoldsBack<S> {
    fn new(sink: S) -> Self {
        HoldsBack { sink, held: None }
    }

    /// All lines have the same header: the target has none.
    async fn pass_on(&mut self, line: Payload) -> Result<(), Failure> {
        let nobody = RecordId { split: Split(0), offset: SourceOffset(0) };
        self.sink.write(Record { id: nobody, payload: line }).await
    }
}

impl<S: Sink> Sink for HoldsBack<S> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        let mut inner = Vec::new();
        for snapshot in restored {
            let (held, rest) = split(snapshot);
            self.held = held;
            inner.push(rest);
        }
        self.sink.open(from, &inner).await
    }

    async fn write(&mut self, order: Record) -> Result<(), Failure> {
        match self.held.replace(order.payload) {
            Some(before) => self.pass_on(before).await,
            None => Ok(()),
        }
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        let inner = self.sink.snapshot(id).await?;
        Ok(join(self.held.as_ref(), &inner))
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.sink.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        if let Some(last) = self.held.take() {
            self.pass_on(last).await?;
        }
        self.sink.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.sink.close().await
    }
}

/// The order that is held back, and what the sink behind keeps: the length of the first (0 for none), then both.
fn join(held: Option<&Payload>, inner: &[u8]) -> Vec<u8> {
    let held = held.map(|line| &line[..]).unwrap_or_default();
    [&(held.len() as u32).to_be_bytes(), held, inner].concat()
}

fn split(snapshot: &[u8]) -> (Option<Payload>, &[u8]) {
    let (length, rest) = snapshot.split_at(4);
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    let (held, inner) = rest.split_at(length);
    ((length > 0).then(|| Payload::copy_from_slice(held)), inner)
}

fn orders() -> Vec<String> {
    (1..300).map(|number| format!("{number};apples")).collect()
}

fn subject() -> Subject {
    Subject::sink("own-key", |env| HoldsBack::new(subjects::exactly_once(env)))
        .identify(number)
        .input(orders())
        .about("lines without a header, known by the number of their order")
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
    fn every_order_arrives_exactly_once() {
        Simulation::of(subject()).seeds(0..400).run().assert_exactly_once();
    }
}
