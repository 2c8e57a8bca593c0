//! What a transaction still has to send, and in which order.

use std::sync::Arc;

use super::batches::{Batch, Batches};
use super::protocol::{LogOffset, Protocol, Request};
use super::requests::Writer;
use crate::{Partition, Record};

/// Records and offsets on their way out of one transaction.
#[derive(Debug)]
pub(super) struct Outbox {
    batches: Batches,
    /// V1: what the coordinator knows to be part of the transaction.
    added: Vec<Partition>,
    offsets: Vec<Offsets>,
}

/// Offsets of a consumer group that go with the transaction.
#[derive(Debug)]
struct Offsets {
    group: Arc<str>,
    offsets: Vec<(Partition, LogOffset)>,
    /// V1: whether the coordinator knows the group to be part of the transaction.
    added: bool,
}

impl Outbox {
    pub(super) fn new(batch: usize) -> Self {
        Outbox { batches: Batches::new(batch), added: Vec::new(), offsets: Vec::new() }
    }

    #[inline]
    pub(super) fn add(&mut self, partition: Partition, record: Record) {
        self.batches.add(partition, record);
    }

    pub(super) fn add_offsets(&mut self, group: Arc<str>, offsets: Vec<(Partition, LogOffset)>) {
        self.offsets.push(Offsets { group, offsets, added: false });
    }

    pub(super) fn flush(&mut self) {
        self.batches.flush();
    }

    /// Forgets what was not sent.
    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.offsets.clear();
    }

    /// Another transaction begins, under another epoch or under one that was never used.
    pub(super) fn renew(&mut self) {
        self.batches.renumber();
        self.added.clear();
    }

    /// V1: the coordinator has added these partitions.
    pub(super) fn partitions_added(&mut self, partitions: &[Partition]) {
        self.added.extend(partitions);
    }

    /// V1: the coordinator has added this group.
    pub(super) fn group_added(&mut self, group: &Arc<str>) {
        for offsets in self.offsets.iter_mut().filter(|offsets| offsets.group == *group) {
            offsets.added = true;
        }
    }

    /// Whether there is nothing to send.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.offsets.is_empty()
    }

    /// Takes the next batch: records go before offsets. None if V1 must add its partition first.
    #[inline]
    pub(super) fn take_batch(&mut self, protocol: Protocol) -> Option<Batch> {
        let batch = self.batches.first()?;
        match protocol == Protocol::V1 && !self.added.contains(&batch.partition) {
            true => None,
            false => self.batches.pop(),
        }
    }

    /// Takes what is sent when there is no batch to take: what V1 must add before what it adds it for, and offsets.
    pub(super) fn take_other(&mut self, writer: Writer<'_>) -> Option<Request> {
        if !self.batches.is_empty() {
            return Some(writer.add_partitions(self.missing()));
        }
        let next = self.offsets.first()?;
        if writer.protocol == Protocol::V1 && !next.added {
            return Some(writer.add_offsets(next.group.clone()));
        }
        let Offsets { group, offsets, .. } = self.offsets.remove(0);
        Some(writer.commit_offsets(group, offsets))
    }

    /// The partitions of all ready batches that the coordinator does not know yet, each once, in order.
    fn missing(&self) -> Vec<Partition> {
        let ready = self.batches.ready().map(|batch| batch.partition);
        let mut missing: Vec<_> = ready.filter(|partition| !self.added.contains(partition)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}
