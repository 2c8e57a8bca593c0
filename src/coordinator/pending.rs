//! Checkpoints that were triggered and are not yet durable.
//!
//! A checkpoint that leaves here by any way but [`Pending::complete`] can never complete: a late ack finds
//! nothing to count for (CC-7).

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::env::Completed;
use crate::{CheckpointId, Snapshot, SourceOffset, Timestamp};

/// The checkpoints of the present incarnation that are in flight.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Oldest first.
    checkpoints: Vec<Checkpoint>,
}

#[derive(Debug)]
struct Checkpoint {
    id: CheckpointId,
    /// When it is given up.
    deadline: Timestamp,
    parts: Parts,
}

/// What the tasks have acknowledged.
#[derive(Debug)]
enum Parts {
    /// Of each split its position, and of each task what its sink wrote down, but of those that are missing.
    Some { resume_at: Vec<SourceOffset>, sinks: Vec<Bytes>, missing: SmallVec<[u16; 4]> },
    /// All of it. Shared from here on, however often the head is written.
    All(Arc<Completed>),
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.checkpoints.len()
    }

    /// Adds a checkpoint, newer than all others, that each of `tasks` must acknowledge.
    pub(super) fn trigger(&mut self, id: CheckpointId, tasks: u16, splits: u16, deadline: Timestamp) {
        let parts = Parts::Some {
            resume_at: vec![SourceOffset(0); splits.into()],
            sinks: vec![Bytes::new(); tasks.into()],
            missing: (0..tasks).collect(),
        };
        self.checkpoints.push(Checkpoint { id, deadline, parts });
    }

    /// Counts an acknowledgement, the first from each task.
    pub(super) fn ack(&mut self, id: CheckpointId, task: u16, snapshot: Snapshot) {
        if let Some(checkpoint) = self.checkpoints.iter_mut().find(|c| c.id == id) {
            checkpoint.ack(task, snapshot);
        }
    }

    /// The newest checkpoint that every task has acknowledged: what is to be made durable. The newest, because it
    /// subsumes the others.
    pub(super) fn ready(&self) -> Option<&Arc<Completed>> {
        let mut newest_first = self.checkpoints.iter().rev();
        newest_first.find_map(|c| match &c.parts {
            Parts::Some { .. } => None,
            Parts::All(completed) => Some(completed),
        })
    }

    /// It is durable: it leaves, and with it the older ones, which can never complete any more (CC-9). Those
    /// are returned.
    pub(super) fn complete(&mut self, id: CheckpointId) -> Vec<CheckpointId> {
        let up_to_it = self.checkpoints.partition_point(|c| c.id <= id);
        self.checkpoints.drain(..up_to_it).map(|c| c.id).filter(|&older| older != id).collect()
    }

    /// It is given up. Whether it was still pending.
    pub(super) fn abort(&mut self, id: CheckpointId) -> bool {
        let place = self.checkpoints.iter().position(|c| c.id == id);
        place.map(|place| self.checkpoints.remove(place)).is_some()
    }

    /// All are given up.
    pub(super) fn abort_all(&mut self) -> impl Iterator<Item = CheckpointId> {
        self.checkpoints.drain(..).map(|c| c.id)
    }

    /// The oldest whose time is up.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<CheckpointId> {
        let mut oldest_first = self.checkpoints.iter();
        oldest_first.find(|c| c.deadline <= now).map(|c| c.id)
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.checkpoints.iter().map(|c| c.deadline).min()
    }
}

impl Checkpoint {
    fn ack(&mut self, task: u16, snapshot: Snapshot) {
        let Parts::Some { resume_at, sinks, missing } = &mut self.parts else {
            return;
        };
        let Some(place) = missing.iter().position(|&missing| missing == task) else {
            return;
        };
        missing.swap_remove(place);
        sinks[usize::from(task)] = snapshot.sink.into();
        for &(split, offset) in &*snapshot.resume_at {
            if let Some(place) = resume_at.get_mut(usize::from(split.0)) {
                *place = offset;
            }
        }
        if missing.is_empty() {
            let (resume_at, sinks) = (std::mem::take(resume_at), std::mem::take(sinks));
            self.parts = Parts::All(Arc::new(Completed { id: self.id, resume_at, sinks }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(split: u16, offset: u64) -> Snapshot {
        let resume_at = [(crate::Split(split), SourceOffset(offset))].into();
        Snapshot { resume_at, sink: vec![split as u8] }
    }

    #[test]
    fn a_checkpoint_is_ready_when_every_task_has_acknowledged_it() {
        let mut pending = Pending::default();
        pending.trigger(CheckpointId(4), 2, 3, Timestamp(9));
        pending.ack(CheckpointId(4), 1, part(1, 8));
        pending.ack(CheckpointId(4), 1, part(1, 9)); // repeated by the network: the first counts
        assert_eq!(pending.ready(), None);

        pending.ack(CheckpointId(4), 0, part(0, 7));
        let stored = pending.ready().expect("all have acknowledged");
        assert_eq!(stored.id, CheckpointId(4));
        assert_eq!(stored.resume_at, [SourceOffset(7), SourceOffset(8), SourceOffset(0)]);
        assert_eq!(stored.sinks, [Bytes::from_static(&[0]), Bytes::from_static(&[1])]);
    }

    #[test]
    fn a_late_ack_does_not_revive_a_checkpoint_that_was_given_up() {
        let mut pending = Pending::default();
        pending.trigger(CheckpointId(4), 1, 1, Timestamp(9));
        assert!(pending.abort(CheckpointId(4)));
        pending.ack(CheckpointId(4), 0, part(0, 7));
        assert_eq!(pending.ready(), None);
        assert!(!pending.abort(CheckpointId(4)));
    }

    #[test]
    fn a_completed_checkpoint_takes_the_older_ones_with_it_and_leaves_the_newer() {
        let mut pending = Pending::default();
        for id in 4..=6 {
            pending.trigger(CheckpointId(id), 1, 1, Timestamp(id));
        }
        assert_eq!(pending.complete(CheckpointId(5)), [CheckpointId(4)]);
        assert_eq!(pending.deadline(), Some(Timestamp(6)));
        assert_eq!(pending.len(), 1);
    }
}
