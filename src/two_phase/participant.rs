//! What a user's sink brings: the hooks of Flink's `TwoPhaseCommitSinkFunction`.

use std::fmt::Display;
use std::future::Future;

use serde::{Serialize, de::DeserializeOwned};

use crate::{CheckpointId, Failure, Record};

/// The hooks of a two-phase-commit sink, as Flink names them. [`TwoPhase`](super::TwoPhase) decides when each
/// is called.
///
/// Everything from `commit` on must be repeatable: the same checkpoint may be restored many times before a
/// newer one completes (reference V1-8).
pub trait Participant: Send + 'static {
    /// All that outlives the process of one transaction. After a crash it is read back from its bytes. It
    /// displays as its name, by which the log speaks of it.
    type Handle: Clone + Display + Serialize + DeserializeOwned + Send + Sync;
    /// One value that each sink keeps with its state, for example which names it owns. `()` if there is none.
    type Context: Clone + Serialize + DeserializeOwned + Send + Sync;

    /// Opens a transaction (`beginTransaction`).
    fn begin(&mut self) -> impl Future<Output = Result<Self::Handle, Failure>> + Send;

    /// Adds a record to the open transaction (`invoke`).
    fn write(
        &mut self,
        transaction: &mut Self::Handle,
        record: Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Flushes for this checkpoint; from here on the handle is enough to commit all that was written
    /// (`preCommit`).
    fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Self::Handle,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Commits (`commit`).
    fn commit(&mut self, transaction: &Self::Handle) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Aborts (`abort`).
    fn abort(&mut self, transaction: &Self::Handle) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Commits what an earlier incarnation promised (`recoverAndCommit`); the same as [`commit`](Self::commit)
    /// unless overridden.
    fn recover_and_commit(
        &mut self,
        transaction: &Self::Handle,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.commit(transaction)
    }

    /// Aborts what an earlier incarnation had open (`recoverAndAbort`); the same as [`abort`](Self::abort)
    /// unless overridden.
    fn recover_and_abort(
        &mut self,
        transaction: &Self::Handle,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.abort(transaction)
    }

    /// The context of a sink that restored none (`initializeUserContext`).
    fn initialize_context(&mut self) -> impl Future<Output = Result<Option<Self::Context>, Failure>> + Send {
        std::future::ready(Ok(None))
    }

    /// One restored state is dealt with: these transactions of it were committed or aborted, in this order
    /// (`finishRecoveringContext`). Called once for each state that had a context. What it leaves in `context`
    /// is stored from now on; of several states, that of the last (V1-6).
    fn finish_recovering(
        &mut self,
        context: &mut Self::Context,
        handled: &[Self::Handle],
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = (context, handled);
        std::future::ready(Ok(()))
    }

    /// There is no more input; `transaction` is the open one, if there is one (`finishProcessing`).
    fn finish(
        &mut self,
        transaction: Option<&mut Self::Handle>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = transaction;
        std::future::ready(Ok(()))
    }
}
