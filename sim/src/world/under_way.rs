//! What is under way, each thing in a place of its own that is used again.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use crate::memory::Room;

/// For what is under way, until it ends. The queue moves this, and not what may be large and has to be dropped: a number
/// is copied for nothing.
pub(crate) struct Ticket<T> {
    number: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Ticket<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ticket<T> {}

/// All things of one kind that are under way.
pub(super) struct UnderWay<T> {
    all: Vec<Spot<T>>,
    /// Where nothing is, if there is such a place, or behind the last one.
    free: u32,
}

pub(super) struct Spot<T> {
    what: Option<T>,
    /// The next one that is free, if this one is.
    next: u32,
}

/// What they leave to those of the next history.
pub(super) type Rooms<T> = Room<Spot<T>>;

impl<T> UnderWay<T> {
    /// None yet, and room for this many at least.
    pub(super) fn new(room: Rooms<T>, least: usize) -> Self {
        UnderWay { all: room.vector(least), free: 0 }
    }

    /// What they leave to those of another history.
    pub(super) fn leave(self) -> Rooms<T> {
        Room::of(self.all)
    }

    /// A place for what sets off: empty, and to be filled at once. What is large is best made there: if it were moved, it
    /// would be read in wider pieces than it was written in just before, and a processor waits for that.
    #[inline(always)]
    pub(super) fn place(&mut self) -> (Ticket<T>, &mut Option<T>) {
        let number = self.free;
        if number as usize >= self.all.len() {
            return self.new_place();
        }
        let spot = &mut self.all[number as usize];
        self.free = spot.next;
        match &mut spot.what {
            empty @ None => (Ticket { number, of: PhantomData }, empty), // so there is nothing to be dropped
            Some(_) => unreachable!("nothing is in a free place"),
        }
    }

    /// This sets off.
    #[inline(always)]
    pub(super) fn put(&mut self, what: T) -> Ticket<T> {
        let (ticket, place) = self.place();
        *place = Some(what);
        ticket
    }

    #[cold]
    fn new_place(&mut self) -> (Ticket<T>, &mut Option<T>) {
        let number = self.all.len() as u32;
        self.free = number + 1;
        self.all.push(Spot { what: None, next: 0 });
        (Ticket { number, of: PhantomData }, &mut self.all[number as usize].what)
    }

    /// It has arrived.
    #[inline(always)]
    pub(super) fn take(&mut self, ticket: Ticket<T>) -> T {
        let spot = &mut self.all[ticket.number as usize];
        let what = spot.what.take().expect("it ends once");
        spot.next = std::mem::replace(&mut self.free, ticket.number);
        what
    }

    /// It has arrived, or will never, and all that is wanted of it is what this takes.
    #[inline(always)]
    pub(super) fn end<R>(&mut self, ticket: Ticket<T>, take: impl FnOnce(&mut T) -> R) -> R {
        let spot = &mut self.all[ticket.number as usize];
        let taken = take(spot.what.as_mut().expect("it ends once"));
        spot.what = None;
        spot.next = std::mem::replace(&mut self.free, ticket.number);
        taken
    }

    /// It has arrived, and this leaves nothing in it that would have to be dropped: so nobody asks what there is.
    #[inline(always)]
    pub(super) fn end_emptied<R>(&mut self, ticket: Ticket<T>, take: impl FnOnce(&mut T) -> R) -> R {
        let spot = &mut self.all[ticket.number as usize];
        let taken = take(spot.what.as_mut().expect("it ends once"));
        std::mem::forget(spot.what.take());
        spot.next = std::mem::replace(&mut self.free, ticket.number);
        taken
    }
}

impl<T: Clone> UnderWay<T> {
    /// The same sets off once more.
    #[cold]
    pub(super) fn put_again(&mut self, ticket: Ticket<T>) -> Ticket<T> {
        let same = self[ticket].clone();
        self.put(same)
    }
}

impl<T> Index<Ticket<T>> for UnderWay<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, ticket: Ticket<T>) -> &T {
        self.all[ticket.number as usize].what.as_ref().expect("it is under way until it ends")
    }
}

impl<T> IndexMut<Ticket<T>> for UnderWay<T> {
    #[inline(always)]
    fn index_mut(&mut self, ticket: Ticket<T>) -> &mut T {
        self.all[ticket.number as usize].what.as_mut().expect("it is under way until it ends")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_once_what_was_there_has_ended() {
        let mut letters = UnderWay::new(Rooms::default(), 1);
        let (a, b) = (letters.put('a'), letters.put('b'));
        let again = letters.put_again(a);
        assert_eq!(letters.end(a, |letter| *letter), 'a');
        let c = letters.put('c');
        assert_eq!(c.number, a.number);
        letters[c] = 'd';
        assert_eq!([letters[c], letters[b], letters[again]], ['d', 'b', 'a']);
    }

    #[test]
    #[should_panic = "it ends once"]
    fn nothing_ends_twice() {
        let mut letters = UnderWay::new(Rooms::default(), 1);
        let ticket = letters.put('a');
        letters.end(ticket, |_| ());
        letters.end(ticket, |_| ());
    }
}
