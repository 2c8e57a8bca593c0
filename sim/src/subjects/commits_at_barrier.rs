//! A sink that commits when the barrier arrives.
//!
//! - **Window** W2, after pre-commit and before the ack. **Found as** premature, because that is seen first;
//!   the duplicate follows with the next failure.
//! - **Akin to** FLINK-10354, where sinks committed for savepoints that no restore made use of.
//!
//! At the barrier the sink knows that *it* is done, not that the others are. If the checkpoint fails, the job
//! restores the one before, and sends again what everybody can already read.

use twophase::{CheckpointId, Failure, Handle, Participant};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct CommitsAtBarrier(Hooks);

impl AlterHooks for CommitsAtBarrier {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.0
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        self.0.pre_commit(checkpoint, transaction).await?;
        self.0.commit(transaction).await // the mistake: nothing is durable yet
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("commits-at-barrier", |env| sink_over(&env, Altered(CommitsAtBarrier(hooks_for(&env)))))
        .broken(Anomaly::Premature, Window::W2)
        .seen_in("akin to K-01: FLINK-10354")
        .about("a sink that commits at the barrier, before the checkpoint is complete")
}
