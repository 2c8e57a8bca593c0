//! One step of something correct, done otherwise.
//!
//! A broken subject implements one of the traits here: every step is the correct one unless it is overridden.
//! So what is wrong with it is all that can be read in its file. Coordinators ([`Decide`]) and ports
//! ([`Port`]) have so few methods that they are wrapped directly.
//!
//! [`Decide`]: twophase::coordinator::Decide
//! [`Port`]: twophase::kafka::Port

use std::future::Future;

use twophase::env::Outcomes;
use twophase::kafka::protocol::{ErrorCode, LogOffset, Request, Response};
use twophase::kafka::{KafkaBroker, KafkaTransaction};
use twophase::two_phase::Options;
use twophase::{
    Broker, Capabilities, CheckpointId, Ended, Env, Failure, Handle, Participant, Partition, Record, Sink,
    Timestamp, TransactionalId, TwoPhase,
};

use super::{Author, ExactlyOnce, Hooks, options_for};
use crate::env::{SimClock, SimEnv, SimPort};
use crate::log::{Aborted, Effect, Entry, Log, MarkerWrite, TransactionMetadata, TransactionalLog};

/// Something correct, but for what `T` overrides.
#[derive(Clone, Debug)]
pub(super) struct Altered<T>(pub(super) T);

type Client = KafkaBroker<SimPort, SimClock>;

/// A two-phase-commit sink over these hooks.
pub(super) fn sink_over<P: Participant>(env: &SimEnv, hooks: P) -> TwoPhase<P, SimClock> {
    TwoPhase::new(hooks, env.clock().clone(), Options::default())
}

/// The correct sink over this client.
pub(super) fn sink_through<B: Broker>(env: SimEnv, broker: B) -> impl Sink {
    let (clock, options) = (env.clock().clone(), options_for(&env));
    let hooks = twophase::Transactional::new(env, broker, options);
    TwoPhase::new(hooks, clock, Options::default())
}

/// The hooks of the correct sink.
pub(super) trait AlterHooks: Send + 'static {
    /// The correct ones.
    fn correct(&mut self) -> &mut Hooks;

    fn write(
        &mut self,
        transaction: &mut Handle,
        record: Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().write(transaction, record)
    }

    fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().pre_commit(checkpoint, transaction)
    }

    fn commit(&mut self, transaction: &Handle) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().commit(transaction)
    }

    fn abort(&mut self, transaction: &Handle) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().abort(transaction)
    }

    fn recover_and_commit(
        &mut self,
        transaction: &Handle,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().recover_and_commit(transaction)
    }

    fn finish(
        &mut self,
        transaction: Option<&mut Handle>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().finish(transaction)
    }
}

impl<T: AlterHooks> Participant for Altered<T> {
    type Handle = Handle;
    type Context = Author;

    async fn begin(&mut self) -> Result<Handle, Failure> {
        self.0.correct().begin().await
    }

    async fn write(&mut self, transaction: &mut Handle, record: Record) -> Result<(), Failure> {
        self.0.write(transaction, record).await
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        self.0.pre_commit(checkpoint, transaction).await
    }

    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.0.commit(transaction).await
    }

    async fn abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.0.abort(transaction).await
    }

    async fn recover_and_commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.0.recover_and_commit(transaction).await
    }

    async fn recover_and_abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.0.correct().recover_and_abort(transaction).await
    }

    async fn initialize_context(&mut self) -> Result<Option<Author>, Failure> {
        self.0.correct().initialize_context().await
    }

    async fn finish_recovering(&mut self, context: &mut Author, handled: &[Handle]) -> Result<(), Failure> {
        self.0.correct().finish_recovering(context, handled).await
    }

    async fn finish(&mut self, transaction: Option<&mut Handle>) -> Result<(), Failure> {
        self.0.finish(transaction).await
    }
}

/// What the engine asks of the correct sink.
pub(super) trait AlterSink: Send + 'static {
    /// The correct one.
    fn correct(&mut self) -> &mut ExactlyOnce;

    fn complete(&mut self, id: CheckpointId) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().complete(id)
    }

    fn aborted(&mut self, id: CheckpointId) -> impl Future<Output = Result<(), Failure>> + Send {
        self.correct().aborted(id)
    }
}

impl<T: AlterSink> Sink for Altered<T> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.0.correct().open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        self.0.correct().write(record).await
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.0.correct().snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.0.complete(id).await
    }

    async fn aborted(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.0.aborted(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.0.correct().finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.0.correct().close().await
    }
}

/// What the sink asks of its target, and so of the client.
pub(super) trait AlterBroker: Clone + Send + Sync + 'static {
    /// The correct one.
    fn correct(&self) -> &Client;

    fn capabilities(&self) -> Capabilities {
        self.correct().capabilities()
    }

    fn begin(
        &self,
        id: &TransactionalId,
    ) -> impl Future<Output = Result<KafkaTransaction<SimPort, SimClock>, Failure>> + Send {
        self.correct().begin(id)
    }

    fn commit(&self, all: &[Handle], token: &[u8]) -> impl Future<Output = Outcomes> + Send {
        self.correct().commit(all, token)
    }

    fn lingering(&self, prefix: &str) -> impl Future<Output = Result<Vec<Handle>, Failure>> + Send {
        self.correct().lingering(prefix)
    }
}

impl<T: AlterBroker> Broker for Altered<T> {
    type Transaction = KafkaTransaction<SimPort, SimClock>;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn begin(&self, id: &TransactionalId) -> Result<Self::Transaction, Failure> {
        self.0.begin(id).await
    }

    async fn commit(&self, all: &[Handle], token: &[u8]) -> Outcomes {
        self.0.commit(all, token).await
    }

    async fn abort(&self, one: &Handle) -> Result<Ended, Failure> {
        self.0.correct().abort(one).await
    }

    async fn fence(&self, id: &TransactionalId) -> Result<(), Failure> {
        self.0.correct().fence(id).await
    }

    async fn lingering(&self, prefix: &str) -> Result<Vec<Handle>, Failure> {
        self.0.lingering(prefix).await
    }

    async fn progress(&self, id: &TransactionalId) -> Result<Option<Vec<u8>>, Failure> {
        self.0.correct().progress(id).await
    }
}

/// What the world asks of the broker itself.
pub(super) trait AlterLog: Send {
    /// The correct one.
    fn correct(&self) -> &TransactionalLog;

    /// The same, to be changed.
    fn correct_mut(&mut self) -> &mut TransactionalLog;

    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        self.correct_mut().apply(now, request, effects)
    }

    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.correct_mut().sweep(now, effects);
    }

    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.correct_mut().reload(now, effects);
    }

    fn restart(&mut self, partition: Partition) {
        self.correct_mut().restart(partition);
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        self.correct().aborted(partition)
    }

    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        self.correct().last_stable_offset(partition)
    }

    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        self.correct_mut().write_marker(now, write, effects)
    }
}

impl<T: AlterLog> Log for Altered<T> {
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        self.0.apply(now, request, effects)
    }

    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        self.0.write_marker(now, write, effects)
    }

    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.0.sweep(now, effects);
    }

    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.0.reload(now, effects);
    }

    fn restart(&mut self, partition: Partition) {
        self.0.restart(partition);
    }

    fn partitions(&self) -> u32 {
        self.0.correct().partitions()
    }

    fn log_end_offset(&self, partition: Partition) -> LogOffset {
        self.0.correct().log_end_offset(partition)
    }

    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        self.0.last_stable_offset(partition)
    }

    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        self.0.correct().entries(partition, from)
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        self.0.aborted(partition)
    }

    fn transactions(&self) -> &[TransactionMetadata] {
        self.0.correct().transactions()
    }

    fn changes(&self) -> u64 {
        self.0.correct().changes()
    }
}
