//! What coordinator and workers say to each other.
//!
//! Every message may be lost, repeated, late or overtaken, so each one says which [`Incarnation`] of the tasks
//! it is about, and hearing it twice changes nothing. The incarnation alone is enough to fence: it is drawn by
//! the same conditional write as the coordinator's term, so a second number could only disagree with it.

use bytes::Bytes;
use postcard::ser_flavors::Slice;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::pen::Pen;
use crate::{CheckpointId, Incarnation, Life, Positions, ShortBytes, Snapshot};

/// From the coordinator to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u64)] // in whole words: copied in pieces that overlap, it would be waited for when it is copied again
pub enum ToWorker {
    /// Drop whatever task runs and start this one.
    Deploy(Deployment),
    /// Take a checkpoint.
    Trigger {
        /// Of which tasks.
        incarnation: Incarnation,
        /// Which one.
        checkpoint: CheckpointId,
    },
    /// The checkpoint is durable.
    Complete {
        /// Whose checkpoint it is.
        incarnation: Incarnation,
        /// Which one.
        checkpoint: CheckpointId,
    },
    /// The checkpoint was given up, as far as the coordinator knows (CC-24).
    Aborted {
        /// Whose checkpoint it is.
        incarnation: Incarnation,
        /// Which one.
        checkpoint: CheckpointId,
        /// The newest one that is durable: a lost [`Complete`](ToWorker::Complete) arrives this way (CC-16).
        completed: Option<CheckpointId>,
    },
    /// The answer to a heartbeat: the coordinator lives too.
    Alive,
    /// The job has ended; close and go.
    Shutdown,
}

/// All that one worker needs to start one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Which life of the worker it is meant for. A late copy must not start the same incarnation again in the
    /// worker's next life: its transactions would carry names that are already in use.
    pub life: Life,
    /// The incarnation to run.
    pub incarnation: Incarnation,
    /// How many sinks the job has.
    pub parallelism: u16,
    /// The checkpoint to restore from.
    pub from: Option<CheckpointId>,
    /// What sinks wrote down in that checkpoint, as far as it falls to this one.
    pub restored: Vec<Bytes>,
    /// The splits of this worker, and where to read on.
    pub resume_at: Positions,
}

/// From a worker to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u64)] // as above
pub enum ToCoordinator {
    /// The worker lives, and this is its task. Repeated, so news that was lost once arrives with the next. Answered,
    /// so that the worker too learns whether it is heard.
    Heartbeat(Option<Task>),
    /// Its task has come this far: what the next heartbeat will say as well. Not answered.
    Progress(Task),
    /// The task has done its part of a checkpoint.
    Ack {
        /// Who took it.
        incarnation: Incarnation,
        /// Which one.
        checkpoint: CheckpointId,
        /// Its part.
        snapshot: Snapshot,
    },
    /// The task will not take this checkpoint, because it already works on a newer one (CC-22).
    Decline {
        /// Who declines.
        incarnation: Incarnation,
        /// Which one.
        checkpoint: CheckpointId,
    },
    /// The worker lives, but its task has ended by a failure. Repeated in place of heartbeats.
    Failed {
        /// Which task.
        incarnation: Incarnation,
        /// Whether a restart would only fail in the same way.
        gave_up: bool,
        /// Why, for people.
        reason: String,
    },
    /// The worker process ends, as it was asked to.
    Bye,
}

/// The task of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which incarnation it belongs to.
    pub incarnation: Incarnation,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a task has come. Only ever rises within one incarnation, so reports may overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Progress {
    /// Its sink restores.
    Restoring,
    /// It takes records.
    Running,
    /// It has written all its input.
    Ended,
    /// All its input is committed (CC-29).
    Finished,
}

impl ToWorker {
    /// A short name of the kind of message, for [`Network::send`](crate::Network::send).
    pub fn label(&self) -> &'static str {
        match self {
            ToWorker::Deploy(_) => "deploy",
            ToWorker::Trigger { .. } => "trigger",
            ToWorker::Complete { .. } => "complete",
            ToWorker::Aborted { .. } => "aborted",
            ToWorker::Alive => "alive",
            ToWorker::Shutdown => "shutdown",
        }
    }

    /// The message as bytes.
    pub fn to_bytes(&self) -> ShortBytes {
        encode(self)
    }

    /// The message these bytes hold, if they hold one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        decode(bytes)
    }
}

impl ToCoordinator {
    /// A short name of the kind of message, for [`Network::send`](crate::Network::send). Progress that decides
    /// something has names of its own, so that faults can be aimed at it.
    pub fn label(&self) -> &'static str {
        match self {
            ToCoordinator::Heartbeat(_) => "heartbeat",
            ToCoordinator::Progress(Task { progress: Progress::Ended, .. }) => "end_of_input",
            ToCoordinator::Progress(Task { progress: Progress::Finished, .. }) => "finished",
            ToCoordinator::Progress(_) => "progress",
            ToCoordinator::Ack { .. } => "ack",
            ToCoordinator::Decline { .. } => "decline",
            ToCoordinator::Failed { .. } => "failed",
            ToCoordinator::Bye => "bye",
        }
    }

    /// The message as bytes.
    pub fn to_bytes(&self) -> ShortBytes {
        encode(self)
    }

    /// The message these bytes hold, if they hold one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        decode(bytes)
    }
}

/// Few messages are longer than what stands on the stack here; so nearly none is written into a buffer that grows.
fn encode(message: &impl Serialize) -> ShortBytes {
    let mut page = [0; 256];
    match postcard::serialize_with_flavor(message, Pen(Slice::new(&mut page))) {
        Ok(written) => {
            let length = written.len();
            ShortBytes::first_of(&page, length)
        }
        Err(_) => {
            postcard::to_stdvec(message).expect("messages hold only types that postcard can write").into()
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_however_long_it_is() {
        for length in [0, 1, 100, 200, 250, 300, 10_000] {
            let message = ToWorker::Deploy(Deployment {
                life: Life(1),
                incarnation: Incarnation(7),
                parallelism: 1,
                from: None,
                restored: vec![vec![9; length].into()],
                resume_at: Positions::default(),
            });
            assert_eq!(ToWorker::from_bytes(&message.to_bytes()), Some(message));
        }
    }
}
