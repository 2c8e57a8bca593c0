//! What the coordinator answers to the end of a transaction: the two tables of EndTxn, as decisions without
//! effect.
//!
//! | stored state | V1, at the stored epoch | V2, at the stored epoch | V2, at the epoch before |
//! | --- | --- | --- | --- |
//! | Empty | refused | commit refused, abort raises | fenced |
//! | Ongoing | ends it | ends it and raises | fenced |
//! | Prepare | come again | come again | come again |
//! | Complete, same way | `Repeat` | commit refused, abort raises | `Repeat` |
//! | Complete, other way | refused | commit refused, abort raises | refused |
//!
//! V1 cannot tell the repeat of an end from the end of a next transaction that has not begun. V2 can, because
//! each end raises the epoch; but it does not ask *what* raised it, so an old client whose epoch was raised by
//! another one's initialisation is told that its commit succeeded.

use twophase::kafka::protocol::{CoordinatorState, ErrorCode, Marker, Producer, Protocol};

use super::metadata::TransactionMetadata;

/// What to do about the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Decide, and write markers.
    Prepare,
    /// This very end was done before: say so, and change nothing.
    Repeat,
}

/// Decides what a client's end does to the id.
pub(super) fn ending(
    metadata: &TransactionMetadata,
    producer: Producer,
    marker: Marker,
    protocol: Protocol,
) -> Result<Ending, ErrorCode> {
    match protocol {
        Protocol::V1 => ending_v1(metadata, producer, marker),
        Protocol::V2 => ending_v2(metadata, producer, marker),
    }
}

fn ending_v1(
    metadata: &TransactionMetadata,
    producer: Producer,
    marker: Marker,
) -> Result<Ending, ErrorCode> {
    let stored = metadata.producer();
    if producer.id != stored.id {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    if producer.epoch != stored.epoch {
        return Err(ErrorCode::ProducerFenced);
    }
    match (metadata.state(), marker) {
        (CoordinatorState::PrepareCommit | CoordinatorState::PrepareAbort, _) => {
            Err(ErrorCode::ConcurrentTransactions)
        }
        (CoordinatorState::Ongoing, _) => Ok(Ending::Prepare),
        (CoordinatorState::CompleteCommit, Marker::Commit)
        | (CoordinatorState::CompleteAbort, Marker::Abort) => Ok(Ending::Repeat),
        _ => Err(ErrorCode::InvalidTxnState),
    }
}

fn ending_v2(
    metadata: &TransactionMetadata,
    producer: Producer,
    marker: Marker,
) -> Result<Ending, ErrorCode> {
    // First of all: the id may be about to change, and the right client would be taken for a wrong one.
    if metadata.is_ending() {
        return Err(ErrorCode::ConcurrentTransactions);
    }
    let overflow = metadata.follows_overflow(producer);
    if producer.id != metadata.producer().id && !overflow {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    let current = producer.epoch == metadata.producer().epoch;
    let repeat = metadata.follows(producer.epoch) || overflow;
    match (metadata.state(), marker) {
        (CoordinatorState::Empty | CoordinatorState::Ongoing, _) if !current => {
            Err(ErrorCode::ProducerFenced)
        }
        (CoordinatorState::Ongoing, _) => Ok(Ending::Prepare),
        (CoordinatorState::CompleteCommit, Marker::Commit)
        | (CoordinatorState::CompleteAbort, Marker::Abort)
            if repeat =>
        {
            Ok(Ending::Repeat)
        }
        _ if repeat => Err(ErrorCode::InvalidTxnState),
        _ if !current => Err(ErrorCode::ProducerFenced),
        // The client cannot know whether its first write began a transaction, so it may abort nothing.
        (_, Marker::Abort) => Ok(Ending::Prepare),
        (_, Marker::Commit) => Err(ErrorCode::InvalidTxnState),
    }
}
