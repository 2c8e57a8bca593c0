//! The producers that one broker value has been granted: in an open transaction, or idle behind one.

use std::collections::VecDeque;

use super::protocol::{Producer, ProducerEpoch};
use crate::TransactionalId;

/// Who holds which producer.
///
/// Only what was opened here becomes idle here. A commit that is resumed from a handle also answers with the
/// next epoch, but another process may hold that too, and whoever used it would write in its name (KC-8c).
#[derive(Debug)]
pub(super) struct Producers {
    /// Few: those that are open or promised. One under each name, in any order.
    open: Vec<Open>,
    idle: VecDeque<(TransactionalId, Producer)>,
    keep: usize,
}

#[derive(Debug)]
struct Open {
    id: TransactionalId,
    producer: Producer,
    /// Whether anything was sent that can have opened the transaction at the broker.
    touched: bool,
}

impl Producers {
    /// Keeps at most `keep` idle ones: where each transaction has a name of its own, none is ever used again.
    pub(super) fn new(keep: usize) -> Self {
        Producers { open: Vec::new(), idle: VecDeque::with_capacity(keep.min(8)), keep }
    }

    /// Takes the producer that is idle under this name.
    pub(super) fn take(&mut self, id: &TransactionalId) -> Option<Producer> {
        let at = self.idle.iter().position(|(idle, _)| idle == id)?;
        self.idle.remove(at).map(|(_, producer)| producer)
    }

    /// A transaction of this producer is open.
    pub(super) fn opened(&mut self, id: TransactionalId, producer: Producer) {
        self.close(&id);
        self.open.push(Open { id, producer, touched: false });
    }

    /// Something is about to be sent for the open transaction.
    pub(super) fn touched(&mut self, id: &TransactionalId) {
        if let Some(at) = self.place(id) {
            self.open[at].touched = true;
        }
    }

    /// Whether this transaction is known to be open here, and unknown to the broker.
    pub(super) fn is_untouched(&self, id: &TransactionalId, producer: Producer) -> bool {
        self.place(id).is_some_and(|at| self.open[at].producer == producer && !self.open[at].touched)
    }

    /// The transaction of `producer` has ended; `next` is the producer to go on with, if there is one.
    pub(super) fn ended(&mut self, id: &TransactionalId, producer: Producer, next: Option<Producer>) {
        let Some(at) = self.place(id).filter(|at| self.open[*at].producer == producer) else {
            return;
        };
        let Open { id, .. } = self.open.swap_remove(at);
        // 4.2.0 may hand out the last epoch, whose transactions nobody can end (KC-16a): an init draws a new id
        let Some(next) = next.filter(|next| next.epoch < ProducerEpoch(i16::MAX)) else {
            return;
        };
        if self.idle.len() >= self.keep {
            self.idle.pop_front();
        }
        if self.idle.len() < self.keep {
            self.idle.push_back((id, next)); // not if none is kept
        }
    }

    /// The name was fenced: no producer under it is of use.
    pub(super) fn forget(&mut self, id: &TransactionalId) {
        self.close(id);
        self.idle.retain(|(idle, _)| idle != id);
    }

    fn close(&mut self, id: &TransactionalId) {
        if let Some(at) = self.place(id) {
            self.open.swap_remove(at);
        }
    }

    fn place(&self, id: &TransactionalId) -> Option<usize> {
        self.open.iter().position(|open| open.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::ProducerId;

    fn id(text: &str) -> TransactionalId {
        TransactionalId::new(text)
    }

    fn at(epoch: i16) -> Producer {
        Producer { id: ProducerId(1), epoch: ProducerEpoch(epoch) }
    }

    #[test]
    fn a_producer_is_idle_once_its_transaction_has_ended() {
        let mut producers = Producers::new(2);
        producers.opened(id("a"), at(0));
        assert_eq!(producers.take(&id("a")), None);
        producers.ended(&id("a"), at(0), Some(at(1)));
        assert_eq!(producers.take(&id("a")), Some(at(1)));
        assert_eq!(producers.take(&id("a")), None, "one transaction at a time");
    }

    #[test]
    fn what_was_resumed_from_a_handle_is_never_idle_here() {
        let mut producers = Producers::new(2);
        producers.ended(&id("a"), at(0), Some(at(1)));
        producers.opened(id("b"), at(3));
        producers.ended(&id("b"), at(2), Some(at(3))); // a late repetition of the commit before
        assert_eq!(producers.take(&id("a")), None);
        assert_eq!(producers.take(&id("b")), None);
        assert!(producers.is_untouched(&id("b"), at(3)));
    }

    #[test]
    fn the_last_epoch_is_never_used() {
        let mut producers = Producers::new(2);
        producers.opened(id("a"), at(i16::MAX - 1));
        producers.ended(&id("a"), at(i16::MAX - 1), Some(at(i16::MAX)));
        assert_eq!(producers.take(&id("a")), None);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut producers = Producers::new(1);
        for name in ["a", "b"] {
            producers.opened(id(name), at(0));
            producers.ended(&id(name), at(0), Some(at(1)));
        }
        assert_eq!(producers.take(&id("a")), None);
        assert_eq!(producers.take(&id("b")), Some(at(1)));
    }

    #[test]
    fn a_fenced_name_keeps_nothing() {
        let mut producers = Producers::new(2);
        producers.opened(id("a"), at(0));
        producers.ended(&id("a"), at(0), Some(at(1)));
        producers.opened(id("a"), at(1));
        producers.forget(&id("a"));
        assert!(!producers.is_untouched(&id("a"), at(1)));
        assert_eq!(producers.take(&id("a")), None);
    }
}
