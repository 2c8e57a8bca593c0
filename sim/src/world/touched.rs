//! What the broker stores about the things a request is about, as numbers for the digest.

use std::hash::{Hash, Hasher};

use twophase::kafka::protocol::{LogOffset, Request};
use twophase::{Partition, TransactionalId};

use crate::digest::{self, Chain};
use crate::log::{AnyLog, Log};

/// Where a partition ends, and its stable part, as a number. That is all that a batch changes, as far as an event says: under
/// KIP-890 a repeated batch can add its partition to the next transaction without being written again.
#[inline(always)]
pub(super) fn ends(end: LogOffset, stable: LogOffset) -> u64 {
    end.0.rotate_left(32) ^ stable.0 // neither is near 2^32
}

/// All that is stored of the transaction that a request is about, as a number.
pub(super) fn stored(log: &AnyLog, request: &Request) -> u64 {
    let stored = name(request).and_then(|id| {
        // Comparing ids for equality is cheap, for order is not.
        log.transactions().iter().rev().find(|known| known.id() == id)
    });
    stored.map_or(0, digest::of)
}

/// The transaction that a request is about.
fn name(request: &Request) -> Option<&TransactionalId> {
    match request {
        Request::InitProducerId(init) => init.id.as_ref(),
        Request::AddPartitions { id, .. }
        | Request::AddOffsets { id, .. }
        | Request::EndTxn { id, .. }
        | Request::TxnOffsetCommit { id, .. } => Some(id),
        _ => None,
    }
}

/// All that is stored, when the history is over, as a number: what went another way without an answer or a request that
/// shows it is in there. Not the entries: each came in a request that the digest has seen.
pub(super) fn all(log: &AnyLog) -> u64 {
    let mut chain = Chain::default();
    chain.write_usize(log.transactions().len());
    log.transactions().iter().for_each(|transaction| transaction.hash(&mut chain));
    for partition in (0..log.partitions()).map(Partition) {
        let ends = (log.log_end_offset(partition), log.last_stable_offset(partition));
        (ends, log.aborted(partition), log.entries(partition, LogOffset(0)).len()).hash(&mut chain);
    }
    chain.finish()
}
