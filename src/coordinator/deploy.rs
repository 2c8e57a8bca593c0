//! What each worker is given to start from.

use std::ops::Range;

use bytes::Bytes;

use crate::env::Completed;
use crate::message::Deployment;
use crate::{Incarnation, Life, SourceOffset, Split};

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
        let share = redistribute(completed.sinks.len(), self.parallelism.into(), index.into());
        completed.sinks[share].to_vec()
    }

    /// Positions belong to splits, not to tasks, so they move freely with any parallelism.
    fn resume_at(&self, index: u16) -> Vec<(Split, SourceOffset)> {
        let stored = self.completed.map_or(&[][..], |completed| &completed.resume_at);
        let mine = (0..self.splits).filter(|split| split % self.parallelism == index);
        mine.map(|split| {
            (
                Split(split),
                stored.get(usize::from(split)).copied().unwrap_or_default(),
            )
        })
        .collect()
    }
}

/// Which of `count` states fall to task `index` of `tasks` (V1-4): they are dealt in order, and when they do
/// not divide evenly the first tasks get one more. With as many tasks as states each gets its own.
fn redistribute(count: usize, tasks: usize, index: usize) -> Range<usize> {
    let (base, extra) = (count / tasks, count % tasks);
    let start = index * base + index.min(extra);
    start..start + base + usize::from(index < extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(count: usize, tasks: usize) -> Vec<Range<usize>> {
        (0..tasks)
            .map(|index| redistribute(count, tasks, index))
            .collect()
    }

    #[test]
    fn every_state_is_dealt_to_one_task_in_order() {
        assert_eq!(shares(3, 3), [0..1, 1..2, 2..3]);
        assert_eq!(shares(5, 2), [0..3, 3..5]);
        assert_eq!(shares(2, 3), [0..1, 1..2, 2..2]);
    }

    #[test]
    fn splits_keep_their_positions_when_the_parallelism_changes() {
        let completed = crate::env::Completed {
            id: crate::CheckpointId(7),
            resume_at: (10..14).map(SourceOffset).collect(),
            sinks: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
        };
        let plan = Plan {
            incarnation: Incarnation(2),
            parallelism: 3,
            splits: 4,
            completed: Some(&completed),
        };
        let first = plan.deployment(0, Life(1));
        assert_eq!(
            first.resume_at,
            [(Split(0), SourceOffset(10)), (Split(3), SourceOffset(13))]
        );
        assert_eq!(first.restored, [Bytes::from_static(b"a")]);
        assert!(plan.deployment(2, Life(1)).restored.is_empty());
    }
}
