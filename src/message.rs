//! What coordinator and workers say to each other.
//!
//! Every message may be lost, repeated, late or overtaken, so each one says which [`Incarnation`] of the tasks
//! it is about, and hearing it twice changes nothing. The incarnation alone is enough to fence: it is drawn by
//! the same conditional write as the coordinator's term, so a second number could only disagree with it.

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CheckpointId, Incarnation, Life, Snapshot, SourceOffset, Split};

/// From the coordinator to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub resume_at: Vec<(Split, SourceOffset)>,
}

/// From a worker to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub fn to_bytes(&self) -> Bytes {
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
    pub fn to_bytes(&self) -> Bytes {
        encode(self)
    }

    /// The message these bytes hold, if they hold one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        decode(bytes)
    }
}

/// Writes messages down, one behind the other into a common buffer: most are a few bytes long, and memory of its own
/// for each would cost more than to write it.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    page: BytesMut,
}

/// How many bytes a pen asks for at a time. Whoever keeps one message keeps the others on its page.
const PAGE: usize = 1024;

impl Pen {
    /// The message as bytes.
    pub(crate) fn write(&mut self, message: &impl Serialize) -> Bytes {
        with_bytes(message, |bytes| {
            if self.page.capacity() < bytes.len() {
                self.page.reserve(PAGE.max(bytes.len()));
            }
            self.page.extend_from_slice(bytes);
            self.page.split().freeze()
        })
    }
}

fn encode(message: &impl Serialize) -> Bytes {
    with_bytes(message, Bytes::copy_from_slice)
}

/// Short messages, as most are, stand on the stack, and in no buffer that grows.
fn with_bytes(message: &impl Serialize, take: impl FnOnce(&[u8]) -> Bytes) -> Bytes {
    let mut short = [0; 256];
    match postcard::to_slice(message, &mut short) {
        Ok(bytes) => take(bytes),
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
    fn what_a_pen_writes_stays_as_it_is_however_much_is_written_behind_it() {
        let incarnation = Incarnation(7);
        let short =
            (0..PAGE as u64).map(|id| ToWorker::Trigger { incarnation, checkpoint: CheckpointId(id) });
        let long = ToWorker::Deploy(Deployment {
            life: Life(1),
            incarnation,
            parallelism: 1,
            from: None,
            restored: vec![vec![9; 2 * PAGE].into()],
            resume_at: Vec::new(),
        });
        let messages: Vec<ToWorker> = [long.clone()].into_iter().chain(short).chain([long]).collect();
        let mut pen = Pen::default();
        let written: Vec<Bytes> = messages.iter().map(|message| pen.write(message)).collect();
        for (message, bytes) in messages.iter().zip(&written) {
            assert_eq!(bytes, &message.to_bytes());
            assert_eq!(ToWorker::from_bytes(bytes).as_ref(), Some(message));
        }
    }
}
