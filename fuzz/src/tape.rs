//! Bytes as a row of numbers. What is read and what is written follow one description, so that they cannot part: a
//! real schedule can be written as bytes for a fuzzer to start from.
//!
//! Nothing is ever rejected. A number takes as many bytes as its range needs and is wrapped into it; behind the end of the
//! bytes all is zero, which is the least of each range.

use std::ops::RangeInclusive;
use std::time::Duration;

use arbitrary::Unstructured;

/// Goes over the numbers of something, in order.
pub(crate) trait Tape {
    /// Reads it into `value`, or writes it.
    fn number(&mut self, value: &mut u64, range: RangeInclusive<u64>);

    /// Whether a list has another element: as long as there are bytes, or as it `has` one that is to be written.
    fn another(&mut self, has: bool) -> bool;
}

/// From bytes to values.
pub(crate) struct Reader<'a, 'b>(pub(crate) &'b mut Unstructured<'a>);

/// From values to bytes.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

fn width(range: &RangeInclusive<u64>) -> usize {
    let most = range.end() - range.start();
    (u64::BITS - most.leading_zeros()).div_ceil(8).max(1) as usize
}

impl Tape for Reader<'_, '_> {
    fn number(&mut self, value: &mut u64, range: RangeInclusive<u64>) {
        let mut bytes = [0; 8];
        let width = width(&range);
        self.0.fill_buffer(&mut bytes[..width]).expect("behind the end all is zero");
        let (least, most) = range.into_inner();
        let read = u64::from_le_bytes(bytes);
        *value = least + (most - least).checked_add(1).map_or(read, |count| read % count);
    }

    fn another(&mut self, _: bool) -> bool {
        !self.0.is_empty()
    }
}

impl Tape for Writer {
    fn number(&mut self, value: &mut u64, range: RangeInclusive<u64>) {
        let written = (*value).clamp(*range.start(), *range.end()) - range.start();
        self.0.extend(&written.to_le_bytes()[..width(&range)]);
    }

    fn another(&mut self, has: bool) -> bool {
        has
    }
}

/// A count of any width.
pub(crate) fn count<N>(tape: &mut impl Tape, value: &mut N, range: RangeInclusive<u64>)
where
    N: Copy + TryFrom<u64> + TryInto<u64>,
{
    let mut number = (*value).try_into().unwrap_or(u64::MAX);
    tape.number(&mut number, range);
    *value = N::try_from(number).unwrap_or(*value);
}

/// A duration, in whole microseconds.
pub(crate) fn micros(tape: &mut impl Tape, value: &mut Duration, range: RangeInclusive<u64>) {
    let mut number = value.as_micros() as u64;
    tape.number(&mut number, range);
    *value = Duration::from_micros(number);
}

/// A duration, in whole milliseconds.
pub(crate) fn millis(tape: &mut impl Tape, value: &mut Duration, range: RangeInclusive<u64>) {
    let mut number = value.as_millis() as u64;
    tape.number(&mut number, range);
    *value = Duration::from_millis(number);
}

/// One of these; the first, where it is none of them.
pub(crate) fn choice<T: Clone + PartialEq>(tape: &mut impl Tape, value: &mut T, of: &[T]) {
    let mut number = of.iter().position(|one| one == value).unwrap_or(0);
    count(tape, &mut number, 0..=of.len() as u64 - 1);
    *value = of[number].clone();
}
