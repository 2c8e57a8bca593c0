//! One request that is under way or to be repeated, and the versions in which it is sent.

use std::sync::Arc;

use super::batches::Batch;
use super::class::Kind;
use super::options::KafkaOptions;
use super::protocol::{InitProducerId, LogOffset, Marker, Produce, Producer, Protocol, Request};
use crate::{Partition, TransactionalId};

/// A request as the client remembers it until it is answered.
#[derive(Debug)]
pub(super) enum Task {
    /// An init in order to write.
    Init,
    /// An init in order to shut others out.
    Fence,
    /// Part of a transaction of this producer.
    By(Producer, Work),
}

/// A request that is part of a transaction.
#[derive(Debug)]
pub(super) enum Work {
    AddPartitions(Vec<Partition>),
    Produce(Batch),
    AddOffsets(Arc<str>),
    CommitOffsets(Offsets),
    End(Marker),
}

/// Offsets of a consumer group that go with the transaction.
#[derive(Clone, Debug)]
pub(super) struct Offsets {
    pub(super) group: Arc<str>,
    pub(super) offsets: Vec<(Partition, LogOffset)>,
    /// V1: whether the coordinator knows the group to be part of the transaction.
    pub(super) added: bool,
}

impl Task {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Task::Init | Task::Fence => Kind::InitProducerId,
            Task::By(_, Work::AddPartitions(_)) => Kind::AddPartitions,
            Task::By(_, Work::Produce(_)) => Kind::Produce,
            Task::By(_, Work::AddOffsets(_)) => Kind::AddOffsets,
            Task::By(_, Work::CommitOffsets(_)) => Kind::TxnOffsetCommit,
            Task::By(_, Work::End(marker)) => Kind::EndTxn(*marker),
        }
    }

    /// Whether this request, once sent, can have opened the transaction.
    pub(super) fn touches(&self) -> bool {
        !matches!(self, Task::Init | Task::Fence | Task::By(_, Work::End(_)))
    }

    /// The request, the same each time.
    #[inline]
    pub(super) fn request(&self, id: TransactionalId, options: &KafkaOptions) -> Request {
        match self {
            Task::Init | Task::Fence => init(id, options),
            Task::By(producer, work) => work.request(id, *producer, options.protocol),
        }
    }
}

impl Work {
    fn request(&self, id: TransactionalId, producer: Producer, protocol: Protocol) -> Request {
        let pick = |v1, v2| match protocol {
            Protocol::V1 => v1,
            Protocol::V2 => v2,
        };
        match self {
            Work::AddPartitions(partitions) => {
                Request::AddPartitions { id, producer, partitions: partitions.clone(), version: 3 }
            }
            Work::Produce(batch) => Request::Produce(Produce {
                id: Some(id),
                producer: Some(producer),
                partition: batch.partition,
                base_sequence: batch.base,
                transactional: true,
                records: batch.records.clone(),
                version: pick(11, 12),
            }),
            Work::AddOffsets(group) => Request::AddOffsets { id, producer, group: group.clone(), version: 3 },
            Work::CommitOffsets(offsets) => Request::TxnOffsetCommit {
                id,
                producer,
                group: offsets.group.clone(),
                offsets: offsets.offsets.clone(),
                version: pick(4, 5),
            },
            Work::End(marker) => Request::EndTxn { id, producer, marker: *marker, version: pick(4, 5) },
        }
    }
}

/// Never with an expected epoch: that lets an old incarnation that missed exactly one raise back in (KC-8b),
/// and lets it abort what a newer one has open (KC-10).
fn init(id: TransactionalId, options: &KafkaOptions) -> Request {
    Request::InitProducerId(InitProducerId {
        id: Some(id),
        timeout: options.transaction_timeout,
        expected_id: None,
        expected_epoch: None,
        enable_2pc: false,
        keep_prepared: false,
        version: 5,
    })
}
