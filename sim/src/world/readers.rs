//! One committed reader for each partition, as Kafka's consumer reads: up to the last stable offset, leaving
//! out what the broker lists as aborted (reference RC-1). What it sees is the committed output.

use twophase::Partition;
use twophase::kafka::protocol::LogOffset;

use crate::log::{AnyLog, Log, committed_entries, numbered};
use crate::watch::Watch;

/// Where each reader has come to.
pub(crate) struct Readers(Vec<u64>);

impl Readers {
    pub(crate) fn new(partitions: u32) -> Self {
        Readers(vec![0; partitions as usize])
    }

    /// Whether there is nothing more to read.
    pub(crate) fn have_seen_all(&self, log: &AnyLog) -> bool {
        let mut positions = self.0.iter().zip(0..);
        positions.all(|(position, number)| *position >= log.last_stable_offset(Partition(number)).0)
    }

    /// Reads on, on every partition, as far as it goes by now.
    #[inline(always)]
    pub(crate) fn advance(&mut self, log: &AnyLog, at: u64, watch: &mut Watch) {
        for (number, position) in self.0.iter_mut().enumerate() {
            let partition = Partition(number as u32);
            let stable = log.last_stable_offset(partition).0;
            if *position < stable {
                read(log, partition, LogOffset(*position), at, watch);
                *position = stable;
            }
        }
    }
}

/// Shows what is new on one partition. (A loop within a loop: a batch is often one record.)
#[inline(never)]
fn read(log: &AnyLog, partition: Partition, from: LogOffset, at: u64, watch: &mut Watch) {
    for entry in committed_entries(log, partition, from) {
        for (offset, record) in numbered(entry).filter(|(offset, _)| *offset >= from) {
            watch.visible(at, (partition, offset), record, entry.producer);
        }
    }
}
