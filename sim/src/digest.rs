//! A running hash over every event: one number that two plays of one schedule must agree on.

mod words;

use std::hash::{Hash, Hasher};

/// The chain so far. Each event is hashed with its time, actor and content onto what came before, so that
/// swapping two events changes the end as much as changing one byte of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest(u64);

impl Digest {
    /// One more event.
    #[inline(always)]
    pub(crate) fn add(&mut self, event: impl FnOnce(&mut Chain)) {
        let mut chain = Chain(self.0);
        event(&mut chain);
        self.0 = chain.0;
    }

    /// The end: what is stored then counts too. A change that no event shows is in the state that it leaves behind.
    pub(crate) fn sealed(self, state: u64) -> u64 {
        of(&(self.0, state))
    }

    pub(crate) fn value(self) -> u64 {
        Chain(self.0).finish()
    }
}

/// One value, hashed by itself.
pub(crate) fn of(value: &impl Hash) -> u64 {
    let mut chain = Chain::default();
    value.hash(&mut chain);
    chain.finish()
}

/// The same on every platform and in every build, as the standard hashers do not promise to be.
///
/// An event is some ten words, and a step has a few hundred instructions to spend. So a word costs three of them:
/// one rotation, one exclusive or, one multiplication by an odd number. Each of these can be undone, so no two words
/// can lead from one state to the same next one: whatever differs in one place stays different. The end mixes the high
/// bits, where a multiplication gathers what differs, into all others; between two events the rotation does.
#[derive(Default)]
pub(crate) struct Chain(u64);

const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio

impl Chain {
    #[inline(always)]
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
    }

    /// Eight bytes to a word, and the rest in one. How many there are stands elsewhere.
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        if let Ok(word) = bytes.try_into() {
            return self.mix(u64::from_le_bytes(word)); // there is nothing to loop over
        }
        let mut left = bytes;
        while let Some((word, rest)) = left.split_first_chunk() {
            self.mix(u64::from_le_bytes(*word));
            left = rest;
        }
        if !left.is_empty() {
            self.mix(packed(left));
        }
    }
}

/// One to seven bytes in a word. Those of another number may be the same word.
fn packed(bytes: &[u8]) -> u64 {
    let byte = |at: usize| u64::from(bytes[at]);
    match bytes.len() {
        length @ 0..4 => byte(0) | byte(length / 2) << 8 | byte(length - 1) << 16,
        length => {
            let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            u64::from(half(0)) | u64::from(half(length - 4)) << 32
        }
    }
}

impl Hasher for Chain {
    /// The last steps of a 64-bit finaliser (Stafford's variant 13).
    fn finish(&self) -> u64 {
        let mut mixed = self.0.wrapping_add(ODD);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Then how many there are.
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
        self.mix(bytes.len() as u64);
    }

    fn write_u8(&mut self, word: u8) {
        self.mix(word.into());
    }

    fn write_u16(&mut self, word: u16) {
        self.mix(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.mix(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn write_i16(&mut self, word: i16) {
        self.mix(word as u64);
    }

    fn write_i32(&mut self, word: i32) {
        self.mix(word as u64);
    }

    fn write_i64(&mut self, word: i64) {
        self.mix(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.mix(word as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Actor, Event, What};
    use crate::site::Name;

    fn event(at: u64, what: What<'_>) -> Event<'_> {
        Event { at, who: Actor::World, what }
    }

    fn digest_of(events: &[Event<'_>]) -> u64 {
        let mut digest = Digest::default();
        events.iter().for_each(|event| digest.add(|chain| chain.event(event)));
        digest.value()
    }

    #[test]
    fn two_events_that_change_places_change_it() {
        let (one, other) = (event(3, What::BrokerDown), event(3, What::Healed));
        assert_ne!(digest_of(&[one, other]), digest_of(&[other, one]));
    }

    #[test]
    fn the_time_the_actor_and_the_content_of_an_event_all_count() {
        let original = event(3, What::Panicked("a"));
        for changed in [
            event(4, What::Panicked("a")),
            event(3, What::Panicked("b")),
            event(3, What::Ended(Err("a"))),
            Event { who: Actor::Broker, ..original },
        ] {
            assert_ne!(digest_of(&[original]), digest_of(&[changed]), "{changed:?}");
        }
    }

    #[test]
    fn two_messages_of_one_kind_that_overtake_each_other_change_it() {
        let arrives = |message| {
            let from = Name::COORDINATOR;
            event(3, What::Delivered { message, from, label: "complete", body: b"c3" })
        };
        let (one, other) = (arrives(3), arrives(4));
        assert_ne!(digest_of(&[one, other]), digest_of(&[other, one]));
    }

    #[test]
    fn an_event_more_or_less_changes_it() {
        let one = event(0, What::Healed);
        let all = [digest_of(&[]), digest_of(&[one]), digest_of(&[one, one])];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }
}
