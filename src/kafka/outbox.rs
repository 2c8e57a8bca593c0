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

    /// Adds a record. The one that fills a batch hands it out.
    #[inline(always)]
    pub(super) fn add(&mut self, partition: Partition, record: Record) -> Option<Batch> {
        self.batches.add(partition, record)
    }

    /// Whether this batch can be sent as the next thing: nothing is before it, in the queue or to be added by V1.
    #[inline]
    pub(super) fn is_next(&self, batch: &Batch, protocol: Protocol) -> bool {
        self.batches.is_empty() && self.admits(batch, protocol)
    }

    /// Keeps a batch that cannot be sent yet.
    pub(super) fn queue(&mut self, batch: Batch) {
        self.batches.queue(batch);
    }

    #[inline]
    fn admits(&self, batch: &Batch, protocol: Protocol) -> bool {
        protocol == Protocol::V2 || self.added.contains(&batch.partition)
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

    /// Takes what is sent next: records before offsets, and what V1 must add before what it adds it for.
    pub(super) fn take(&mut self, writer: Writer<'_>) -> Option<Request> {
        if let Some(batch) = self.batches.first() {
            return match self.admits(batch, writer.protocol) {
                true => self.batches.pop().map(|batch| writer.produce(batch)),
                false => Some(writer.add_partitions(self.missing())),
            };
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
