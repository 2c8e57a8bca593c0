//! The producers that one broker value has been granted: in an open transaction, or idle behind one.

use smallvec::SmallVec;

use super::client::Client;
use super::protocol::{Producer, ProducerEpoch};
use crate::{Handle, TransactionalId};

/// Who holds which producer.
///
/// Only what was opened here becomes idle here. A commit that is resumed from a handle also answers with the
/// next epoch, but another process may hold that too, and whoever used it would write in its name (KC-8c).
#[derive(Debug)]
pub(super) struct Producers {
    /// Few: those that are open or promised. One under each name, in any order. The place of one that has ended is the next
    /// one's: they are large, and to close the gap would move another.
    open: SmallVec<[Option<Open>; 2]>,
    /// The oldest first.
    idle: SmallVec<[(TransactionalId, Producer); 8]>,
    keep: usize,
    /// Whose transaction has ended: the next one is written in its memory.
    spare: Option<Box<Client>>,
}

#[derive(Debug)]
struct Open {
    /// As it was at the begin.
    handle: Handle,
    producer: Producer,
    /// Whether anything was sent that can have opened the transaction at the broker.
    touched: bool,
    /// Once it is closed to writes: it goes on with the end.
    client: Option<Box<Client>>,
}

/// A transaction that is open here and to be ended.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) producer: Producer,
    pub(super) touched: bool,
    /// Its client, if it was closed to writes and is ended for the first time.
    pub(super) client: Option<Box<Client>>,
}

impl Producers {
    /// Keeps at most `keep` idle ones: where each transaction has a name of its own, none is ever used again.
    pub(super) fn new(keep: usize) -> Self {
        Producers { open: SmallVec::new(), idle: SmallVec::new(), keep, spare: None }
    }

    /// Takes the producer that is idle under this name.
    pub(super) fn take(&mut self, id: &TransactionalId) -> Option<Producer> {
        let at = self.idle.iter().position(|(idle, _)| idle == id)?;
        Some(self.idle.remove(at).1)
    }

    /// Takes a client that nobody needs any more.
    pub(super) fn spare(&mut self) -> Option<Box<Client>> {
        self.spare.take()
    }

    /// A transaction of this producer is open.
    pub(super) fn opened(&mut self, handle: Handle, producer: Producer) {
        self.close(&handle.id);
        let open = Some(Open { handle, producer, touched: false, client: None });
        match self.open.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = open,
            None => self.open.push(open),
        }
    }

    /// Something is about to be sent for the open transaction.
    pub(super) fn touched(&mut self, id: &TransactionalId) {
        if let Some(Some(open)) = self.place(id) {
            open.touched = true;
        }
    }

    /// The open transaction is closed to writes, and its client waits here for the end.
    pub(super) fn closed(&mut self, client: Box<Client>) {
        match self.place(client.id()) {
            Some(Some(open)) if Some(open.producer) == client.producer() => open.client = Some(client),
            _ => {}
        }
    }

    /// What is known of the transaction with this handle, which is to be ended.
    pub(super) fn known(&mut self, one: &Handle) -> Option<Known> {
        let mut open = self.open.iter_mut().flatten();
        let Open { producer, touched, client, .. } = open.find(|open| open.handle == *one)?;
        Some(Known { producer: *producer, touched: *touched, client: client.take() })
    }

    /// The transaction of `producer` has ended; `next` is the producer to go on with, if there is one.
    pub(super) fn ended(&mut self, id: &TransactionalId, producer: Producer, next: Option<Producer>) {
        match self.place(id) {
            Some(place) if place.as_ref().is_some_and(|open| open.producer == producer) => *place = None,
            _ => return,
        }
        // 4.2.0 may hand out the last epoch, whose transactions nobody can end (KC-16a): an init draws a new id
        if let Some(next) = next.filter(|next| next.epoch < ProducerEpoch(i16::MAX)) {
            if self.idle.len() == self.keep && self.keep > 0 {
                self.idle.remove(0);
            }
            if self.idle.len() < self.keep {
                self.idle.push((id.clone(), next)); // not if none is kept
            }
        }
    }

    /// Nobody needs this client any more.
    pub(super) fn give_back(&mut self, client: Box<Client>) {
        self.spare = Some(client);
    }

    /// The name was fenced: no producer under it is of use.
    pub(super) fn forget(&mut self, id: &TransactionalId) {
        self.close(id);
        self.idle.retain(|(idle, _)| idle != id);
    }

    fn close(&mut self, id: &TransactionalId) {
        if let Some(place) = self.place(id) {
            *place = None;
        }
    }

    #[inline]
    fn place(&mut self, id: &TransactionalId) -> Option<&mut Option<Open>> {
        self.open.iter_mut().find(|place| place.as_ref().is_some_and(|open| open.handle.id == *id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::ProducerId;

    fn id(text: &str) -> TransactionalId {
        TransactionalId::new(text)
    }

    fn handle(text: &str, producer: Producer) -> Handle {
        Handle { id: id(text), format: 1, bytes: producer.epoch.0.to_le_bytes().into() }
    }

    impl Producers {
        fn begun(&mut self, text: &str, producer: Producer) {
            self.opened(handle(text, producer), producer);
        }

        fn is_untouched(&mut self, text: &str, producer: Producer) -> bool {
            self.known(&handle(text, producer)).is_some_and(|known| !known.touched)
        }
    }

    fn at(epoch: i16) -> Producer {
        Producer { id: ProducerId(1), epoch: ProducerEpoch(epoch) }
    }

    #[test]
    fn a_producer_is_idle_once_its_transaction_has_ended() {
        let mut producers = Producers::new(2);
        producers.begun("a", at(0));
        assert_eq!(producers.take(&id("a")), None);
        producers.ended(&id("a"), at(0), Some(at(1)));
        assert_eq!(producers.take(&id("a")), Some(at(1)));
        assert_eq!(producers.take(&id("a")), None, "one transaction at a time");
    }

    #[test]
    fn what_was_resumed_from_a_handle_is_never_idle_here() {
        let mut producers = Producers::new(2);
        producers.ended(&id("a"), at(0), Some(at(1)));
        producers.begun("b", at(3));
        producers.ended(&id("b"), at(2), Some(at(3))); // a late repetition of the commit before
        assert_eq!(producers.take(&id("a")), None);
        assert_eq!(producers.take(&id("b")), None);
        assert!(producers.is_untouched("b", at(3)));
    }

    #[test]
    fn the_last_epoch_is_never_used() {
        let mut producers = Producers::new(2);
        producers.begun("a", at(i16::MAX - 1));
        producers.ended(&id("a"), at(i16::MAX - 1), Some(at(i16::MAX)));
        assert_eq!(producers.take(&id("a")), None);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut producers = Producers::new(1);
        for name in ["a", "b"] {
            producers.begun(name, at(0));
            producers.ended(&id(name), at(0), Some(at(1)));
        }
        assert_eq!(producers.take(&id("a")), None);
        assert_eq!(producers.take(&id("b")), Some(at(1)));
    }

    #[test]
    fn a_fenced_name_keeps_nothing() {
        let mut producers = Producers::new(2);
        producers.begun("a", at(0));
        producers.ended(&id("a"), at(0), Some(at(1)));
        producers.begun("a", at(1));
        producers.forget(&id("a"));
        assert!(!producers.is_untouched("a", at(1)));
        assert_eq!(producers.take(&id("a")), None);
    }
}
