//! Who a process is, how others reach it, and what it says about itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CheckpointId, Incarnation, Life, TransactionalId};

/// What a process does in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Triggers and completes checkpoints.
    Coordinator,
    /// Reads splits and drives a sink.
    Sink,
}

/// Where a message goes, or came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// What the process does.
    pub role: Role,
    /// Which of its role, counting from 0.
    pub index: u16,
    /// One certain life of it; `None` is whichever started last.
    pub life: Option<Life>,
}

/// Who a process is, in the life that this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// What it does.
    pub role: Role,
    /// Which of its role, counting from 0.
    pub index: u16,
    /// Which life of the process this is.
    pub life: Life,
    /// How many sinks the job has at the moment.
    pub parallelism: u16,
    /// Which life of the job's tasks this belongs to; 0 before the first was given.
    pub incarnation: Incarnation,
}

impl Process {
    /// Where this very life can be reached.
    pub fn address(&self) -> Address {
        Address { role: self.role, index: self.index, life: Some(self.life) }
    }
}

impl Address {
    /// Whichever coordinator started last.
    pub const COORDINATOR: Address = Address { role: Role::Coordinator, index: 0, life: None };

    /// Whichever life of sink `index` started last.
    pub fn sink(index: u16) -> Self {
        Address { role: Role::Sink, index, life: None }
    }
}

/// What a process knows to be so, told to [`Env::note`](super::Env::note).
///
/// Windows and explanations are made from it. A job that notes nothing is judged all the same; the report
/// then says which windows could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fact {
    /// A transaction was begun.
    Began(TransactionalId),
    /// It was flushed and closed to writes, for this checkpoint.
    PreCommitted(CheckpointId, TransactionalId),
    /// The snapshot for this checkpoint was sent to the coordinator.
    Acknowledged(CheckpointId),
    /// The sink has learnt that the transaction is committed.
    Committed(TransactionalId),
    /// The sink has given it up.
    Aborted(TransactionalId),
    /// Its broker no longer tells whether it was committed; it was taken for committed.
    Indistinct(TransactionalId),
    /// The task of this incarnation begins to restore from this checkpoint (none: from the beginning). Of two lives of a process
    /// that restore, the one with the newer incarnation is what the job goes on with, whichever started last.
    Restoring(Incarnation, Option<CheckpointId>),
    /// The restore is over and the first transaction is open.
    Restored,
    /// The coordinator asked for a checkpoint.
    Triggered(CheckpointId),
    /// The coordinator knows this checkpoint to be durable.
    Completed(CheckpointId),
    /// The coordinator gave the checkpoint up.
    Expired(CheckpointId),
    /// The coordinator starts the tasks anew.
    Restarting(Incarnation),
    /// The coordinator learnt that another has taken over, and stops.
    Deposed,
    /// All input is read, committed, and the job has ended.
    Finished,
    /// The process cannot go on and says so.
    GaveUp(String),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Coordinator => "coord",
            Role::Sink => "sink",
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role, self.index)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role, self.index)
    }
}
