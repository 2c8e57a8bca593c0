//! What the broker stores about the things a request is about: to see whether it changed anything, and for
//! the digest.

use twophase::kafka::protocol::{LogOffset, Request};
use twophase::{Partition, TransactionalId};

use crate::digest;
use crate::log::Log;

/// What of the stored state tells whether the request changes it. Of a batch, where its partition ends: that is all
/// that a batch changes.
pub(super) fn mark(log: &dyn Log, request: &Request) -> u64 {
    match request {
        Request::Produce(produce) => log.log_end_offset(produce.partition).0,
        _ => state(log, request),
    }
}

/// Whether the request has changed anything since that mark, and what is stored now, as a number.
///
/// Of a batch it is the end of its partition, and not the transaction as well: under KIP-890 a repeated batch can add its
/// partition to the next transaction without being written again.
pub(super) fn since(log: &dyn Log, request: &Request, before: u64) -> (bool, u64) {
    match request {
        Request::Produce(produce) => {
            let end = log.log_end_offset(produce.partition);
            (before != end.0, digest::of(&(end, log.last_stable_offset(produce.partition))))
        }
        _ => {
            let state = state(log, request);
            (before != state, state)
        }
    }
}

/// What is stored of the transaction that a request is about, as a number.
fn state(log: &dyn Log, request: &Request) -> u64 {
    match request {
        Request::InitProducerId(init) => init.id.as_ref().map_or(0, |id| transaction(log, id)),
        Request::AddPartitions { id, .. }
        | Request::AddOffsets { id, .. }
        | Request::EndTxn { id, .. }
        | Request::TxnOffsetCommit { id, .. } => transaction(log, id),
        _ => 0,
    }
}

/// All that is stored, when the history is over, as a number: what went another way without an answer or a request that
/// shows it is in there. Not the entries: each came in a request that the digest has seen.
pub(super) fn all(log: &dyn Log) -> u64 {
    let partition = |of| {
        (
            log.log_end_offset(of),
            log.last_stable_offset(of),
            log.aborted(of),
            log.entries(of, LogOffset(0)).len(),
        )
    };
    let partitions: Vec<_> = (0..log.partitions()).map(|of| partition(Partition(of))).collect();
    let transactions: Vec<_> = log.transactions().iter().map(digest::of).collect();
    digest::of(&(transactions, partitions))
}

fn transaction(log: &dyn Log, id: &TransactionalId) -> u64 {
    let all = log.transactions();
    let found = all.iter().rev().find(|known| known.id() == id); // comparing ids for equality is cheap, for order is not
    found.map_or(0, digest::of)
}
