//! What a record carries.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};

use bytes::Bytes;

use crate::few::Few;

/// One more than stand in their place. With what tells that they do, that is no larger than what shares more.
const ROOM: usize = 24;

/// The bytes of a record, cheap to clone: few stand in their place, more are shared as [`Bytes`] are.
///
/// A record is cloned on its way: for its request, which is kept to be repeated, and for the log. To share a number or a
/// name would take two atomic instructions each time, which is more than to copy it.
///
/// ```
/// use bytes::Bytes;
/// use twophase::Payload;
///
/// let few = Payload::from("17");
/// assert_eq!(few[..], *b"17");
///
/// let line = Bytes::from(vec![b'x'; 1_000]);
/// let many = Payload::from(line.clone());
/// assert_eq!(many.as_ptr(), line.as_ptr()); // no copy
/// ```
#[derive(Clone)]
pub struct Payload(Held);

#[derive(Clone)]
enum Held {
    Here(Few<ROOM>),
    Shared(Bytes),
}

impl Payload {
    /// A copy of these bytes.
    #[inline]
    pub fn copy_from_slice(all: &[u8]) -> Self {
        match Payload::here(all) {
            Some(here) => here,
            None => Payload(Held::Shared(Bytes::copy_from_slice(all))),
        }
    }

    /// A part of these bytes, which keeps all of them if it shares them.
    ///
    /// # Panics
    /// If they have no such part.
    pub fn slice_of(all: &Bytes, part: Range<usize>) -> Self {
        match Payload::here(&all[part.clone()]) {
            Some(here) => here,
            None => Payload(Held::Shared(all.slice(part))),
        }
    }

    #[inline]
    fn here(all: &[u8]) -> Option<Self> {
        Few::of(all).map(|few| Payload(Held::Here(few)))
    }
}

/// Shares them if they are many.
impl<T: Into<Bytes>> From<T> for Payload {
    fn from(all: T) -> Self {
        let all = all.into();
        Payload::here(&all).unwrap_or(Payload(Held::Shared(all)))
    }
}

impl Default for Payload {
    fn default() -> Self {
        Payload(Held::Here(Few::NONE))
    }
}

impl Deref for Payload {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Here(few) => few,
            Held::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The same bytes are always held in the same way: few are equal if all that stands in their places is.
impl PartialEq for Payload {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Held::Here(one), Held::Here(other)) => one == other,
            (Held::Shared(one), Held::Shared(other)) => are_same(one, other),
            _ => false,
        }
    }
}

/// Mostly they are in one place of memory: nobody who hands a record on copies it.
#[cold]
fn are_same(one: &[u8], other: &[u8]) -> bool {
    std::ptr::eq(one, other) || one == other
}

impl Eq for Payload {}

/// With what has bytes: a text, a slice.
impl<T: AsRef<[u8]> + ?Sized> PartialEq<&T> for Payload {
    fn eq(&self, other: &&T) -> bool {
        **self == *other.as_ref()
    }
}

impl Ord for Payload {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialOrd for Payload {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Payload {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// As a byte string.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;

    #[test]
    fn however_many_there_are_they_read_back_and_compare_as_a_slice_does() {
        assert_eq!(size_of::<Payload>(), size_of::<Bytes>(), "the room is what there is anyway");
        let hash = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = BuildHasherDefault::<DefaultHasher>::default().build_hasher();
            value(&mut hasher);
            hasher.finish()
        };
        let all = Bytes::from_iter(1..=100);
        for length in [0, 1, ROOM - 2, ROOM - 1, ROOM, 100] {
            let few = &all[..length];
            let payload = Payload::copy_from_slice(few);
            assert_eq!(payload, &few);
            assert_eq!(payload.cmp(&Payload::from(all.clone())), few.cmp(&all));
            assert_eq!(payload.clone(), payload);
            assert_eq!(Payload::from(few.to_vec()), payload);
            assert_eq!(Payload::slice_of(&all, 0..length), payload);
            assert_eq!(payload == Payload::slice_of(&all, 1..1 + length.min(99)), length == 0);
            assert_ne!(payload, Payload::copy_from_slice(&[few, &[0]].concat()));
            assert_eq!(hash(&|hasher| payload.hash(hasher)), hash(&|hasher| few.hash(hasher)));
        }
        assert_eq!(Payload::default(), Payload::from(""));
    }

    #[test]
    fn many_are_shared_and_few_keep_nothing_alive() {
        let all = Bytes::from(vec![7; 1_000]);
        let many = Payload::slice_of(&all, 100..200);
        assert_eq!(many.as_ptr(), all[100..].as_ptr());
        assert_eq!(many.clone().as_ptr(), many.as_ptr());
        drop(many);
        let _few = Payload::slice_of(&all, 100..101);
        assert!(all.is_unique());
    }

    #[test]
    fn it_prints_as_the_bytes_that_it_is() {
        assert_eq!(format!("{:?}", Payload::from(&b"a\"\xff"[..])), r#"b"a\"\xff""#);
    }
}
