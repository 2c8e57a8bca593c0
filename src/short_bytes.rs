//! Bytes that are few, nearly always.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::few::Few;

/// One more than stand in their place: whole words, and enough for the name of a transaction.
const ROOM: usize = 24;

/// A byte string that is cheap to clone: a short one stands in its place, a longer one is shared.
///
/// ```
/// use twophase::ShortBytes;
///
/// let few = ShortBytes::from([1, 2, 3]);
/// assert_eq!(few[1..], [2, 3]);
/// assert_ne!(few, ShortBytes::from(vec![0; 1_000]));
/// ```
#[derive(Clone)]
pub struct ShortBytes(Held);

#[derive(Clone)]
enum Held {
    Here(Few<ROOM>),
    Shared(Arc<[u8]>),
}

impl ShortBytes {
    /// As many as `write` says that it has written into the room that there is for few.
    #[inline]
    pub(crate) fn written(write: impl FnOnce(&mut [u8]) -> usize) -> Self {
        ShortBytes(Held::Here(Few::written(write)))
    }

    /// The first `length` of a page that holds zeros behind them.
    #[inline]
    pub(crate) fn first_of(page: &[u8], length: usize) -> Self {
        match Few::first_of(page, length) {
            Some(few) => ShortBytes(Held::Here(few)),
            None => ShortBytes(Held::Shared(page[..length].into())),
        }
    }

    /// These and then those.
    pub(crate) fn followed_by(&self, more: &[u8]) -> Self {
        let here = match &self.0 {
            Held::Here(few) => few.followed_by(more),
            Held::Shared(_) => None,
        };
        match here {
            Some(few) => ShortBytes(Held::Here(few)),
            None => [self, more].concat().into(),
        }
    }
}

/// A copy.
impl<T: AsRef<[u8]>> From<T> for ShortBytes {
    #[inline]
    fn from(all: T) -> Self {
        let all = all.as_ref();
        match Few::of(all) {
            Some(few) => ShortBytes(Held::Here(few)),
            None => ShortBytes(Held::Shared(all.into())),
        }
    }
}

impl Deref for ShortBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Here(few) => few,
            Held::Shared(bytes) => bytes,
        }
    }
}

/// The same bytes are always held in the same way: few are equal if all that stands in their places is.
impl PartialEq for ShortBytes {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Held::Here(one), Held::Here(other)) => one == other,
            _ => is_same(self, other),
        }
    }
}

/// (It looks up where the bytes are as well, so that whoever compares few has nothing to do with that.)
#[cold]
#[inline(never)]
fn is_same(one: &ShortBytes, other: &ShortBytes) -> bool {
    **one == **other
}

impl Eq for ShortBytes {}

impl Hash for ShortBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Ord for ShortBytes {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialOrd for ShortBytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for ShortBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// As a byte string.
impl Serialize for ShortBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for ShortBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Lent<'a>(#[serde(borrow, with = "serde_bytes")] Cow<'a, [u8]>);

        Lent::deserialize(deserializer).map(|Lent(bytes)| bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;

    use super::*;

    #[test]
    fn however_many_there_are_they_read_back_and_compare_as_a_slice_does() {
        assert_eq!(size_of::<ShortBytes>(), 32, "four words");
        let all: Vec<u8> = (1..=100).collect();
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, 100] {
            let bytes = ShortBytes::from(&all[..length]);
            assert_eq!(bytes[..], all[..length]);
            assert_eq!(ShortBytes::from(&all[..length / 2]).followed_by(&all[length / 2..length]), bytes);
            assert_eq!(bytes.clone(), bytes);
            assert_eq!(ShortBytes::from(all[..length].to_vec()), bytes);
            assert_eq!(bytes == ShortBytes::from(&all[1..=length.min(99)]), length == 0);
            assert_eq!(bytes.cmp(&ShortBytes::from(&all)), all[..length].cmp(&all));
            let stored = postcard::to_stdvec(&bytes).unwrap();
            assert_eq!(stored, postcard::to_stdvec(&ByteBuf::from(&all[..length])).unwrap());
            assert_eq!(postcard::from_bytes::<ShortBytes>(&stored).unwrap(), bytes);
        }
    }
}
