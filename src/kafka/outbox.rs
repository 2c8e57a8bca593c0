//! What a transaction still has to send, and in which order.

use std::sync::Arc;

use super::batches::Batches;
use super::protocol::{LogOffset, Protocol};
use super::task::{Offsets, Work};
use crate::{Partition, Record};

/// Records and offsets on their way out of one transaction.
#[derive(Debug)]
pub(super) struct Outbox {
    protocol: Protocol,
    batches: Batches,
    /// V1: what the coordinator knows to be part of the transaction.
    added: Vec<Partition>,
    offsets: Vec<Offsets>,
}

impl Outbox {
    pub(super) fn new(protocol: Protocol, batch: usize) -> Self {
        Outbox { protocol, batches: Batches::new(batch), added: Vec::new(), offsets: Vec::new() }
    }

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
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.offsets.is_empty()
    }

    /// Takes what is sent next: records before offsets, and what V1 must add before what it adds it for.
    pub(super) fn take(&mut self) -> Option<Work> {
        let adds = self.protocol == Protocol::V1;
        if let Some(batch) = self.batches.first() {
            return match adds && !self.added.contains(&batch.partition) {
                true => Some(Work::AddPartitions(self.missing())),
                false => self.batches.pop().map(Work::Produce),
            };
        }
        let offsets = self.offsets.first()?;
        Some(match adds && !offsets.added {
            true => Work::AddOffsets(offsets.group.clone()),
            false => Work::CommitOffsets(self.offsets.remove(0)),
        })
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
