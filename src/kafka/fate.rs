//! What the answer to an EndTxn says about the fate of a transaction.
//!
//! The request carries the producer id and epoch from the handle, in the protocol generation it was written
//! in, and the handle is not of an empty transaction. "Not now" was repeated; what is left is:
//!
//! | answer | to a commit | to an abort |
//! |---|---|---|
//! | NONE | *now*: or before, which the broker does not tell apart (PC-12) | *now*, likewise |
//! | INVALID_TXN_STATE, V2 | *already ended*: aborted (KC-19) | *already ended*: committed |
//! | INVALID_TXN_STATE, V1 | *already ended*: aborted, under the epoch it was written in | *indistinct*: nothing was opened (its AddPartitions never arrived), or it was committed |
//! | PRODUCER_FENCED, INVALID_PRODUCER_EPOCH | *indistinct* | *indistinct*: no longer open, at least |
//! | INVALID_PRODUCER_ID_MAPPING, UNKNOWN_PRODUCER_ID | *indistinct* | *indistinct*, likewise |
//! | TRANSACTION_ABORTABLE | the commit fails: *abort and retry* | fatal |
//! | anything else | fatal | fatal |
//!
//! Why "fenced" is *indistinct* for a commit (R3): the epoch behind the handle's has been raised since, by
//! one of
//!
//! 1. the next transaction under a pooled name, which begins only once this one was committed (FK-8, S2-29);
//! 2. the broker, because the transaction timed out: its records are lost (window W8, V1);
//! 3. a clean-up that fenced the name, which never touches what a restored state still promises.
//!
//! Only 2 is a loss, and no answer tells it from 1. To fail would stop for ever every job that restores the
//! same checkpoint twice (known bug S-05). So it counts as committed, and is noted as a fact, so that whoever
//! looks for a loss finds where it may have happened. The same goes for a producer id that the coordinator no
//! longer knows: it forgets an id only when its last transaction has long ended (KC-30), and a commit that
//! fails on it would be repeated for ever (known bug C-05).

use super::class::Class;
use super::protocol::{Marker, Protocol};
use super::trouble::Trouble;
use crate::Ended;

/// How the transaction has ended, if this trouble with its EndTxn says so.
///
/// # Errors
/// The trouble itself, if it does not.
pub(super) fn fate(protocol: Protocol, marker: Marker, trouble: Trouble) -> Result<Ended, Trouble> {
    match (trouble.class(), marker, protocol) {
        (Some(Class::Fenced | Class::Gone), _, _) => Ok(Ended::Indistinct),
        (Some(Class::Ended), Marker::Abort, Protocol::V1) => Ok(Ended::Indistinct),
        _ => Err(trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Next;
    use crate::kafka::class::Kind;
    use crate::kafka::protocol::ErrorCode;

    fn of(protocol: Protocol, marker: Marker, code: ErrorCode) -> Result<Ended, Next> {
        let kind = Kind::EndTxn(marker);
        fate(protocol, marker, Trouble::Refused { kind, code }).map_err(|trouble| trouble.next())
    }

    #[test]
    fn fenced_tells_neither_committed_nor_aborted() {
        use ErrorCode::*;
        for protocol in [Protocol::V1, Protocol::V2] {
            for marker in [Marker::Commit, Marker::Abort] {
                for code in
                    [ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping, UnknownProducerId]
                {
                    assert_eq!(of(protocol, marker, code), Ok(Ended::Indistinct), "{code}");
                }
            }
        }
    }

    #[test]
    fn a_commit_of_what_was_aborted_is_reported() {
        for protocol in [Protocol::V1, Protocol::V2] {
            let fate = of(protocol, Marker::Commit, ErrorCode::InvalidTxnState);
            assert_eq!(fate, Err(Next::AlreadyEnded));
        }
    }

    #[test]
    fn an_abort_of_what_was_committed_is_reported_where_the_broker_can_tell() {
        let of = |protocol| of(protocol, Marker::Abort, ErrorCode::InvalidTxnState);
        assert_eq!(of(Protocol::V2), Err(Next::AlreadyEnded));
        assert_eq!(of(Protocol::V1), Ok(Ended::Indistinct));
    }

    #[test]
    fn silence_says_nothing() {
        let silence = Trouble::Unanswered { kind: Kind::EndTxn(Marker::Commit), attempts: 3 };
        assert_eq!(fate(Protocol::V2, Marker::Commit, silence), Err(silence));
    }

    #[test]
    fn a_commit_that_the_broker_wants_aborted_fails() {
        let fate = of(Protocol::V2, Marker::Commit, ErrorCode::TransactionAbortable);
        assert_eq!(fate, Err(Next::AbortAndRetry));
    }
}
