//! The transactions that wait for a checkpoint to complete.

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use super::Begun;
use crate::CheckpointId;

/// Pre-committed transactions by the checkpoint they belong to, in the order in which they came.
///
/// A list, not an ordered map: ids may repeat and go down when an engine misbehaves, and the order of commits is
/// the order of arrival all the same (Flink's `LinkedHashMap`). It rarely holds more than two.
#[derive(Debug)]
pub(super) struct Pending<H>(SmallVec<[(CheckpointId, Begun<H>); 2]>);

impl<H> Pending<H> {
    pub(super) fn new() -> Self {
        Pending(SmallVec::new())
    }

    /// Adds a transaction. A repeated id replaces the older one, at the older one's place.
    #[inline]
    pub(super) fn put(&mut self, id: CheckpointId, transaction: Begun<H>) {
        match self.0.iter_mut().find(|(other, _)| *other == id) {
            Some((_, older)) => *older = transaction,
            None => self.0.push((id, transaction)),
        }
    }

    /// The place of the first transaction that is owed once `completed` is complete.
    ///
    /// Everything up to it, not only its own (V1-18), for there are three situations:
    ///
    /// 1. One is pending, its own. The common case.
    /// 2. Older ones are pending too, because their checkpoints never completed: the store failed, another
    ///    task declined, the notice was lost. The newer checkpoint covers their records, nobody will ask again.
    /// 3. Newer ones are pending, because this notice is late. They stay: their checkpoints may yet fail.
    pub(super) fn first_due(&self, completed: CheckpointId) -> Option<usize> {
        self.0.iter().position(|(id, _)| *id <= completed)
    }

    #[inline]
    pub(super) fn remove(&mut self, place: usize) {
        self.0.remove(place);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn as_slice(&self) -> &[(CheckpointId, Begun<H>)] {
        &self.0
    }
}

/// As the list of the transactions.
impl<H: Serialize> Serialize for Pending<H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(_, transaction)| transaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn pending(all: &[(u64, &'static str)]) -> Pending<&'static str> {
        let mut pending = Pending::new();
        for &(id, handle) in all {
            let start = Timestamp(0);
            pending.put(CheckpointId(id), Begun { handle, start });
        }
        pending
    }

    fn handles(pending: &Pending<&'static str>) -> Vec<&'static str> {
        pending.as_slice().iter().map(|(_, begun)| begun.handle).collect()
    }

    #[test]
    fn a_completed_checkpoint_makes_the_older_ones_due_and_not_the_newer() {
        let pending = pending(&[(3, "c"), (1, "a"), (2, "b")]);
        assert_eq!(pending.first_due(CheckpointId(2)), Some(1));
        assert_eq!(pending.first_due(CheckpointId(3)), Some(0));
        assert_eq!(pending.first_due(CheckpointId(0)), None);
    }

    #[test]
    fn a_repeated_id_keeps_its_place() {
        assert_eq!(handles(&pending(&[(1, "a"), (2, "b"), (1, "again")])), ["again", "b"]);
    }
}
