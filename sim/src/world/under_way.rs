//! What is under way, each thing in a place of its own that is used again.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// Where something is, until it ends. The queue moves this, and not what may be large and has to be
/// dropped: a number is copied for nothing.
pub(crate) struct Place<T> {
    number: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<T> {}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// All things of one kind that are under way.
pub(super) struct UnderWay<T> {
    all: Vec<Spot<T>>,
    /// Where nothing is, if there is such a place, or behind the last one.
    free: u32,
}

enum Spot<T> {
    Taken(T),
    /// The next one that is free.
    Free(u32),
}

impl<T> UnderWay<T> {
    /// None yet, and room for this many.
    pub(super) fn with_capacity(room: usize) -> Self {
        UnderWay { all: Vec::with_capacity(room), free: 0 }
    }

    /// It sets off.
    #[inline(always)]
    pub(super) fn put(&mut self, what: T) -> Place<T> {
        let number = self.free;
        match self.all.get_mut(number as usize) {
            Some(spot) => {
                let Spot::Free(next) = *spot else {
                    unreachable!("nothing is in a free place");
                };
                (self.free, *spot) = (next, Spot::Taken(what));
            }
            None => self.add(what),
        }
        Place { number, of: PhantomData }
    }

    #[cold]
    fn add(&mut self, what: T) {
        self.all.push(Spot::Taken(what));
        self.free = self.all.len() as u32;
    }

    /// It has arrived.
    #[inline(always)]
    pub(super) fn take(&mut self, place: Place<T>) -> T {
        match std::mem::replace(&mut self.all[place.number as usize], Spot::Free(self.free)) {
            Spot::Taken(what) => {
                self.free = place.number;
                what
            }
            Spot::Free(_) => unreachable!("it ends once"),
        }
    }

    /// It has arrived, or will never, and all that is wanted of it is what this takes.
    #[inline(always)]
    pub(super) fn end<R>(&mut self, place: Place<T>, take: impl FnOnce(&mut T) -> R) -> R {
        let taken = take(&mut self[place]);
        self.all[place.number as usize] = Spot::Free(self.free);
        self.free = place.number;
        taken
    }
}

impl<T: Clone> UnderWay<T> {
    /// The same sets off once more.
    #[cold]
    pub(super) fn put_again(&mut self, place: Place<T>) -> Place<T> {
        self.put(self[place].clone())
    }
}

impl<T> Index<Place<T>> for UnderWay<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, place: Place<T>) -> &T {
        match &self.all[place.number as usize] {
            Spot::Taken(what) => what,
            Spot::Free(_) => unreachable!("it is under way until it ends"),
        }
    }
}

impl<T> IndexMut<Place<T>> for UnderWay<T> {
    #[inline(always)]
    fn index_mut(&mut self, place: Place<T>) -> &mut T {
        match &mut self.all[place.number as usize] {
            Spot::Taken(what) => what,
            Spot::Free(_) => unreachable!("it is under way until it ends"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_once_what_was_there_has_ended() {
        let mut letters = UnderWay::with_capacity(1);
        let (a, b) = (letters.put('a'), letters.put('b'));
        let again = letters.put_again(a);
        assert_eq!(letters.end(a, |letter| *letter), 'a');
        let c = letters.put('c');
        assert_eq!(c.number, a.number);
        letters[c] = 'd';
        assert_eq!([letters[c], letters[b], letters[again]], ['d', 'b', 'a']);
    }

    #[test]
    #[should_panic = "it is under way until it ends"]
    fn nothing_ends_twice() {
        let mut letters = UnderWay::with_capacity(1);
        let place = letters.put('a');
        letters.end(place, |_| ());
        letters.end(place, |_| ());
    }
}
