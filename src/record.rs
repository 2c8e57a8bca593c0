//! What flows: records, where they come from and where they go.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Payload;

/// One replayable part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Split(pub u16);

/// The position of a record in its [`Split`], counting from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceOffset(pub u64);

impl SourceOffset {
    /// The offset behind this one.
    pub fn next(self) -> Self {
        SourceOffset(self.0 + 1)
    }
}

/// One part of the output: a Kafka partition, numbered within the target.
///
/// A target with several topics numbers all their partitions in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub u32);

/// Which input record this is: its split and its offset there.
///
/// Two records with equal payloads are different records, so a loss can never cancel a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// Where it was read.
    pub split: Split,
    /// At which position.
    pub offset: SourceOffset,
}

/// One record: its identity, carried in a header, and its payload.
///
/// ```
/// use twophase::{Record, RecordId, SourceOffset, Split};
///
/// let id = RecordId { split: Split(2), offset: SourceOffset(17) };
/// let record = Record { id, payload: "a line of a file".into() };
/// assert_eq!(record.id.to_string(), "s2:17");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Which input record this is, or comes from.
    pub id: RecordId,
    /// The bytes; nothing here looks into them.
    pub payload: Payload,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for SourceOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.split, self.offset)
    }
}
