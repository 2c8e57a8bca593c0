//! A sink that aborts and sends again what was not answered, where the others fail and are restarted. It is correct,
//! over brokers that verify partitions.
//!
//! Whoever writes an application on transactions is told to do it like this. It is the only sink here that ends a
//! transaction while a batch of it may still be under way: a broker that does not verify takes that batch for the first
//! of a new transaction, which nobody ends (KIP-890).

use twophase::{CheckpointId, Failure, Handle, Participant, Record, Sink};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, impatient_hooks_for};
use crate::env::SimEnv;

#[derive(Debug)]
struct SendsAgain {
    correct: Hooks,
    /// What is in the open transaction.
    written: Vec<Record>,
}

impl SendsAgain {
    /// The same records in another transaction.
    async fn send_again(&mut self, transaction: &mut Handle) -> Result<(), Failure> {
        self.correct.abort(transaction).await?;
        *transaction = self.correct.begin().await?;
        for record in &self.written {
            self.correct.write(transaction, record.clone()).await?;
        }
        Ok(())
    }
}

impl AlterHooks for SendsAgain {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn write(&mut self, transaction: &mut Handle, record: Record) -> Result<(), Failure> {
        self.written.push(record.clone());
        match self.correct.write(transaction, record).await {
            Err(failure) if failure.may_have_happened() => self.send_again(transaction).await,
            result => result,
        }
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        match self.correct.pre_commit(checkpoint, transaction).await {
            Err(failure) if failure.may_have_happened() => {
                self.send_again(transaction).await?;
                self.correct.pre_commit(checkpoint, transaction).await?;
            }
            result => result?,
        }
        self.written.clear();
        Ok(())
    }
}

pub(super) fn sends_again(env: SimEnv) -> impl Sink {
    let hooks = SendsAgain { correct: impatient_hooks_for(&env), written: Vec::new() };
    sink_over(&env, Altered(hooks))
}
