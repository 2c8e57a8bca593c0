//! Transactions without a record: partitions were added to them, and nothing is written yet.
//!
//! What arrives once such a one has been ended belongs to it where its marker is not yet written, and shares its end: only a
//! broker that does not verify takes it. Behind the marker it opens one that nobody knows of.

use twophase::kafka::protocol::{Marker, Producer};
use twophase::{Partition, TransactionalId};

use super::transaction::bit;

#[derive(Debug)]
struct Empty {
    id: TransactionalId,
    producer: Producer,
    /// On which its marker is still to be written.
    partitions: u64,
    decided: Option<Marker>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Empties(Vec<Empty>);

impl Empties {
    pub(super) fn add(
        &mut self,
        id: &TransactionalId,
        producer: Producer,
        partitions: impl Iterator<Item = Partition>,
    ) {
        let partitions = partitions.fold(0, |all, partition| all | bit(partition));
        match self.0.iter_mut().find(|one| one.producer == producer && one.decided.is_none()) {
            Some(one) => one.partitions |= partitions,
            None => self.0.push(Empty { id: id.clone(), producer, partitions, decided: None }),
        }
    }

    /// Whoever takes a name over, or a timeout, aborts what is open under it.
    pub(super) fn abort(&mut self, id: &TransactionalId) {
        let open = |one: &&mut Empty| one.id == *id && one.decided.is_none();
        self.0.iter_mut().filter(open).for_each(|one| one.decided = Some(Marker::Abort));
    }

    /// Its own producer ends it. Returns whether there is one.
    pub(super) fn end(&mut self, producer: Producer, marker: Marker) -> bool {
        let open = self.0.iter_mut().find(|one| one.producer == producer && one.decided.is_none());
        open.is_some_and(|one| one.decided.replace(marker).is_none())
    }

    pub(super) fn marked(&mut self, id: &TransactionalId, producer: Producer, partition: Partition) {
        self.0.retain_mut(|one| {
            if one.id == *id && one.producer.id == producer.id && one.decided.is_some() {
                one.partitions &= !bit(partition);
            }
            one.partitions != 0
        });
    }

    /// The first record arrives. Returns how its transaction has ended, if it has.
    pub(super) fn first_record(&mut self, producer: Producer, partition: Partition) -> Option<Marker> {
        let waits = |one: &&Empty| one.producer == producer && one.partitions & bit(partition) != 0;
        let decided = self.0.iter().find(waits).and_then(|one| one.decided);
        self.0.retain(|one| one.producer != producer || one.decided.is_some());
        decided
    }
}
