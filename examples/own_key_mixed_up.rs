//! The sink of `own_key`, with one mistake, and the test that finds it.
//!
//! ```console
//! $ cargo test --example own_key_mixed_up
//! ```
//!
//! Its snapshot keeps the order that was written last, in place of the one that is held back. Nothing shows it until a
//! job restores: then one order is written twice, and the one after it never. As many lines come out as went in, and
//! no line has a header that would tell. Only who knows each order by its number finds it.

use std::process::ExitCode;

use twophase::{CheckpointId, Failure, Payload, Record, RecordId, Sink, SourceOffset, Split};
use twophase_sim::{Anomaly, Subject, subjects};

/// Which order a line is of: the number before its first semicolon.
fn number(line: &[u8]) -> Option<u64> {
    let number = line.split(|byte| *byte == b';').next()?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Holds one order back, in front of a sink that writes what it is given.
struct HoldsBack<S> {
    sink: S,
    held: Option<Payload>,
    last: Option<Payload>,
}

impl<S: Sink> HoldsBack<S> {
    fn new(sink: S) -> Self {
        HoldsBack { sink, held: None, last: None }
    }

    /// All lines have the same header: the target has none.
    async fn pass_on(&mut self, line: Payload) -> Result<(), Failure> {
        self.last = Some(line.clone());
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
        Ok(join(self.last.as_ref(), &inner)) // the mistake: what is held back has to be kept
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
    Subject::sink("own-key-mixed-up", |env| HoldsBack::new(subjects::exactly_once(env)))
        .identify(number)
        .input(orders())
        .about("keeps the order written last in its snapshot, in place of the one held back")
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
    fn the_mistake_is_found_and_named_by_the_order() {
        let report = Simulation::of(subject()).seeds(0..100).run();
        let first = report.assert_finds(Anomaly::Duplicate);
        assert!(first.finding.detail.contains(";apples\" of record s"), "{report}");
    }

    /// Without a crash there is nothing to restore, and nothing wrong.
    #[test]
    fn it_takes_a_restore_to_show() {
        Simulation::of(subject()).faults(false).seeds(0..20).run().assert_exactly_once();
    }
}
