//! What each worker is given to start from.

use std::num::NonZeroU16;

use bytes::Bytes;

use crate::env::Completed;
use crate::message::Deployment;
use crate::{Incarnation, Life, SourceOffset, Split, redistribute};

/// The tasks of one incarnation, as they are to be started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) incarnation: Incarnation,
    pub(super) parallelism: u16,
    pub(super) splits: u16,
    pub(super) completed: Option<&'a Completed>,
}

impl Plan<'_> {
    /// The part of worker `index`.
    pub(super) fn deployment(&self, index: u16, life: Life) -> Deployment {
        Deployment {
            life,
            incarnation: self.incarnation,
            parallelism: self.parallelism,
            from: self.completed.map(|completed| completed.id),
            restored: self.restored(index),
            resume_at: self.resume_at(index),
        }
    }

    fn restored(&self, index: u16) -> Vec<Bytes> {
        let Some(completed) = self.completed else {
            return Vec::new();
        };
        let tasks = NonZeroU16::new(self.parallelism).expect("a job has at least one task");
        redistribute(completed.sinks.iter().cloned(), tasks).swap_remove(index.into())
    }

    /// Positions belong to splits, not to tasks, so they move freely with any parallelism.
    fn resume_at(&self, index: u16) -> Vec<(Split, SourceOffset)> {
        let stored = self.completed.map_or(&[][..], |completed| &completed.resume_at);
        let mine = (0..self.splits).filter(|split| split % self.parallelism == index);
        mine.map(|split| (Split(split), stored.get(usize::from(split)).copied().unwrap_or_default()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_keep_their_positions_when_the_parallelism_changes() {
        let completed = crate::env::Completed {
            id: crate::CheckpointId(7),
            resume_at: (10..14).map(SourceOffset).collect(),
            sinks: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
        };
        let plan =
            Plan { incarnation: Incarnation(2), parallelism: 3, splits: 4, completed: Some(&completed) };
        let first = plan.deployment(0, Life(1));
        assert_eq!(first.resume_at, [(Split(0), SourceOffset(10)), (Split(3), SourceOffset(13))]);
        assert_eq!(first.restored, [Bytes::from_static(b"a")]);
        assert!(plan.deployment(2, Life(1)).restored.is_empty());
    }
}
