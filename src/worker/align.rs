//! Aligning the barriers of several inputs: an input whose barrier has arrived is not read until all have
//! (CC-19). So a record is in front of its input's barrier exactly if it is in the transaction that is
//! pre-committed for the checkpoint.

use std::collections::BTreeSet;

use crate::{CheckpointId, SourceOffset};

/// The alignment of one task.
#[derive(Debug)]
pub(super) struct Alignment {
    inputs: usize,
    current: Option<Current>,
    /// The newest checkpoint whose alignment has begun.
    newest: CheckpointId,
    /// Given up before any barrier of theirs arrived (CC-18).
    aborted: BTreeSet<CheckpointId>,
}

#[derive(Debug)]
struct Current {
    id: CheckpointId,
    /// Where each input is read on, once its barrier has arrived.
    resume_at: Vec<Option<SourceOffset>>,
}

/// What a barrier has brought about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nothing; its checkpoint was given up.
    Ignored,
    /// Its input is blocked until the others have theirs. With it, the older checkpoint that is cancelled by
    /// this one (CC-22).
    Waiting(Option<CheckpointId>),
    /// It was the last: every input is read on from here.
    Aligned(Vec<SourceOffset>),
}

impl Alignment {
    /// Of this many inputs.
    pub(super) fn new(inputs: usize) -> Self {
        Alignment { inputs, current: None, newest: CheckpointId::default(), aborted: BTreeSet::new() }
    }

    /// Whether this input must not be read now.
    pub(super) fn blocks(&self, input: usize) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.resume_at[input].is_some())
    }

    /// The barrier of `id` has arrived on this input, which is to be read on at `position` after a restore.
    pub(super) fn barrier(&mut self, input: usize, id: CheckpointId, position: SourceOffset) -> Arrival {
        let cancelled = match &self.current {
            Some(current) if current.id == id => None,
            _ if id <= self.newest || self.aborted.contains(&id) => return Arrival::Ignored,
            _ => self.begin(id),
        };
        let Some(current) = &mut self.current else {
            return Arrival::Ignored;
        };
        current.resume_at[input] = Some(position);
        match current.resume_at.iter().copied().collect() {
            Some(resume_at) => {
                self.current = None;
                Arrival::Aligned(resume_at)
            }
            None => Arrival::Waiting(cancelled),
        }
    }

    /// The checkpoint was given up: inputs that wait for it go on, and barriers of it that are still to come
    /// mean nothing.
    pub(super) fn abort(&mut self, id: CheckpointId) {
        if self.current.as_ref().is_some_and(|current| current.id == id) {
            self.current = None;
        }
        if id > self.newest {
            self.aborted.insert(id);
        }
    }

    fn begin(&mut self, id: CheckpointId) -> Option<CheckpointId> {
        self.newest = id;
        self.aborted = self.aborted.split_off(&id);
        let resume_at = vec![None; self.inputs];
        let older = self.current.replace(Current { id, resume_at });
        older.map(|older| older.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offsets: &[u64]) -> Arrival {
        Arrival::Aligned(offsets.iter().copied().map(SourceOffset).collect())
    }

    #[test]
    fn an_input_whose_barrier_has_arrived_is_blocked_until_all_have() {
        let mut alignment = Alignment::new(2);
        let id = CheckpointId(1);
        assert_eq!(alignment.barrier(1, id, SourceOffset(5)), Arrival::Waiting(None));
        assert!(alignment.blocks(1) && !alignment.blocks(0));
        assert_eq!(alignment.barrier(0, id, SourceOffset(3)), at(&[3, 5]));
        assert!(!alignment.blocks(0) && !alignment.blocks(1));
    }

    #[test]
    fn a_single_input_never_waits() {
        let mut alignment = Alignment::new(1);
        assert_eq!(alignment.barrier(0, CheckpointId(1), SourceOffset(3)), at(&[3]));
        assert_eq!(alignment.barrier(0, CheckpointId(2), SourceOffset(4)), at(&[4]));
    }

    #[test]
    fn a_newer_barrier_cancels_the_older_alignment() {
        let mut alignment = Alignment::new(2);
        alignment.barrier(0, CheckpointId(1), SourceOffset(3));
        let newer = alignment.barrier(1, CheckpointId(2), SourceOffset(9));
        assert_eq!(newer, Arrival::Waiting(Some(CheckpointId(1))));
        assert!(alignment.blocks(1) && !alignment.blocks(0));
        // The older one's last barrier can no longer complete it.
        assert_eq!(alignment.barrier(1, CheckpointId(1), SourceOffset(9)), Arrival::Ignored);
        assert_eq!(alignment.barrier(0, CheckpointId(2), SourceOffset(4)), at(&[4, 9]));
    }

    #[test]
    fn giving_a_checkpoint_up_lets_the_inputs_that_wait_for_it_go_on() {
        let mut alignment = Alignment::new(2);
        alignment.barrier(0, CheckpointId(1), SourceOffset(3));
        alignment.abort(CheckpointId(1));
        assert!(!alignment.blocks(0));
        assert_eq!(alignment.barrier(1, CheckpointId(1), SourceOffset(5)), Arrival::Ignored);
    }

    #[test]
    fn a_checkpoint_given_up_before_its_barriers_arrive_blocks_nobody() {
        let mut alignment = Alignment::new(2);
        alignment.abort(CheckpointId(2));
        assert_eq!(alignment.barrier(0, CheckpointId(1), SourceOffset(1)), Arrival::Waiting(None));
        assert_eq!(alignment.barrier(1, CheckpointId(1), SourceOffset(1)), at(&[1, 1]));
        assert_eq!(alignment.barrier(0, CheckpointId(2), SourceOffset(2)), Arrival::Ignored);
        assert!(!alignment.blocks(0));
    }
}
