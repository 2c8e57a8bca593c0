//! What each worker is given to start from.

use std::num::NonZeroU16;

use bytes::Bytes;

use super::Effect;
use super::roster::address;
use crate::env::{Completed, Head};
use crate::message::{Deployment, ToWorker};
use crate::{Incarnation, Life, Positions, Split, redistribute};

/// The tasks of one incarnation, as they are to be started.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    incarnation: Incarnation,
    parallelism: u16,
    splits: u16,
    completed: Option<&'a Completed>,
    /// What falls to each task of what the sinks wrote down.
    restored: Vec<Vec<Bytes>>,
}

impl<'a> Plan<'a> {
    /// Starts so many tasks, which read so many splits, from what `head` says is complete.
    pub(super) fn new(head: &'a Head, parallelism: u16, splits: u16) -> Self {
        let completed = head.completed.as_deref();
        let tasks = NonZeroU16::new(parallelism).expect("a job has at least one task");
        let sinks = completed.map_or(&[][..], |completed| &completed.sinks);
        let restored = redistribute(sinks.iter().cloned(), tasks);
        Plan { incarnation: head.incarnation, parallelism, splits, completed, restored }
    }

    /// Starts the task of worker `index`.
    pub(super) fn deploy(&self, index: u16, life: Life) -> Effect {
        Effect::Send(address(index, life), ToWorker::Deploy(self.deployment(index, life)))
    }

    fn deployment(&self, index: u16, life: Life) -> Deployment {
        Deployment {
            life,
            incarnation: self.incarnation,
            parallelism: self.parallelism,
            from: self.completed.map(|completed| completed.id),
            restored: self.restored[usize::from(index)].clone(),
            resume_at: self.resume_at(index),
        }
    }

    /// Positions belong to splits, not to tasks, so they move freely with any parallelism.
    fn resume_at(&self, index: u16) -> Positions {
        let stored = self.completed.map_or(&[][..], |completed| &completed.resume_at);
        let mine = (index..self.splits).step_by(self.parallelism.into());
        mine.map(|split| (Split(split), stored.get(usize::from(split)).copied().unwrap_or_default()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceOffset;

    #[test]
    fn splits_keep_their_positions_when_the_parallelism_changes() {
        let completed = Completed {
            id: crate::CheckpointId(7),
            resume_at: (10..14).map(SourceOffset).collect(),
            sinks: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
        };
        let head = Head { completed: Some(completed.into()), ..Head::default() };
        let plan = Plan::new(&head, 3, 4);
        let first = plan.deployment(0, Life(1));
        assert_eq!(first.resume_at[..], [(Split(0), SourceOffset(10)), (Split(3), SourceOffset(13))]);
        assert_eq!(first.restored, [Bytes::from_static(b"a")]);
        assert!(plan.deployment(2, Life(1)).restored.is_empty());
    }
}
