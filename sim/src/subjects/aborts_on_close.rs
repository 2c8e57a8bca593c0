//! A sink that leaves nothing open when it is closed.
//!
//! - **Window** W4, after complete and before commit. **Found as** stuck: the records are lost, and
//!   the restore that looks for them gives up.
//! - **Seen in** FLINK-17327: a newer client (KAFKA-6635) aborted on close whatever was open.
//!
//! A pre-committed transaction does not belong to the process that wrote it, but to its checkpoint. That may be
//! complete, and only the notice be under way; then the restore is to commit what is gone.

use twophase::{CheckpointId, Failure, Handle, Participant};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct AbortsOnClose {
    correct: Hooks,
    pre_committed: Vec<Handle>,
}

impl AlterHooks for AbortsOnClose {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        self.correct.pre_commit(checkpoint, transaction).await?;
        self.pre_committed.push(transaction.clone());
        Ok(())
    }

    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.pre_committed.retain(|known| known != transaction);
        self.correct.commit(transaction).await
    }

    /// Called for the open transaction when the sink is closed.
    async fn abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        for promised in std::mem::take(&mut self.pre_committed) {
            self.correct.abort(&promised).await?; // the mistake
        }
        self.correct.abort(transaction).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("aborts-on-close", |env| {
        let hooks = AbortsOnClose { correct: hooks_for(&env), pre_committed: Vec::new() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Stuck, Window::W4)
    .seen_in("S-15: FLINK-17327")
    .about("a sink that aborts on close what it has pre-committed")
}
