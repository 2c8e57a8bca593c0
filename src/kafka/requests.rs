//! The requests of a client, in the versions in which it sends them.

use std::sync::Arc;
use std::time::Duration;

use super::batches::Batch;
use super::protocol::{InitProducerId, LogOffset, Marker, Produce, Producer, Protocol, Request};
use crate::{Partition, TransactionalId};

/// An init. Never with an expected epoch: that lets an old incarnation that missed exactly one raise back in
/// (KC-8b), and lets it abort what a newer one has open (KC-10).
pub(super) fn init(id: TransactionalId, timeout: Duration) -> Request {
    Request::InitProducerId(InitProducerId {
        id: Some(id),
        timeout,
        expected_id: None,
        expected_epoch: None,
        enable_2pc: false,
        keep_prepared: false,
        version: 5,
    })
}

/// Whether this request can open the transaction it is of.
pub(super) fn opens(request: &Request) -> bool {
    !matches!(request, Request::InitProducerId(_) | Request::EndTxn { .. })
}

/// Who writes a transaction: every request that is part of one says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) id: &'a TransactionalId,
    pub(super) producer: Producer,
    pub(super) protocol: Protocol,
}

impl Writer<'_> {
    fn version(&self, v1: i16, v2: i16) -> i16 {
        match self.protocol {
            Protocol::V1 => v1,
            Protocol::V2 => v2,
        }
    }

    /// Whether this batch is of the same writer.
    #[inline]
    pub(super) fn has_written(&self, batch: &Produce) -> bool {
        batch.producer == Some(self.producer) && batch.version == self.produce_version()
    }

    fn produce_version(&self) -> i16 {
        self.version(11, 12)
    }

    pub(super) fn produce(self, batch: Batch) -> Request {
        Request::Produce(Produce {
            id: Some(self.id.clone()),
            producer: Some(self.producer),
            partition: batch.partition,
            base_sequence: batch.base,
            transactional: true,
            records: batch.records,
            version: self.produce_version(),
        })
    }

    pub(super) fn add_partitions(self, partitions: Vec<Partition>) -> Request {
        Request::AddPartitions { id: self.id.clone(), producer: self.producer, partitions, version: 3 }
    }

    pub(super) fn add_offsets(self, group: Arc<str>) -> Request {
        Request::AddOffsets { id: self.id.clone(), producer: self.producer, group, version: 3 }
    }

    pub(super) fn commit_offsets(self, group: Arc<str>, offsets: Vec<(Partition, LogOffset)>) -> Request {
        let Writer { producer, .. } = self;
        let version = self.version(4, 5);
        Request::TxnOffsetCommit { id: self.id.clone(), producer, group, offsets, version }
    }

    pub(super) fn end(self, marker: Marker) -> Request {
        let Writer { producer, .. } = self;
        Request::EndTxn { id: self.id.clone(), producer, marker, version: self.version(4, 5) }
    }
}
