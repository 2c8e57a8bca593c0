//! The wiring: one request to the coordinator, the partitions or the offsets it concerns.

use std::sync::Arc;

use twophase::kafka::protocol::{ErrorCode, LogOffset, PerPartition, Protocol, Request, Response};
use twophase::{Partition, Timestamp};

use super::coordinator::Coordinator;
use super::offsets::Offsets;
use super::partition::PartitionLog;
use super::producers::Producers;
use super::{
    Aborted, ClusterSettings, Effect, Entry, Log, MarkerWrite, OFFSETS_PARTITION, ProducerState, Rooms,
    TransactionMetadata,
};

/// The version of EndTxn from which on the client speaks V2.
const END_TXN_V2: i16 = 5;

/// Kafka 4.2, as a state machine. See the module.
#[derive(Clone, Debug)]
pub struct TransactionalLog {
    pub(super) verification: bool,
    pub(super) coordinator: Coordinator,
    partitions: Vec<PartitionLog>,
    pub(super) offsets: Offsets,
}

impl TransactionalLog {
    /// An empty log.
    pub fn new(settings: &ClusterSettings) -> Self {
        TransactionalLog::within(settings, Rooms::default())
    }

    /// The same, in what one of an earlier history has left.
    pub(crate) fn within(settings: &ClusterSettings, rooms: Rooms) -> Self {
        let mut partitions = rooms.partitions;
        partitions.resize_with(settings.partitions as usize, || PartitionLog::new(Default::default()));
        TransactionalLog {
            verification: settings.verification,
            coordinator: Coordinator::new(settings, rooms.ids),
            partitions,
            offsets: Offsets::default(),
        }
    }

    pub(crate) fn leave(self) -> Rooms {
        let mut partitions = self.partitions;
        for left in &mut partitions {
            *left = PartitionLog::new(std::mem::take(left).leave());
        }
        Rooms { ids: self.coordinator.leave(), partitions }
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

    pub(super) fn exists(&self, partition: Partition) -> bool {
        partition == OFFSETS_PARTITION || self.partition(partition).is_some()
    }

    fn partition(&self, partition: Partition) -> Option<&PartitionLog> {
        self.partitions.get(partition.0 as usize)
    }

    pub(super) fn known(&self, partition: Partition) -> Result<&PartitionLog, ErrorCode> {
        self.partition(partition).ok_or(ErrorCode::UnknownTopicOrPartition)
    }

    pub(super) fn known_mut(&mut self, partition: Partition) -> Result<&mut PartitionLog, ErrorCode> {
        let known = self.partitions.get_mut(partition.0 as usize);
        known.ok_or(ErrorCode::UnknownTopicOrPartition)
    }

    pub(super) fn producers_mut(&mut self, partition: Partition) -> Result<&mut Producers, ErrorCode> {
        if partition == OFFSETS_PARTITION {
            return Ok(&mut self.offsets.producers);
        }
        Ok(&mut self.known_mut(partition)?.producers)
    }

    /// What is the coordinator's business, or the group coordinator's.
    #[inline(never)]
    fn coordinate(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        match request {
            Request::InitProducerId(init) => {
                let answer = self.coordinator.init_producer_id(now, init, effects);
                Response::InitProducerId(answer.map_err(|error| before_fenced(error, init.version < 4)))
            }
            Request::AddPartitions { id, producer, partitions, version } => {
                Response::AddPartitions(Ok(self.add_partitions(now, (id, *producer), partitions, *version)))
            }
            Request::AddOffsets { id, producer, version, group: _ } => {
                let offsets = [OFFSETS_PARTITION]; // of every group: there is one partition for all of them
                let answer = self.coordinator.add_partitions(now, id, *producer, &offsets);
                Response::AddOffsets(answer.map_err(|error| before_fenced(error, *version < 2)))
            }
            Request::EndTxn { id, producer, marker, version } => {
                let protocol = spoken(*version, END_TXN_V2);
                let answer = self.coordinator.end_txn(now, id, *producer, (*marker, protocol), effects);
                let answer = answer.map_err(|error| before_fenced(error, *version < 2));
                Response::EndTxn(answer.map(|producer| (protocol == Protocol::V2).then_some(producer)))
            }
            Request::TxnOffsetCommit { id, producer, group, offsets, version } => {
                let answers = self.commit_pending_offsets(now, (id, *producer), (group, offsets), *version);
                Response::TxnOffsetCommit(answers)
            }
            Request::DescribeTransaction(id) => {
                Response::DescribeTransaction(self.coordinator.describe(id).map(Box::new))
            }
            Request::ListTransactions { states } => {
                Response::ListTransactions(Ok(self.coordinator.list(states)))
            }
            // `Request` may grow; a broker refuses what it does not know.
            _ => Response::ListTransactions(Err(ErrorCode::UnsupportedVersion)),
        }
    }
}

impl Log for TransactionalLog {
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        match request {
            Request::Produce(batch) => match self.go_on(batch) {
                Some(base) => Response::Produce(Ok(base)),
                None => Response::Produce(self.produce(now, batch)),
            },
            _ => self.coordinate(now, request, effects),
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
        self.partition(partition).map_or(LogOffset(0), PartitionLog::last_stable)
    }

    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        self.partition(partition).map_or(&[], |partition| partition.entries(from))
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        self.partition(partition).map_or(&[], PartitionLog::aborted)
    }

    fn transactions(&self) -> &[TransactionMetadata] {
        self.coordinator.ids()
    }

    fn changes(&self) -> u64 {
        self.coordinator.changes
    }
}

/// Versions from before `PRODUCER_FENCED` existed are told the older error (KC-7).
pub(super) fn before_fenced(error: ErrorCode, old: bool) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced if old => ErrorCode::InvalidProducerEpoch,
        other => other,
    }
}

/// The protocol of a request whose versions from `first_v2` on are of V2.
pub(super) fn spoken(version: i16, first_v2: i16) -> Protocol {
    if version >= first_v2 { Protocol::V2 } else { Protocol::V1 }
}
