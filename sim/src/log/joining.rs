//! Writing as part of a transaction: the leader makes sure that the coordinator knows of the partition first
//! (KIP-890), so that no record can be left open with nobody to end it.

use std::sync::Arc;

use twophase::kafka::protocol::{ErrorCode, LogOffset, PerPartition, Produce, Producer, Protocol, Sequence};
use twophase::{Partition, Timestamp, TransactionalId};

use super::OFFSETS_PARTITION;
use super::transactional::{TransactionalLog, before_fenced, spoken};

/// The versions of the requests from which on the client speaks V2 (KP-4).
const PRODUCE_V2: i16 = 12;
const TXN_OFFSET_COMMIT_V2: i16 = 5;

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
    /// Writes a batch that goes on with a transaction, as nearly every one does: then nobody need be asked, and nothing
    /// judged.
    #[inline(always)]
    pub(super) fn go_on(&mut self, batch: &Produce) -> Option<LogOffset> {
        self.known_mut(batch.partition).ok()?.go_on(batch)
    }

    /// Any other: the first one of a transaction, a repeated one, one in the wrong place.
    #[cold]
    pub(super) fn produce(&mut self, now: Timestamp, batch: &Produce) -> Result<LogOffset, ErrorCode> {
        if batch.transactional && batch.id.is_none() {
            return Err(ErrorCode::TransactionalIdAuthorizationFailed);
        }
        if let (true, Some(id), Some(producer)) = (batch.transactional, &batch.id, batch.producer) {
            let joining = Joining {
                id,
                producer,
                sequence: Some(batch.base_sequence),
                protocol: spoken(batch.version, PRODUCE_V2),
                knows_abortable: batch.version >= 11,
            };
            self.join(now, batch.partition, joining).map_err(|error| match error {
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
        let Joining { producer, protocol, .. } = joining;
        if protocol == Protocol::V1 && !self.verification {
            return Ok(());
        }
        match self.producers_mut(partition)?.is_open(producer) {
            true => Ok(()), // as with all but the first batch of a transaction
            false => self.ask_coordinator(now, partition, joining),
        }
    }

    fn ask_coordinator(
        &mut self,
        now: Timestamp,
        partition: Partition,
        joining: Joining<'_>,
    ) -> Result<(), ErrorCode> {
        let Joining { id, producer, protocol, .. } = joining;
        let producers = self.producers_mut(partition)?;
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

    pub(super) fn add_partitions(
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
                (partition, Err(attempted.unwrap_or(ErrorCode::OperationNotAttempted)))
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

    pub(super) fn commit_pending_offsets(
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
            protocol: spoken(version, TXN_OFFSET_COMMIT_V2),
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
    pub(super) fn split_known(
        &self,
        offsets: &[(Partition, LogOffset)],
    ) -> (Vec<(Partition, LogOffset)>, PerPartition) {
        let known = |partition: Partition| self.known(partition).map(|_| ());
        (
            offsets.iter().copied().filter(|&(partition, _)| known(partition).is_ok()).collect(),
            offsets.iter().map(|&(partition, _)| (partition, known(partition))).collect(),
        )
    }
}
