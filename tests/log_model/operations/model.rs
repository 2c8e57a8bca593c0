//! A log so simple that it is right at sight: what was written, by which transaction, and how that ended.

use std::collections::BTreeSet;

use twophase::kafka::protocol::Marker;

/// The number of a transaction, in the order of their beginnings.
pub(crate) type Transaction = usize;

/// One transaction.
#[derive(Debug)]
struct Fate {
    decided: Option<Marker>,
    partitions: BTreeSet<u32>,
    /// Where its end can be seen.
    marked: BTreeSet<u32>,
    /// Which markers the present coordinator still waits for.
    owed: BTreeSet<u32>,
    started: u64,
}

/// Everything that was written, and the fates.
#[derive(Debug, Default)]
pub(crate) struct Model {
    fates: Vec<Fate>,
    written: Vec<(u32, u32, Transaction)>,
}

impl Model {
    pub(crate) fn begin(&mut self, started: u64) -> Transaction {
        self.fates.push(Fate {
            decided: None,
            partitions: BTreeSet::new(),
            marked: BTreeSet::new(),
            owed: BTreeSet::new(),
            started,
        });
        self.fates.len() - 1
    }

    pub(crate) fn write(&mut self, partition: u32, value: u32, transaction: Transaction) {
        self.fates[transaction].partitions.insert(partition);
        self.written.push((partition, value, transaction));
    }

    pub(crate) fn decide(&mut self, transaction: Transaction, marker: Marker) {
        let fate = &mut self.fates[transaction];
        fate.decided = Some(marker);
        fate.owed = fate.partitions.clone();
    }

    pub(crate) fn mark(&mut self, transaction: Transaction, partition: u32, by_present_coordinator: bool) {
        let fate = &mut self.fates[transaction];
        fate.marked.insert(partition);
        if by_present_coordinator {
            fate.owed.remove(&partition);
        }
    }

    /// A new coordinator waits for all markers of what is decided and not complete.
    pub(crate) fn reload(&mut self) {
        for fate in self.fates.iter_mut().filter(|fate| !fate.owed.is_empty()) {
            fate.owed = fate.partitions.clone();
        }
    }

    pub(crate) fn is_open(&self, transaction: Transaction) -> bool {
        self.fates[transaction].decided.is_none()
    }

    pub(crate) fn is_ending(&self, transaction: Transaction) -> bool {
        !self.fates[transaction].owed.is_empty()
    }

    pub(crate) fn started(&self, transaction: Transaction) -> u64 {
        self.fates[transaction].started
    }

    /// Whether it has written to this partition, and its end cannot be seen there.
    pub(crate) fn is_undecided(&self, transaction: Transaction, partition: u32) -> bool {
        let fate = &self.fates[transaction];
        fate.partitions.contains(&partition) && !fate.marked.contains(&partition)
    }

    /// What a reader of committed records sees.
    pub(crate) fn committed(&self, partition: u32) -> Vec<u32> {
        let here = self.written.iter().filter(|(written_to, ..)| *written_to == partition);
        let decided = here.take_while(|(.., transaction)| !self.is_undecided(*transaction, partition));
        let committed =
            decided.filter(|(.., transaction)| self.fates[*transaction].decided == Some(Marker::Commit));
        committed.map(|(_, value, _)| *value).collect()
    }
}
