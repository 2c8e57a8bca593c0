//! What a checkpoint is, and the numbers that fence one life of a job from the next.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::record::{SourceOffset, Split};

/// The rising number of a checkpoint. Never used twice; gaps happen (Flink `CheckpointIDCounter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckpointId(pub u64);

/// Which coordinator is in charge; raised, durably, by each one that takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Term(pub u32);

/// One life of the job's tasks, from restore to failure.
///
/// Drawn by a conditional write before the tasks start, so no two lives share one, and whatever an
/// earlier life still has under way at the checkpoint store is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u32);

/// One life of a process, counted by whoever starts it.
///
/// A process may see several [`Incarnation`]s of the job in one life, and none in a short one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Life(pub u32);

/// What one task stores for one checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where each of its splits is to be read on after a restore.
    pub resume_at: Positions,
    /// What its sink wrote down, in the sink's own format.
    #[serde(with = "serde_bytes")]
    pub sink: Vec<u8>,
}

/// The splits of one task, and where each of them is to be read on. They are few, and stand in their place.
///
/// ```
/// use twophase::{Positions, SourceOffset, Split};
///
/// let resume_at = Positions::from([(Split(1), SourceOffset(17)), (Split(3), SourceOffset(20))]);
/// assert_eq!(resume_at[1], (Split(3), SourceOffset(20)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Positions(SmallVec<[(Split, SourceOffset); 2]>);

impl Deref for Positions {
    type Target = [(Split, SourceOffset)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<(Split, SourceOffset)> for Positions {
    fn from_iter<I: IntoIterator<Item = (Split, SourceOffset)>>(all: I) -> Self {
        Positions(all.into_iter().collect())
    }
}

impl<const N: usize> From<[(Split, SourceOffset); N]> for Positions {
    fn from(all: [(Split, SourceOffset); N]) -> Self {
        all.into_iter().collect()
    }
}

impl CheckpointId {
    /// The id behind this one.
    pub fn next(self) -> Self {
        CheckpointId(self.0 + 1)
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term {}", self.0)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "l{}", self.0)
    }
}
