//! The target of a sink, as transactions over records. Kafka, PostgreSQL, staged files and table commits all
//! fit; [`Capabilities`] say how they differ.

use std::future::Future;
use std::time::Duration;

use smallvec::SmallVec;

use crate::{Ended, Failure, Handle, Partition, Record, TransactionalId};

/// What a target can do, so that a sink's author models *their* target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Who can finish a pre-committed transaction.
    pub finish: Finish,
    /// What one commit covers.
    pub commit: Scope,
    /// After how long the target itself aborts a transaction that has not ended.
    pub expires_after: Option<Duration>,
    /// Whether the epoch is raised at the end of each transaction (KIP-890).
    pub epoch_per_transaction: bool,
    /// Whether [`Broker::fence`] shuts out older users of a name.
    pub fences: bool,
    /// Whether a repeated commit tells *committed before* from *aborted before*.
    pub tells_fate: bool,
    /// Whether [`Broker::lingering`] finds open transactions by name.
    pub lists: bool,
    /// Whether a progress token can be committed with the data.
    pub progress: bool,
}

/// Who can finish a pre-committed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Only the process that wrote it (librdkafka).
    SameProcess,
    /// Whoever has the handle (Kafka: producer id and epoch; staged files: the names).
    ByHandle,
    /// Whoever knows the name (PostgreSQL: the gid).
    ByName,
}

/// What one commit covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each transaction by itself.
    Transaction,
    /// All transactions of a checkpoint in one step (table formats).
    Checkpoint,
}

/// What came of each of several commits, at its place. Nearly always it is one.
pub type Outcomes = SmallVec<[Result<Ended, Failure>; 1]>;

/// A target that takes transactions.
///
/// Does not promise that an answer arrives, nor that no answer means nothing happened.
pub trait Broker: Clone + Send + Sync + 'static {
    /// A transaction that this process has open.
    type Transaction: Transaction;

    /// What this target can do.
    fn capabilities(&self) -> Capabilities;

    /// Opens a transaction under `id`. Whatever an older user of `id` had open there is aborted.
    ///
    /// # Errors
    /// After [`Next::OutcomeUnknown`](crate::Next::OutcomeUnknown) open under another id: the request may
    /// still be on its way, and aborts what it finds open when it arrives.
    fn begin(&self, id: &TransactionalId) -> impl Future<Output = Result<Self::Transaction, Failure>> + Send;

    /// Commits every one of `all`, in order; with [`Scope::Checkpoint`] in one step. `token` is the progress
    /// committed with it, where the target has that. One result for each, at its place.
    ///
    /// May be repeated at will: a commit that happened before answers [`Ended::Before`] or [`Ended::Indistinct`].
    fn commit(&self, all: &[Handle], token: &[u8]) -> impl Future<Output = Outcomes> + Send;

    /// Aborts the transaction behind the handle. May be repeated at will.
    fn abort(&self, one: &Handle) -> impl Future<Output = Result<Ended, Failure>> + Send;

    /// Shuts out every older user of `id` and aborts what is open under it.
    fn fence(&self, id: &TransactionalId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The transactions that are still open under names that start with `prefix`.
    fn lingering(&self, prefix: &str) -> impl Future<Output = Result<Vec<Handle>, Failure>> + Send;

    /// The token that was committed last under `id`.
    ///
    /// # Errors
    /// [`Next::Fatal`](crate::Next::Fatal) if the target keeps none ([`Capabilities::progress`]).
    fn progress(&self, id: &TransactionalId)
    -> impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send;
}

/// One open transaction. (`Sync` only so that a sink may look at itself across an await.)
pub trait Transaction: Send + Sync + 'static {
    /// What outlives the process of it, as of now.
    fn handle(&self) -> &Handle;

    /// Adds a record. It may be queued: a failure may surface as late as [`Transaction::pre_commit`].
    fn append(&mut self, to: Partition, record: Record) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sends what is queued and closes the transaction to writes. Once it returns, the handle is enough to
    /// commit all that was appended.
    fn pre_commit(&mut self) -> impl Future<Output = Result<Handle, Failure>> + Send;
}
