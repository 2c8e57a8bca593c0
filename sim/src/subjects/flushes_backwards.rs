//! A sink that writes what it has collected in the wrong order.
//!
//! - **Window** W5, because it is seen when the transaction is committed. **Found as** reordered.
//! - **Seen in** no ticket: a stack is the shortest buffer there is.
//!
//! Every record is there, and once. But among the records of one split on one partition the order is part of the
//! promise: who reads the last value of a key reads an old one.

use twophase::{CheckpointId, Failure, Handle, Participant, Record};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct FlushesBackwards {
    correct: Hooks,
    collected: Vec<Record>,
}

impl AlterHooks for FlushesBackwards {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn write(&mut self, _transaction: &mut Handle, record: Record) -> Result<(), Failure> {
        self.collected.push(record);
        Ok(())
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        while let Some(record) = self.collected.pop() {
            self.correct.write(transaction, record).await?; // the mistake: the last one first
        }
        self.correct.pre_commit(checkpoint, transaction).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("flushes-backwards", |env| {
        let hooks = FlushesBackwards { correct: hooks_for(&env), collected: Vec::new() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Reordered, Window::W5)
    .about("a sink that collects records on a stack and flushes from its top")
}
