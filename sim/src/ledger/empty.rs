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
    /// These partitions, as bits, are added to one that is open.
    pub(super) fn add(&mut self, id: &TransactionalId, producer: Producer, partitions: u64) {
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

    /// The first record arrives, and its transaction is no longer one of these. Returns how it has ended, if it has, and on
    /// which partitions that is still to be written.
    pub(super) fn first_record(&mut self, producer: Producer, partition: Partition) -> (Option<Marker>, u64) {
        let takes = |one: &Empty| one.decided.is_none() || one.partitions & bit(partition) != 0;
        let at = self.0.iter().position(|one| one.producer == producer && takes(one));
        let one = at.map(|at| self.0.remove(at));
        one.map_or((None, 0), |one| (one.decided, one.partitions))
    }
}
