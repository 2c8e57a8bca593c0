//! The transactional log: Kafka 4.2's coordinator, partition leaders and group offsets, as one pure state machine.
//!
//! It has no clock, no randomness, no network and no faults of its own: a request and the time go in, an answer and
//! what has to happen later come out. Requests are lost, repeated and delayed elsewhere (the request port);
//! markers are delivered when the world says so.
//!
//! # The model
//!
//! What it promises. A batch is written once, however often it is sent, as long as it is among the last five of
//! its producer. A transaction's end is decided in one step at the coordinator, and never changed: once the
//! decision is stored, markers are written until all of its partitions have theirs, over any number of
//! coordinators. An epoch, once raised, shuts out every request of a lower one: at the coordinator at once, at a
//! partition as soon as a marker or a batch has brought the epoch there; between the two, verification asks the
//! coordinator. A reader of committed records sees those of committed transactions below the first undecided one,
//! in the order of the log, and no others.
//!
//! What it may do. It may write a marker twice, or where nothing was written. It may abort a transaction whose
//! timeout has passed, at any sweep. It may answer that a commit succeeded long before anything can be seen, on
//! one partition long before the other. A new coordinator forgets which epoch came before the last raise; a new
//! leader forgets all but the last batch of each producer. In the old protocol (V1) it may take a late request
//! for one of the next transaction, because nothing tells the two apart.
//!
//! What it never does. It never remembers more than a broker stores: answers come from the stored state, not from
//! what was asked before. So it is no kinder to a zombie than Kafka is: an epoch that was raised and told to
//! nobody is good for whoever guesses it, and a client that missed one raise can be told that its commit
//! succeeded. `tests/conformance/kafka-transactions` holds what real brokers answer; this is judged by it.
//!
//! # The map
//!
//! `coordinator` decides, with `metadata` (one id, what of it is stored), `initialise` (who is shut out) and `ending`
//! (the tables of EndTxn). `partition` and `offsets` write, with `producers` and `recent` (epochs, sequences, what
//! is open). `transactional` wires them: `joining` is the leader's question before the first batch of a
//! transaction. [`read_committed`] and [`fetch`] read. `any` is what a world has: this log, or another one.

mod any;
mod coordinator;
mod ending;
mod initialise;
mod joining;
mod metadata;
mod offsets;
mod partition;
mod producers;
mod reader;
mod recent;
mod transactional;

use std::time::Duration;

use twophase::kafka::protocol::{ErrorCode, LogOffset, Marker, Producer, Protocol, Request, Response};
use twophase::{Partition, Timestamp, TransactionalId};

use crate::memory::Room;
pub(crate) use any::AnyLog;
pub use metadata::TransactionMetadata;
pub use partition::{Aborted, Content, Entry};
pub use producers::ProducerState;
pub use reader::{Fetched, Isolation, fetch, is_aborted, read_committed};
pub(crate) use reader::{committed_entries, numbered};
pub use transactional::TransactionalLog;

/// The partition in which the offsets of consumer groups are written. Transactions hold it like any other;
/// clients cannot write to it, nor read it.
pub const OFFSETS_PARTITION: Partition = Partition(u32::MAX);

/// How a cluster is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// How many partitions there are, numbered from 0.
    pub partitions: u32,
    /// The longest transaction timeout a client may ask for (`transaction.max.timeout.ms`).
    pub timeout_max: Duration,
    /// Transaction version 1 or 2 of the cluster: how takeovers and timeouts end a transaction. What clients
    /// do goes by the version of their requests.
    pub protocol: Protocol,
    /// Whether leaders ask if a V1 client has added the partition (`transaction.partition.verification.enable`).
    /// Brokers before 3.6 did not.
    pub verification: bool,
    /// Whether clients may have transactions that never time out (`transaction.two.phase.commit.enable`, KIP-939).
    pub two_phase_commit: bool,
}

impl Default for ClusterSettings {
    /// One partition, and Kafka's defaults.
    fn default() -> Self {
        ClusterSettings {
            partitions: 1,
            timeout_max: Duration::from_secs(15 * 60),
            protocol: Protocol::V2,
            verification: true,
            two_phase_commit: false,
        }
    }
}

/// What a log leaves to that of the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    ids: Room<TransactionMetadata>,
    /// In which there is nothing.
    partitions: Vec<partition::PartitionLog>,
}

/// The fencing number of the coordinator itself: markers of an earlier one are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoordinatorEpoch(pub i32);

/// One marker on its way to the leader of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerWrite {
    /// Where to.
    pub partition: Partition,
    /// Whose transaction it ends; `None` when an operator writes it by hand, so that no coordinator waits for it.
    pub id: Option<TransactionalId>,
    /// The producer it ends, with the epoch it brings.
    pub producer: Producer,
    /// How the transaction ends.
    pub marker: Marker,
    /// Of the sender.
    pub coordinator_epoch: CoordinatorEpoch,
    /// Of the transaction. In V2 the epoch is above that of the records.
    pub protocol: Protocol,
}

/// What has to happen, or has happened, besides the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Deliver this to [`Log::write_marker`], some time, at least once unless the coordinator dies before.
    WriteMarker(MarkerWrite),
    /// The sweep has aborted the transaction of this producer.
    Expired {
        /// Under which name.
        id: TransactionalId,
        /// Who had it open.
        producer: Producer,
    },
}

/// What a world needs of a log. Broken brokers are variants: other implementations, or wrappers of the right one.
pub trait Log: Send {
    /// Answers one request of a client.
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response;

    /// Delivers one marker to its leader and, if it was written, tells the coordinator, which completes the
    /// transaction with the last one.
    ///
    /// # Errors
    /// `InvalidProducerEpoch` and `TransactionCoordinatorFenced` are final: the coordinator gives up, and the id
    /// stays in its Prepare state. `UnknownTopicOrPartition` if there is none, `UnknownServerError` for a
    /// negative epoch.
    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode>;

    /// Aborts the transactions that have timed out (`transaction.abort.timed.out.transaction.cleanup.interval.ms`).
    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>);

    /// The coordinator dies and another one loads the transaction log: what was not stored is gone, its epoch is
    /// one higher, and all markers of decided transactions are sent again. What the old one had sent may still
    /// arrive.
    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>);

    /// The leader of one partition dies and another one loads the log.
    fn restart(&mut self, partition: Partition);

    /// How many partitions there are, numbered from 0.
    fn partitions(&self) -> u32;

    /// Where the next record of this partition will go; 0 if there is no such partition.
    fn log_end_offset(&self, partition: Partition) -> LogOffset;

    /// The first offset not yet decided; readers of committed records stop there.
    fn last_stable_offset(&self, partition: Partition) -> LogOffset;

    /// The log of this partition from the entry that contains `from`. Entries are whole batches: the first one may
    /// begin before `from`.
    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry];

    /// The transactions that were aborted after they had written to this partition, in the order of their markers.
    fn aborted(&self, partition: Partition) -> &[Aborted];

    /// All transactional ids, in the order of their first use.
    fn transactions(&self) -> &[TransactionMetadata];

    /// How often anything of [`transactions`](Log::transactions) has changed: whether a request changed anything is seen
    /// from this, before and after.
    fn changes(&self) -> u64;
}
