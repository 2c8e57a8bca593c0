//! The input.

use std::future::Future;

use crate::{Failure, Record, SourceOffset};

/// A reader of one replayable split.
///
/// Promises that the same offset always gives the same record. Does not promise that a record comes soon.
pub trait Source: Send + 'static {
    /// The next record is the one at `offset`. Kafka: `seek`; Flink: the split's restored position.
    fn seek(&mut self, offset: SourceOffset);

    /// The next record, or `None` at the end of the split. Cancel safe: a dropped call skips no record.
    fn next(&mut self) -> impl Future<Output = Result<Option<Record>, Failure>> + Send;
}
