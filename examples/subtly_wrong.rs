//! The sink of `exactly_once`, with one mistake, and the test that finds it.
//!
//! ```console
//! $ cargo test --example subtly_wrong
//! $ cargo run --example subtly_wrong -- run
//! ```
//!
//! Its author thought of zombies: after a crash he shuts them out before he does anything else, so that nobody
//! writes to what he is about to commit. Each line is right, and so is the reason. But a broker that shuts
//! out the users of a name aborts what is open under it, and what was promised is still open.

use std::collections::BTreeMap;
use std::process::ExitCode;

use twophase::env::{Broker, Env, Transaction};
use twophase::two_phase::Options;
use twophase::{
    CheckpointId, Fact, Failure, Handle, Next, Participant, Partition, Record, TransactionalId, TwoPhase,
};
use twophase_sim::{Anomaly, SimEnv, Subject, Window};

/// Writes orders to the one partition of their topic.
struct Orders<E: Env> {
    env: E,
    open: BTreeMap<TransactionalId, <E::Broker as Broker>::Transaction>,
    count: u32,
    /// Whether what earlier lives left open has been ended.
    clean: bool,
}

impl<E: Env> Orders<E> {
    fn new(env: E) -> Self {
        Orders { env, open: BTreeMap::new(), count: 0, clean: false }
    }

    /// Every name is used once in all lives of the job, and tells whose it is: `orders-SINK-INCARNATION-COUNT`.
    fn next_name(&mut self) -> TransactionalId {
        let me = self.env.me();
        self.count += 1;
        TransactionalId::new(format!("orders-{}-{}-{}", me.index, me.incarnation.0, self.count))
    }

    /// Shuts out whoever may still write to what an earlier life left open, and aborts it: its records are
    /// read again.
    async fn clean_up(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.clean, true) {
            return Ok(());
        }
        let mine = format!("orders-{}-", self.env.me().index);
        for found in self.env.broker().lingering(&mine).await? {
            if self.is_from_earlier_life(&found) {
                self.end_leftover(&found).await?;
            }
        }
        Ok(())
    }

    fn is_from_earlier_life(&self, found: &Handle) -> bool {
        let incarnation = found.id.as_str().split('-').nth(2);
        let incarnation = incarnation.and_then(|digits| digits.parse().ok());
        incarnation.is_some_and(|one: u32| one < self.env.me().incarnation.0)
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
        self.clean_up().await?; // the mistake: this belongs behind the last commit
        self.commit(handle).await
    }

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
    let subject = Subject::sink("orders", orders)
        .about("shuts zombies out before it commits what was promised")
        .broken(Anomaly::Lost, Window::W4);
    twophase_sim::cli(subject)
}

#[cfg(test)]
mod tests {
    use super::orders;
    use twophase_sim::{Anomaly, Simulation, Window};

    #[test]
    fn the_mistake_is_found_where_it_was_made() {
        let report = Simulation::new(orders).seeds(0..400).run();
        let first = report.assert_finds(Anomaly::Lost);
        assert_eq!(first.finding.window, Some(Window::W4), "{report}");
    }
}
