//! Messages between the processes of a job.

use std::future::Future;

use super::Address;
use crate::ShortBytes;

/// A message as it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Who sent it, with the life it had then.
    pub from: Address,
    /// What was sent.
    pub body: ShortBytes,
}

/// Datagrams between coordinator and workers.
///
/// Promises nothing: a message may be lost, delayed, repeated, and may overtake another, also on one link.
pub trait Network: Send + Sync + 'static {
    /// Hands a message to the network; says nothing about its arrival. `label` is a short name of the
    /// kind of message, for traces and for placing faults.
    fn send(&self, to: Address, label: &'static str, body: ShortBytes) -> impl Future<Output = ()> + Send;

    /// The next message that arrived for this process. Cancel safe: a dropped call loses no message.
    fn receive(&self) -> impl Future<Output = Envelope> + Send;
}
