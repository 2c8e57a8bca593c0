//! Durable storage for checkpoints. The one conditional write of [`Key::Head`] is the commit point.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{CheckpointId, Failure, Incarnation, Life, SourceOffset, Term};

/// What a value is stored under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The job's head: who is in charge, and the newest completed checkpoint. There is one, because a
    /// compare-and-swap for each checkpoint's own key cannot fence a second coordinator.
    Head,
    /// Whatever else a job wants to keep.
    Named(String),
}

/// Which write a value comes from. Rises with each write of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// What [`Key::Head`] holds.
///
/// Everything that others must be able to judge is typed; the rest is the coordinator's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Head {
    /// The coordinator in charge.
    pub term: Term,
    /// Which life of the coordinator process that is. Two that start at once may write the same term, and one
    /// whose write was not answered must be able to tell its own from the other's. It also says which of the
    /// two started later: that one is the one that workers talk to, so the older must yield.
    pub leader: Life,
    /// The newest life of the tasks.
    pub incarnation: Incarnation,
    /// The newest completed checkpoint. Shared: the head is copied on its way to the store and back.
    pub completed: Option<Arc<Completed>>,
    /// All input is read and committed. Durable, because workers that were told so are gone: a coordinator that
    /// takes over afterwards would wait for them for ever.
    pub ended: bool,
}

/// A checkpoint that is durable: from here on everything it names must be committed, however often it takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Completed {
    /// Which checkpoint.
    pub id: CheckpointId,
    /// For each split, by its number, the first offset that the checkpoint does not cover.
    pub resume_at: Vec<SourceOffset>,
    /// What each task's sink wrote down, by its index.
    pub sinks: Vec<Bytes>,
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Of [`Key::Head`].
    Head(Head),
    /// Of a [`Key::Named`].
    Bytes(Bytes),
}

/// Durable, conditional storage.
///
/// Does not promise that a write without an answer did not happen, nor that it will not happen later: a
/// delayed one can still arrive. It is refused then if anything was written in between.
pub trait CheckpointStore: Send + Sync + 'static {
    /// The newest value and its version; `None` if nothing was ever written.
    ///
    /// # Errors
    /// [`Next::OutcomeUnknown`](crate::Next::OutcomeUnknown) when no answer came; ask again.
    fn read(&self, key: &Key) -> impl Future<Output = Result<Option<(Version, Value)>, Failure>> + Send;

    /// Writes if the newest version is still `expected` (`None`: if nothing was ever written). Once it
    /// returns, the value is durable.
    ///
    /// # Errors
    /// [`Next::Fenced`](crate::Next::Fenced) when the version is another, and nothing was written;
    /// [`Next::OutcomeUnknown`](crate::Next::OutcomeUnknown) when no answer came: read before deciding.
    fn put(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: Value,
    ) -> impl Future<Output = Result<Version, Failure>> + Send;
}
