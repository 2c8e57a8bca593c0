//! A sink of one's own, and the twenty lines that test it.
//!
//! ```console
//! $ cargo test --example exactly_once
//! $ cargo run --example exactly_once -- run --seed 7
//! ```
//!
//! The sink is written against the abstract traits alone, so that the same code runs in production. Everything
//! Kafka-like about it is in three decisions: what a transaction is called, what is done with those that a
//! crash left behind, and in which order.

use std::collections::BTreeMap;
use std::process::ExitCode;

use twophase::env::{Broker, Env, Transaction};
use twophase::two_phase::Options;
use twophase::{
    CheckpointId, Fact, Failure, Handle, Next, Participant, Partition, Record, TransactionalId, TwoPhase,
};
use twophase_sim::{SimEnv, Subject};

/// Writes orders to the one partition of their topic.
struct Orders<E: Env> {
    env: E,
    open: BTreeMap<TransactionalId, <E::Broker as Broker>::Transaction>,
    count: u32,
    /// What the restored checkpoint says will be committed; `None` once the restore is over.
    promised: Option<Vec<Handle>>,
}

impl<E: Env> Orders<E> {
    fn new(env: E) -> Self {
        Orders { env, open: BTreeMap::new(), count: 0, promised: Some(Vec::new()) }
    }

    /// Every name is used once in all lives of the job, and tells whose it is: `orders-SINK-INCARNATION-COUNT`.
    fn next_name(&mut self) -> TransactionalId {
        let me = self.env.me();
        self.count += 1;
        TransactionalId::new(format!("orders-{}-{}-{}", me.index, me.incarnation.0, self.count))
    }

    /// Whether an earlier life of this sink opened it, and nothing promises it.
    fn is_leftover(&self, found: &Handle, promised: &[Handle]) -> bool {
        let incarnation = found.id.as_str().split('-').nth(2);
        let incarnation = incarnation.and_then(|digits| digits.parse().ok());
        let earlier = incarnation.is_some_and(|one: u32| one < self.env.me().incarnation.0);
        earlier && !promised.contains(found)
    }

    /// Shuts out whoever may still write to what an earlier life left open, and aborts it: its records are
    /// read again. Only after everything promised was committed, for this would abort that too.
    async fn clean_up(&mut self) -> Result<(), Failure> {
        let Some(promised) = self.promised.take() else {
            return Ok(());
        };
        let mine = format!("orders-{}-", self.env.me().index);
        for found in self.env.broker().lingering(&mine).await? {
            if self.is_leftover(&found, &promised) {
                self.end_leftover(&found).await?;
            }
        }
        Ok(())
    }

    async fn end_leftover(&self, found: &Handle) -> Result<(), Failure> {
        self.env.broker().fence(&found.id).await?;
        self.env.note(Fact::Aborted(found.id.clone()));
        Ok(())
    }

    fn transaction(&mut self, handle: &Handle) -> Result<&mut <E::Broker as Broker>::Transaction, Failure> {
        let open = self.open.get_mut(&handle.id);
        open.ok_or_else(|| Failure::new(Next::Fatal, "the transaction is not open here"))
    }
}

impl<E: Env> Participant for Orders<E> {
    type Handle = Handle;
    type Context = ();

    async fn begin(&mut self) -> Result<Handle, Failure> {
        self.clean_up().await?;
        let name = self.next_name();
        let transaction = self.env.broker().begin(&name).await?;
        let handle = transaction.handle().clone();
        self.open.insert(name.clone(), transaction);
        self.env.note(Fact::Began(name));
        if self.count == 1 {
            self.env.note(Fact::Restored);
        }
        Ok(handle)
    }

    async fn write(&mut self, handle: &mut Handle, record: Record) -> Result<(), Failure> {
        self.transaction(handle)?.append(Partition(0), record).await
    }

    async fn pre_commit(&mut self, checkpoint: CheckpointId, handle: &mut Handle) -> Result<(), Failure> {
        *handle = self.transaction(handle)?.pre_commit().await?;
        self.env.note(Fact::PreCommitted(checkpoint, handle.id.clone()));
        Ok(())
    }

    /// A commit without an answer is an error. The job restarts then, and commits again.
    async fn commit(&mut self, handle: &Handle) -> Result<(), Failure> {
        for result in self.env.broker().commit(std::slice::from_ref(handle), &[]).await {
            result?;
        }
        self.open.remove(&handle.id);
        self.env.note(Fact::Committed(handle.id.clone()));
        Ok(())
    }

    async fn abort(&mut self, handle: &Handle) -> Result<(), Failure> {
        self.env.broker().abort(handle).await?;
        self.open.remove(&handle.id);
        self.env.note(Fact::Aborted(handle.id.clone()));
        Ok(())
    }

    async fn recover_and_commit(&mut self, handle: &Handle) -> Result<(), Failure> {
        self.promised.get_or_insert_default().push(handle.clone());
        self.commit(handle).await
    }

    /// What was open when the checkpoint was taken. Its writer may still run, so it is shut out as well.
    async fn recover_and_abort(&mut self, handle: &Handle) -> Result<(), Failure> {
        self.end_leftover(handle).await
    }
}

/// The sink that an engine drives: Flink's state machine around the participant above.
fn orders(env: SimEnv) -> TwoPhase<Orders<SimEnv>, <SimEnv as Env>::Clock> {
    let clock = env.clock().clone();
    TwoPhase::new(Orders::new(env), clock, Options::default())
}

/// The command `twophase`, over this sink.
fn main() -> ExitCode {
    let subject = Subject::sink("orders", orders).about("orders to one partition");
    twophase_sim::cli(subject)
}

#[cfg(test)]
mod tests {
    use super::orders;
    use twophase_sim::Simulation;

    #[test]
    fn orders_arrive_exactly_once() {
        Simulation::new(orders).seeds(0..400).run().assert_exactly_once();
    }
}
