//! The seed of a history, and the named random streams drawn from it. The only file that names `rand_chacha`.
//!
//! Randomness is keyed by what it decides: one ChaCha stream for each purpose and link or actor, read in that
//! link's own order. Removing one fault then leaves everything outside its causal future as it was. Seeking
//! a position for each draw would cost 27 times as much, and one counter for all messages would let a single
//! retry renumber the rest. No floats, so that all platforms draw the same.

use std::fmt;
use std::ops::Range;
use std::slice;
use std::str::FromStr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::memory::Room;

/// What makes a history. Read in decimal or with `0x`; always printed in decimal.
///
/// ```
/// use twophase_sim::Seed;
///
/// assert_eq!("0x29".parse(), Ok(Seed(41)));
/// assert_eq!(Seed(41).to_string(), "41");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.replace('_', "");
        let number = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        number.map(Seed).map_err(|_| {
            format!("'{text}' is not a seed; expected a number from 0 to 2^64-1, decimal or with 0x")
        })
    }
}

/// What a stream of random numbers decides. The numbers are part of the format of saved schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the schedule of a seed is.
    Generate = 1,
    /// How long messages take on one link.
    Link = 2,
    /// How long a source takes for its next record.
    Pace = 3,
    /// How long a partition waits for its markers.
    Marker = 4,
    /// In which order the tasks of one process are polled.
    Poll = 5,
    /// The payloads of generated records.
    Payload = 6,
    /// Whether there are faults of a kind, where a test gives their rate.
    Rate = 7,
}

/// The streams of a history, each of which begins when it is drawn from first. A stream is large, so they stand in one piece
/// of memory, and whoever draws from one has its number.
pub(crate) struct Streams {
    /// Of this seed, and drawn from by nobody. To seed one costs as much as a hundred draws.
    seeded: Stream,
    begun: Vec<Stream>,
}

/// Which of the streams of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamId(u32);

impl StreamId {
    /// Of one that has not begun.
    pub(crate) const NONE: StreamId = StreamId(u32::MAX);
}

impl Streams {
    pub(crate) fn new(seed: Seed, room: Room<Stream>) -> Self {
        Streams { seeded: Stream::seeded(seed), begun: room.vector(32) }
    }

    /// Their room, for those of another history.
    pub(crate) fn leave(self) -> Room<Stream> {
        Room::of(self.begun)
    }

    /// Begins the stream that decides `purpose` for `of` (a link, an actor, a split).
    #[cold]
    pub(crate) fn begin(&mut self, purpose: Purpose, of: u64) -> StreamId {
        let id = StreamId(self.begun.len() as u32);
        self.begun.extend_from_slice(slice::from_ref(&self.seeded)); // `push` would move it, and it is large
        self.at(id).turn_to(purpose, of);
        id
    }

    /// This one, or, if it has not begun, the one that decides `purpose` for what `of` says, from now on. (That it is not
    /// there says that it has not begun: so it is asked only once.)
    #[inline(always)]
    pub(crate) fn at_or_begin(
        &mut self,
        id: &mut StreamId,
        purpose: Purpose,
        of: impl FnOnce() -> u64,
    ) -> &mut Stream {
        let at = id.0 as usize;
        if at < self.begun.len() {
            return &mut self.begun[at];
        }
        *id = self.begin(purpose, of());
        self.at(*id)
    }

    /// This one.
    #[inline(always)]
    pub(crate) fn at(&mut self, id: StreamId) -> &mut Stream {
        &mut self.begun[id.0 as usize]
    }
}

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this seed that decides `purpose` for `of` (a link, an actor, a split).
    pub(crate) fn new(seed: Seed, purpose: Purpose, of: u64) -> Self {
        let mut stream = Stream::seeded(seed);
        stream.turn_to(purpose, of);
        stream
    }

    fn seeded(seed: Seed) -> Self {
        Stream(ChaCha8Rng::seed_from_u64(seed.0))
    }

    fn turn_to(&mut self, purpose: Purpose, of: u64) {
        self.0.set_stream((purpose as u64) << 56 | of);
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; 0 if the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in the range; its start if it is empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// Uniform in the range, in steps of a four-thousand-millionth of it; its start if it is empty. Half as many random bits as
    /// [`Stream::within`] has, for what is drawn for every message.
    #[inline]
    pub(crate) fn delay_within(&mut self, range: Range<u64>) -> u64 {
        let span = u128::from(range.end.saturating_sub(range.start));
        range.start + ((u128::from(self.0.next_u32()) * span) >> 32) as u64
    }

    /// Log-uniform in the range: each octave is as likely as the next. The start must not be 0.
    pub(crate) fn log_within(&mut self, range: Range<u64>) -> u64 {
        let octaves = (range.end / range.start.max(1)).ilog2() as u64 + 1;
        let low = range.start << self.below(octaves);
        self.within(low..(low * 2).min(range.end).max(low + 1))
    }

    /// True in `times` of `of` cases.
    pub(crate) fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// One of these, each as likely.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// One of these, by weight. The weights must not all be 0.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut at = self.below(of.iter().map(|(weight, _)| weight).sum());
        for &(weight, choice) in of {
            if at < weight {
                return choice;
            }
            at -= weight;
        }
        of[of.len() - 1].1
    }

    /// Uniform between two durations, in whole microseconds.
    pub(crate) fn span(&mut self, range: Range<Duration>) -> Duration {
        Duration::from_micros(self.within(micros(range.start)..micros(range.end)))
    }
}

/// A duration in whole microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    span.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_in_decimal_and_hexadecimal_and_printed_in_decimal() {
        assert_eq!("0x2A".parse(), Ok(Seed(42)));
        assert_eq!("42".parse::<Seed>().unwrap().to_string(), "42");
        assert!("0xZZ".parse::<Seed>().unwrap_err().contains("'0xZZ' is not a seed"));
        assert!("".parse::<Seed>().is_err());
        assert!("-1".parse::<Seed>().is_err());
    }

    #[test]
    fn streams_of_different_purposes_differ_and_repeat() {
        let draw = |purpose, of| {
            let mut stream = Stream::new(Seed(7), purpose, of);
            [stream.next(), stream.next()]
        };
        assert_eq!(draw(Purpose::Link, 1), draw(Purpose::Link, 1));
        assert_ne!(draw(Purpose::Link, 1), draw(Purpose::Link, 2));
        assert_ne!(draw(Purpose::Link, 1), draw(Purpose::Pace, 1));
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut stream = Stream::new(Seed(1), Purpose::Generate, 0);
        for _ in 0..1_000 {
            assert!((3..9).contains(&stream.within(3..9)));
            assert!((3..9).contains(&stream.delay_within(3..9)));
            assert!((10..5_000).contains(&stream.log_within(10..5_000)));
            assert_eq!(stream.weighted(&[(0, 'a'), (3, 'b')]), 'b');
        }
        let delays: Vec<_> = (0..1_000).map(|_| stream.delay_within(0..4)).collect();
        assert!((0..4).all(|delay| delays.contains(&delay)));
        assert_eq!(stream.delay_within(7..7), 7);
        assert!(stream.delay_within(0..u64::MAX) < u64::MAX, "as long as there is, too");
    }
}
