//! What an error code means to a client: one pure table (reference 6.3, PC-1 to PC-15).
//!
//! The same code means different things to different requests: INVALID_PRODUCER_EPOCH ends a producer when a
//! coordinator says it, and only its transaction when a partition leader does.

use super::protocol::{ErrorCode, Marker, Request};
use crate::Next;

/// Which request was asked, as far as its errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are those of the requests
pub enum Kind {
    InitProducerId,
    AddPartitions,
    AddOffsets,
    Produce,
    EndTxn(Marker),
    TxnOffsetCommit,
    DescribeTransaction,
    ListTransactions,
}

/// What follows from an error code. The order is that of gravity: of several answers the greatest decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It has been done; the error only says that it was done before.
    Done,
    /// Back off and send the same request again.
    Retry,
    /// This transaction can only be aborted.
    Abortable,
    /// The transaction has ended the other way.
    Ended,
    /// A newer epoch owns the name.
    Fenced,
    /// The coordinator no longer knows this producer: the name was given a new producer id, or expired.
    Gone,
    /// Nothing here can repair it.
    Fatal,
}

impl Class {
    /// What the caller of the operation does next.
    pub fn next(self) -> Next {
        match self {
            Class::Done | Class::Retry => Next::Retry,
            Class::Abortable => Next::AbortAndRetry,
            Class::Ended => Next::AlreadyEnded,
            Class::Fenced => Next::Fenced,
            // fatal for this producer, as the table has it; but the next begin gets a new one
            Class::Gone => Next::AbortAndRetry,
            Class::Fatal => Next::Fatal,
        }
    }
}

/// Sorts an error by the request that it answers.
pub fn class(kind: Kind, code: ErrorCode) -> Class {
    if is_passing(code) {
        return Class::Retry;
    }
    match kind {
        Kind::Produce => of_produce(code),
        Kind::AddPartitions => of_add_partitions(code),
        Kind::EndTxn(marker) => of_end(marker, code),
        Kind::InitProducerId => of_init(code),
        Kind::AddOffsets => match code {
            ErrorCode::TransactionAbortable | ErrorCode::UnknownProducerId => Class::Abortable,
            _ => of_coordinator(code),
        },
        Kind::TxnOffsetCommit => of_offset_commit(code),
        Kind::DescribeTransaction if code == ErrorCode::TransactionalIdNotFound => Class::Gone,
        Kind::DescribeTransaction | Kind::ListTransactions => Class::Fatal,
    }
}

/// Whether the cluster says "not now" or "not here": nothing is wrong with the request.
fn is_passing(code: ErrorCode) -> bool {
    use ErrorCode::*;
    matches!(
        code,
        CoordinatorLoadInProgress
            | CoordinatorNotAvailable
            | NotCoordinator
            | ConcurrentTransactions
            | NotLeaderOrFollower
            | NotEnoughReplicas
            | RequestTimedOut
            | UnknownTopicOrPartition
            | UnstableOffsetCommit
    )
}

/// What every request to a coordinator shares. It knows the newest epoch, so its word on fencing is final.
fn of_coordinator(code: ErrorCode) -> Class {
    match code {
        ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => Class::Fenced,
        ErrorCode::InvalidProducerIdMapping => Class::Gone,
        _ => Class::Fatal,
    }
}

fn of_init(code: ErrorCode) -> Class {
    match code {
        // from 3.9 on a client may ask again once it has been given the right
        ErrorCode::TransactionalIdAuthorizationFailed | ErrorCode::TransactionAbortable => Class::Abortable,
        _ => of_coordinator(code),
    }
}

fn of_add_partitions(code: ErrorCode) -> Class {
    use ErrorCode::*;
    match code {
        // stands beside the error of another partition, which decides (KC-12)
        OperationNotAttempted => Class::Retry,
        InvalidProducerEpoch | ProducerFenced | InvalidProducerIdMapping => of_coordinator(code),
        InvalidTxnState | TransactionalIdAuthorizationFailed => Class::Fatal,
        _ => Class::Abortable,
    }
}

/// A partition leader may be behind the coordinator, and only one batch is at stake: nearly all its errors
/// leave the abort possible.
fn of_produce(code: ErrorCode) -> Class {
    use ErrorCode::*;
    match code {
        DuplicateSequenceNumber => Class::Done,
        ProducerFenced => Class::Fenced,
        InvalidProducerIdMapping => Class::Gone,
        UnsupportedVersion | TransactionalIdAuthorizationFailed => Class::Fatal,
        // OUT_OF_ORDER_SEQUENCE_NUMBER too: with one request in flight no earlier batch can still repair it
        _ => Class::Abortable,
    }
}

fn of_end(marker: Marker, code: ErrorCode) -> Class {
    match code {
        ErrorCode::InvalidTxnState => Class::Ended,
        ErrorCode::TransactionAbortable if marker == Marker::Commit => Class::Abortable,
        // Kafka's own client aborts here, or stops. For a promised transaction that would be a guess: the
        // broker has forgotten the producer, and with it how the transaction ended.
        ErrorCode::UnknownProducerId => Class::Gone,
        _ => of_coordinator(code),
    }
}

fn of_offset_commit(code: ErrorCode) -> Class {
    use ErrorCode::*;
    match code {
        // the group has moved on; its newer member will read these offsets again
        IllegalGeneration | UnknownMemberId | TransactionAbortable => Class::Abortable,
        _ => of_coordinator(code),
    }
}

impl Kind {
    /// Which one this is.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::InitProducerId(_) => Kind::InitProducerId,
            Request::AddPartitions { .. } => Kind::AddPartitions,
            Request::AddOffsets { .. } => Kind::AddOffsets,
            Request::Produce(_) => Kind::Produce,
            Request::EndTxn { marker, .. } => Kind::EndTxn(*marker),
            Request::TxnOffsetCommit { .. } => Kind::TxnOffsetCommit,
            Request::DescribeTransaction(_) => Kind::DescribeTransaction,
            Request::ListTransactions { .. } => Kind::ListTransactions,
        }
    }

    /// Kafka's name of the request.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::InitProducerId => "InitProducerId",
            Kind::AddPartitions => "AddPartitionsToTxn",
            Kind::AddOffsets => "AddOffsetsToTxn",
            Kind::Produce => "Produce",
            Kind::EndTxn(Marker::Commit) => "EndTxn(commit)",
            Kind::EndTxn(Marker::Abort) => "EndTxn(abort)",
            Kind::TxnOffsetCommit => "TxnOffsetCommit",
            Kind::DescribeTransaction => "DescribeTransactions",
            Kind::ListTransactions => "ListTransactions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorCode::*;

    const END: Kind = Kind::EndTxn(Marker::Commit);

    /// One line of table 6.3: a code, and its class for Init, AddPartitions, AddOffsets, EndTxn(commit),
    /// TxnOffsetCommit and Produce, by first letters.
    #[track_caller]
    fn line(code: ErrorCode, expected: &str) {
        let kinds = [
            Kind::InitProducerId,
            Kind::AddPartitions,
            Kind::AddOffsets,
            END,
            Kind::TxnOffsetCommit,
            Kind::Produce,
        ];
        let found: String = kinds.map(|kind| letter(class(kind, code))).iter().collect();
        assert_eq!(found, expected, "{code}");
    }

    fn letter(class: Class) -> char {
        match class {
            Class::Done => 'D',
            Class::Retry => 'R',
            Class::Abortable => 'A',
            Class::Ended => 'E',
            Class::Fenced => 'F',
            Class::Gone => 'G',
            Class::Fatal => 'X',
        }
    }

    #[test]
    fn every_error_is_sorted_as_the_reference_table_says() {
        for passing in [
            NotCoordinator,
            CoordinatorNotAvailable,
            CoordinatorLoadInProgress,
            ConcurrentTransactions,
            NotLeaderOrFollower,
            NotEnoughReplicas,
            RequestTimedOut,
            UnknownTopicOrPartition,
            UnstableOffsetCommit,
        ] {
            line(passing, "RRRRRR");
        }
        line(InvalidProducerEpoch, "FFFFFA");
        line(ProducerFenced, "FFFFFF");
        line(InvalidProducerIdMapping, "GGGGGG");
        line(InvalidTxnState, "XXXEXA");
        line(TransactionAbortable, "AAAAAA");
        line(UnknownProducerId, "XAAGXA");
        line(OutOfOrderSequenceNumber, "XAXXXA");
        line(DuplicateSequenceNumber, "XAXXXD");
        line(TransactionalIdAuthorizationFailed, "AXXXXX");
        line(IllegalGeneration, "XAXXAA");
        line(UnknownMemberId, "XAXXAA");
        line(InvalidTransactionTimeout, "XAXXXA");
        line(UnsupportedVersion, "XAXXXX");
        line(InvalidRequest, "XAXXXA");
        line(UnknownServerError, "XAXXXA");
        line(TransactionCoordinatorFenced, "XAXXXA");
        line(OffsetOutOfRange, "XAXXXA");
    }

    #[test]
    fn an_abort_that_must_be_aborted_is_fatal() {
        assert_eq!(class(Kind::EndTxn(Marker::Abort), TransactionAbortable), Class::Fatal);
    }

    #[test]
    fn a_partition_left_out_does_not_outweigh_the_one_that_is_wrong() {
        let of = |code| class(Kind::AddPartitions, code);
        assert!(of(OperationNotAttempted) < of(TransactionalIdAuthorizationFailed));
        assert_eq!(of(OperationNotAttempted).max(of(UnknownTopicOrPartition)), Class::Retry);
    }

    #[test]
    fn an_id_that_the_coordinator_does_not_know_is_gone() {
        assert_eq!(class(Kind::DescribeTransaction, TransactionalIdNotFound), Class::Gone);
        assert_eq!(class(Kind::ListTransactions, UnknownServerError), Class::Fatal);
    }
}
