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
//! `coordinator` (with `metadata`, one id, and `ending`, the tables of EndTxn) decides; `partition` (with
//! `producers` and `recent`) and `offsets` write; this file wires them: a leader asks the coordinator before
//! the first batch of a transaction, and tells it of markers. [`read_committed`] and [`fetch`] read.

mod coordinator;
mod ending;
mod metadata;
mod offsets;
mod partition;
mod producers;
mod reader;
mod recent;

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::{
    ErrorCode, LogOffset, Marker, PerPartition, Produce, Producer, Protocol, Request, Response, Sequence,
};
use twophase::{Partition, Timestamp, TransactionalId};

use coordinator::Coordinator;
use offsets::Offsets;
use partition::PartitionLog;
use producers::Producers;

pub use metadata::TransactionMetadata;
pub use partition::{Aborted, Content, Entry};
pub use producers::ProducerState;
pub use reader::{Fetched, Isolation, fetch, is_aborted, read_committed};

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

    /// All transactional ids, by name.
    fn transactions(&self) -> &[TransactionMetadata];
}

/// Kafka 4.2, as a state machine. See the module.
#[derive(Clone, Debug)]
pub struct TransactionalLog {
    verification: bool,
    coordinator: Coordinator,
    partitions: Vec<PartitionLog>,
    offsets: Offsets,
}

/// Who asks the coordinator whether a partition is in the transaction, and what they can be told.
#[derive(Clone, Copy)]
struct Joining<'a> {
    id: &'a TransactionalId,
    producer: Producer,
    /// `None` for offsets.
    sequence: Option<Sequence>,
    protocol: Protocol,
    /// Whether this version of the request knows `TRANSACTION_ABORTABLE`.
    knows_abortable: bool,
}

impl TransactionalLog {
    /// An empty log.
    pub fn new(settings: &ClusterSettings) -> Self {
        TransactionalLog {
            verification: settings.verification,
            coordinator: Coordinator::new(settings),
            partitions: vec![PartitionLog::default(); settings.partitions as usize],
            offsets: Offsets::default(),
        }
    }

    /// Turns the leaders' question to the coordinator on or off.
    pub fn set_verification(&mut self, verification: bool) {
        self.verification = verification;
    }

    /// What the leader of this partition knows of producers, by id; `None` if there is no such partition.
    pub fn producers(&self, partition: Partition) -> Option<&[ProducerState]> {
        if partition == OFFSETS_PARTITION {
            return Some(self.offsets.producers.known());
        }
        self.partition(partition).map(PartitionLog::producers)
    }

    /// `producer.id.expiration.ms` passes: leaders forget all producers that have nothing open.
    pub fn forget_idle_producers(&mut self) {
        self.offsets.producers.forget_idle();
        for partition in &mut self.partitions {
            partition.producers.forget_idle();
        }
    }

    /// Commits offsets of a group without members, outside of transactions.
    pub fn commit_offsets(&mut self, group: &Arc<str>, offsets: &[(Partition, LogOffset)]) -> PerPartition {
        let (known, answers) = self.split_known(offsets);
        self.offsets.commit(group, &known);
        answers
    }

    /// The committed offset of a group.
    ///
    /// # Errors
    /// `UnstableOffsetCommit` if stable ones are required and a transaction has one pending.
    pub fn fetch_offset(
        &self,
        group: &Arc<str>,
        partition: Partition,
        require_stable: bool,
    ) -> Result<Option<LogOffset>, ErrorCode> {
        self.offsets.fetch(group, partition, require_stable)
    }

    fn produce(&mut self, now: Timestamp, batch: &Produce) -> Result<LogOffset, ErrorCode> {
        if batch.transactional && batch.id.is_none() {
            return Err(ErrorCode::TransactionalIdAuthorizationFailed);
        }
        self.known(batch.partition)?;
        if let (true, Some(id), Some(producer)) = (batch.transactional, &batch.id, batch.producer) {
            let joining = Joining {
                id,
                producer,
                sequence: Some(batch.base_sequence),
                protocol: if batch.version >= 12 {
                    Protocol::V2
                } else {
                    Protocol::V1
                },
                knows_abortable: batch.version >= 11,
            };
            self.join(now, batch.partition, joining)
                .map_err(|error| match error {
                    // Clients of the old protocol would not try again by themselves.
                    ErrorCode::ConcurrentTransactions if joining.protocol == Protocol::V1 => {
                        ErrorCode::NotEnoughReplicas
                    }
                    other => other,
                })?;
        }
        self.known_mut(batch.partition)?.append(batch)
    }

    /// Makes sure that the coordinator knows of this partition before a transaction is opened on it (KIP-890):
    /// V1 partitions must have been added by the client, V2 ones are added here.
    ///
    /// A refused batch leaves the partition in the transaction; it gets a marker without data then.
    fn join(&mut self, now: Timestamp, partition: Partition, joining: Joining<'_>) -> Result<(), ErrorCode> {
        let Joining {
            id,
            producer,
            protocol,
            ..
        } = joining;
        if protocol == Protocol::V1 && !self.verification {
            return Ok(());
        }
        let producers = self.producers_mut(partition)?;
        if producers.is_open(producer) {
            return Ok(());
        }
        producers.verify(producer, joining.sequence.unwrap_or(Sequence(-1)), protocol)?;
        let answer = match protocol {
            Protocol::V1 => self.coordinator.verify(id, producer, partition),
            Protocol::V2 => self.coordinator.add_partitions(now, id, producer, &[partition]),
        };
        answer.map_err(|error| match error {
            ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
            ErrorCode::TransactionAbortable if !joining.knows_abortable => ErrorCode::InvalidTxnState,
            other => other,
        })
    }

    fn add_partitions(
        &mut self,
        now: Timestamp,
        (id, producer): (&TransactionalId, Producer),
        partitions: &[Partition],
        version: i16,
    ) -> PerPartition {
        if partitions.iter().any(|&partition| !self.exists(partition)) {
            let refuse = |&partition: &Partition| {
                let known = self.exists(partition);
                let attempted = (!known).then_some(ErrorCode::UnknownTopicOrPartition);
                (
                    partition,
                    Err(attempted.unwrap_or(ErrorCode::OperationNotAttempted)),
                )
            };
            return partitions.iter().map(refuse).collect();
        }
        if version == 4 {
            let verify =
                |&partition: &Partition| (partition, self.coordinator.verify(id, producer, partition));
            return partitions.iter().map(verify).collect();
        }
        let answer = self.coordinator.add_partitions(now, id, producer, partitions);
        let answer = answer.map_err(|error| before_fenced(error, version < 2));
        partitions.iter().map(|&partition| (partition, answer)).collect()
    }

    fn commit_pending_offsets(
        &mut self,
        now: Timestamp,
        (id, producer): (&TransactionalId, Producer),
        (group, offsets): (&Arc<str>, &[(Partition, LogOffset)]),
        version: i16,
    ) -> PerPartition {
        let (known, mut answers) = self.split_known(offsets);
        if known.is_empty() {
            return answers;
        }
        let joining = Joining {
            id,
            producer,
            sequence: None,
            protocol: if version >= 5 { Protocol::V2 } else { Protocol::V1 },
            knows_abortable: version >= 4,
        };
        let written = if group.is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else {
            self.join(now, OFFSETS_PARTITION, joining)
                .and_then(|()| self.offsets.commit_pending(producer, group, &known))
        };
        for (_, answer) in answers.iter_mut().filter(|(_, answer)| answer.is_ok()) {
            *answer = written;
        }
        answers
    }

    /// The offsets of partitions that exist, and the answers so far.
    fn split_known(&self, offsets: &[(Partition, LogOffset)]) -> (Vec<(Partition, LogOffset)>, PerPartition) {
        let known = |partition: Partition| self.known(partition).map(|_| ());
        (
            offsets
                .iter()
                .copied()
                .filter(|&(partition, _)| known(partition).is_ok())
                .collect(),
            offsets
                .iter()
                .map(|&(partition, _)| (partition, known(partition)))
                .collect(),
        )
    }

    fn exists(&self, partition: Partition) -> bool {
        partition == OFFSETS_PARTITION || self.partition(partition).is_some()
    }

    fn partition(&self, partition: Partition) -> Option<&PartitionLog> {
        self.partitions.get(partition.0 as usize)
    }

    fn known(&self, partition: Partition) -> Result<&PartitionLog, ErrorCode> {
        self.partition(partition)
            .ok_or(ErrorCode::UnknownTopicOrPartition)
    }

    fn known_mut(&mut self, partition: Partition) -> Result<&mut PartitionLog, ErrorCode> {
        let known = self.partitions.get_mut(partition.0 as usize);
        known.ok_or(ErrorCode::UnknownTopicOrPartition)
    }

    fn producers_mut(&mut self, partition: Partition) -> Result<&mut Producers, ErrorCode> {
        if partition == OFFSETS_PARTITION {
            return Ok(&mut self.offsets.producers);
        }
        Ok(&mut self.known_mut(partition)?.producers)
    }
}

impl Log for TransactionalLog {
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        match request {
            Request::InitProducerId(init) => {
                let answer = self.coordinator.init_producer_id(now, init, effects);
                Response::InitProducerId(answer.map_err(|error| before_fenced(error, init.version < 4)))
            }
            Request::AddPartitions {
                id,
                producer,
                partitions,
                version,
            } => Response::AddPartitions(Ok(self.add_partitions(
                now,
                (id, *producer),
                partitions,
                *version,
            ))),
            Request::AddOffsets {
                id,
                producer,
                version,
                group: _,
            } => {
                let offsets = [OFFSETS_PARTITION]; // of every group: there is one partition for all of them
                let answer = self.coordinator.add_partitions(now, id, *producer, &offsets);
                Response::AddOffsets(answer.map_err(|error| before_fenced(error, *version < 2)))
            }
            Request::Produce(batch) => Response::Produce(self.produce(now, batch)),
            Request::EndTxn {
                id,
                producer,
                marker,
                version,
            } => {
                let protocol = if *version >= 5 { Protocol::V2 } else { Protocol::V1 };
                let answer = self
                    .coordinator
                    .end_txn(now, id, *producer, (*marker, protocol), effects);
                let answer = answer.map_err(|error| before_fenced(error, *version < 2));
                Response::EndTxn(answer.map(|producer| (protocol == Protocol::V2).then_some(producer)))
            }
            Request::TxnOffsetCommit {
                id,
                producer,
                group,
                offsets,
                version,
            } => {
                let answers = self.commit_pending_offsets(now, (id, *producer), (group, offsets), *version);
                Response::TxnOffsetCommit(answers)
            }
            Request::DescribeTransaction(id) => Response::DescribeTransaction(self.coordinator.describe(id)),
            Request::ListTransactions { states } => {
                Response::ListTransactions(Ok(self.coordinator.list(states)))
            }
            // `Request` may grow; a broker refuses what it does not know.
            _ => Response::ListTransactions(Err(ErrorCode::UnsupportedVersion)),
        }
    }

    fn write_marker(
        &mut self,
        _now: Timestamp,
        write: &MarkerWrite,
        _effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        if write.partition == OFFSETS_PARTITION {
            self.offsets.write_marker(write)?;
        } else {
            self.known_mut(write.partition)?.write_marker(write)?;
        }
        self.coordinator.marker_written(write);
        Ok(())
    }

    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.coordinator.sweep(now, effects);
    }

    fn reload(&mut self, _now: Timestamp, effects: &mut Vec<Effect>) {
        self.coordinator.reload(effects);
    }

    fn restart(&mut self, partition: Partition) {
        if let Ok(producers) = self.producers_mut(partition) {
            producers.restart();
        }
    }

    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    fn log_end_offset(&self, partition: Partition) -> LogOffset {
        self.partition(partition).map_or(LogOffset(0), PartitionLog::end)
    }

    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        self.partition(partition)
            .map_or(LogOffset(0), PartitionLog::last_stable)
    }

    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        self.partition(partition)
            .map_or(&[], |partition| partition.entries(from))
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        self.partition(partition).map_or(&[], PartitionLog::aborted)
    }

    fn transactions(&self) -> &[TransactionMetadata] {
        self.coordinator.ids()
    }
}

/// Versions from before `PRODUCER_FENCED` existed are told the older error (KC-7).
fn before_fenced(error: ErrorCode, old: bool) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced if old => ErrorCode::InvalidProducerEpoch,
        other => other,
    }
}
