//! Bytes that stand in their place, because they are few.

use std::ops::Deref;

/// Less than `N` bytes. Behind them are zeros and, last, how many they are: in one piece, which is moved and compared as
/// one.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(8))] // in whole words: copied in pieces that overlap, they would be waited for when they are copied again
pub(crate) struct Few<const N: usize>([u8; N]);

impl<const N: usize> Few<N> {
    /// None at all.
    pub(crate) const NONE: Self = Few([0; N]);

    /// A copy of these, if they are few enough.
    #[inline]
    pub(crate) fn of(all: &[u8]) -> Option<Self> {
        Self::NONE.followed_by(all)
    }

    /// These and then those, if they are few enough together.
    #[inline]
    pub(crate) fn followed_by(&self, more: &[u8]) -> Option<Self> {
        let Few(mut bytes) = *self;
        let (from, to) = (self.len(), self.len() + more.len());
        bytes[..N - 1].get_mut(from..to)?.copy_from_slice(more);
        bytes[N - 1] = to as u8;
        Some(Few(bytes))
    }

    /// The first `length` of a page that holds zeros behind them, if they are few enough. (Copied together with zeros they
    /// are whole words; copied in pieces that overlap, they would be waited for when they are copied again.)
    #[inline]
    pub(crate) fn first_of(page: &[u8], length: usize) -> Option<Self> {
        let mut bytes = *page.first_chunk::<N>().filter(|_| length < N)?;
        bytes[N - 1] = length as u8;
        Some(Few(bytes))
    }

    /// The first of the room, as many as `write` says that it has written. It leaves the others as they are.
    #[inline]
    pub(crate) fn written(write: impl FnOnce(&mut [u8]) -> usize) -> Self {
        let mut bytes = [0; N];
        let length = write(&mut bytes[..N - 1]);
        bytes[N - 1] = length as u8;
        Few(bytes)
    }
}

impl<const N: usize> Deref for Few<N> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0[..usize::from(self.0[N - 1])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_they_were_made_of_as_long_as_there_is_room() {
        for length in 0..4 {
            assert_eq!(Few::<4>::of(&[7; 4][..length]).as_deref(), Some(&[7; 4][..length]));
        }
        assert!(Few::<4>::of(&[7; 4]).is_none());
        assert_eq!(Few::<4>::of(&[1]).unwrap().followed_by(&[2, 3]).as_deref(), Some(&[1, 2, 3][..]));
        assert!(Few::<4>::of(&[1, 2]).unwrap().followed_by(&[3, 4]).is_none());
        assert!(Few::<4>::NONE.is_empty());
        let written = Few::<4>::written(|room| {
            room[..2].fill(7);
            2
        });
        assert!(Few::of(&[7; 2]) == Some(written));
        assert!(Few::<4>::first_of(&[7, 7, 0, 0, 0], 2) == Some(written));
        assert!(Few::<4>::first_of(&[7; 5], 4).is_none());
        assert!(Few::<4>::of(&[0]) != Few::of(&[0, 0]), "zeros count, too");
    }
}
