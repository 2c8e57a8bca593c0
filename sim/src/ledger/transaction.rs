//! One transaction, as one who sees everything knows it: how far it came, how it ended, and in which window.

use twophase::kafka::protocol::{Marker, Producer};
use twophase::{CheckpointId, Life, Partition, TransactionalId};

use crate::coverage::Window;
use crate::site::Name;

/// One transaction.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) id: TransactionalId,
    pub(crate) producer: Producer,
    pub(crate) writer: Name,
    pub(super) life: Life,
    /// The step at which its first record arrived.
    pub(crate) opened: u64,
    pub(crate) records: u32,
    pub(crate) checkpoint: Option<CheckpointId>,
    pub(super) acknowledged: bool,
    /// A durable checkpoint names it: its records must come out.
    pub(crate) promised: bool,
    /// Nobody can tell whether it was promised: its writer notes nothing, or commits without checkpoints.
    pub(super) blind: bool,
    /// Its writer has restored since, without promise: its records must not come out.
    pub(crate) abandoned: bool,
    /// What the broker decided.
    pub(crate) decided: Option<Marker>,
    /// On which partitions, as bits, its end will be written: those that were added to it, and those where it has records.
    pub(super) partitions: u64,
    /// On which of them it is.
    pub(super) written_on: u64,
    /// Its sink has learnt that it was committed,
    pub(super) told: bool,
    /// had learnt it when it took its newest snapshot,
    pub(super) told_at_snapshot: bool,
    /// and would not know it after a restore: the newest durable checkpoint names it as owed.
    pub(super) owed: bool,
    pub(crate) timed_out: bool,
    /// The window in which its writer was struck last.
    pub(super) struck_in: Option<Window>,
    /// The window in which it stood when the broker decided.
    pub(super) decided_in: Option<Window>,
}

/// This partition, in a set of them. There are no more than 64 (playable.rs).
pub(super) fn bit(partition: Partition) -> u64 {
    1 << (partition.0 & 63)
}

impl Transaction {
    pub(super) fn is_by(&self, writer: Name, life: Life) -> bool {
        self.writer == writer && self.life == life
    }

    pub(super) fn decide(&mut self, marker: Marker) {
        if self.decided.is_none() {
            self.decided_in = self.window_now();
        }
        self.decided = Some(marker);
    }

    /// Whether nothing that is learnt changes it any more, unless the broker decides again: its sink knows that it was
    /// committed, also after any restore, or it was given up and is aborted.
    pub(super) fn is_past(&self) -> bool {
        match self.decided {
            Some(Marker::Commit) => self.promised && self.told && self.told_at_snapshot && !self.owed,
            Some(Marker::Abort) => self.abandoned && !self.promised,
            None => false,
        }
    }

    /// Whether the broker's decision breaks the promise, or makes up for one that was never given.
    pub(crate) fn is_wrong(&self) -> bool {
        match self.decided {
            Some(Marker::Commit) => !self.promised && !self.blind,
            Some(Marker::Abort) => self.promised,
            None => false,
        }
    }

    /// Whether its sink still has to learn that it was committed.
    pub(crate) fn is_unknown_to_its_sink(&self) -> bool {
        self.promised && (self.owed || !self.told)
    }

    /// Whether a zombie committed it.
    pub(crate) fn is_committed_by_zombie(&self) -> bool {
        self.decided == Some(Marker::Commit) && self.decided_in == Some(Window::W7)
    }

    /// The window that its story is about: where it was decided wrongly, or else where its writer was struck, or
    /// where it stands.
    pub(crate) fn window(&self) -> Option<Window> {
        if self.is_wrong() { self.decided_in } else { self.struck_in.or_else(|| self.window_now()) }
    }

    /// The window in which a crash of its writer falls, as things stand.
    pub(super) fn window_now(&self) -> Option<Window> {
        if self.records == 0 || self.told && !self.owed {
            return None;
        }
        Some(match self.decided {
            Some(Marker::Commit) => Window::W5,
            Some(Marker::Abort) => return None,
            None if self.promised => Window::W4,
            None if self.acknowledged => Window::W3,
            None if self.checkpoint.is_some() => Window::W2,
            None => Window::W1,
        })
    }

    /// Whether what still arrives on this partition belongs to it: until its end is written there.
    pub(super) fn takes(&self, partition: Partition) -> bool {
        self.decided.is_none() || self.partitions & !self.written_on & bit(partition) != 0
    }

    /// Whether its marker is on this partition.
    pub(crate) fn is_written_on(&self, partition: Partition) -> bool {
        self.written_on & bit(partition) != 0
    }
}
