//! What an engine drives.

use std::future::Future;

use crate::{CheckpointId, Failure, Record};

/// A sink under a checkpointing engine. The engine calls one method at a time; after an error it drops the
/// sink and restores a new one from the newest completed checkpoint.
///
/// The order of calls: [`open`](Sink::open) once; then [`write`](Sink::write), [`snapshot`](Sink::snapshot),
/// [`complete`](Sink::complete) and [`aborted`](Sink::aborted) as they come; at the end of the input
/// [`finish`](Sink::finish), one more snapshot, its completion, and [`close`](Sink::close).
///
/// Notices are hints (reference rule R2): a `complete` may be missing, late or repeated, and `aborted` may be
/// said of a checkpoint that is durable all the same.
pub trait Sink: Send + 'static {
    /// Starts from `restored`: the bytes of no snapshot (a fresh start), of one, or, after a change of
    /// parallelism, of several. `from` is the checkpoint they belong to.
    fn open(
        &mut self,
        from: Option<CheckpointId>,
        restored: &[&[u8]],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Takes one record.
    fn write(&mut self, record: Record) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes everything written so far ready to be committed, and says what a restore needs.
    fn snapshot(&mut self, id: CheckpointId) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;

    /// The checkpoint is complete: everything up to it may, and must, be committed.
    fn complete(&mut self, id: CheckpointId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The checkpoint was given up, as far as the engine knows.
    fn aborted(&mut self, id: CheckpointId) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = id;
        std::future::ready(Ok(()))
    }

    /// There is no more input.
    fn finish(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        std::future::ready(Ok(()))
    }

    /// The sink is no longer needed. What is promised must stay as it is.
    fn close(&mut self) -> impl Future<Output = Result<(), Failure>> + Send {
        std::future::ready(Ok(()))
    }
}
