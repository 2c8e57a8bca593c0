//! What the broker stores about the things a request is about: to see whether it changed anything, and for
//! the digest.

use twophase::TransactionalId;
use twophase::kafka::protocol::Request;

use crate::digest;
use crate::log::Log;

/// What is stored, as a number; equal before and after means that nothing changed.
///
/// Of a batch it is the end of its partition, and not the transaction as well: under KIP-890 a repeated batch can add its
/// partition to the next transaction without being written again.
pub(super) fn state(log: &dyn Log, request: &Request) -> u64 {
    match request {
        Request::Produce(produce) => {
            let partition = produce.partition;
            digest::of(&(log.log_end_offset(partition), log.last_stable_offset(partition)))
        }
        Request::InitProducerId(init) => init.id.as_ref().map_or(0, |id| transaction(log, id)),
        Request::AddPartitions { id, .. }
        | Request::AddOffsets { id, .. }
        | Request::EndTxn { id, .. }
        | Request::TxnOffsetCommit { id, .. } => transaction(log, id),
        _ => 0,
    }
}

fn transaction(log: &dyn Log, id: &TransactionalId) -> u64 {
    let all = log.transactions();
    let found = all.iter().rev().find(|known| known.id() == id); // comparing ids for equality is cheap, for order is not
    found.map_or(0, digest::of)
}
