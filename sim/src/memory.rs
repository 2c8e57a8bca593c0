//! Memory that one history leaves to the next.
//!
//! A thread plays thousands of histories, one after the other, and each needs the same few dozen vectors. To get them anew
//! and to throw them away costs more than to keep them. What is kept is room, and never what was in it: nothing of one
//! history can be seen in another. One that is broken off by a panic leaves nothing.

use crate::{log, stage, watch, world};

/// More bytes than this are not kept of one vector: it takes as much as an ordinary history needs, so that one large
/// history does not make all later ones large.
const MOST: usize = 64 << 10;

/// The room of a vector, with nothing in it.
#[derive(Debug)]
pub(crate) struct Room<T>(Vec<T>);

impl<T> Default for Room<T> {
    fn default() -> Self {
        Room(Vec::new())
    }
}

impl<T> Room<T> {
    /// What is left of a vector that nobody needs any more.
    pub(crate) fn of(mut vector: Vec<T>) -> Self {
        vector.clear();
        if vector.capacity() * size_of::<T>() > MOST {
            return Room::default();
        }
        Room(vector)
    }

    /// An empty vector, for this many at least.
    pub(crate) fn vector(self, least: usize) -> Vec<T> {
        let mut vector = self.0;
        vector.reserve(least);
        vector
    }
}

impl<T: Clone> Room<T> {
    /// A vector of this many, all alike.
    pub(crate) fn filled(self, count: usize, with: T) -> Vec<T> {
        let mut vector = self.vector(count);
        vector.resize(count, with);
        vector
    }
}

/// All that one history leaves to the next one that is played by the same thread.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) log: log::Rooms,
    pub(crate) world: world::Rooms,
    pub(crate) watch: watch::Rooms,
    pub(crate) stage: stage::Rooms,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::generate::Generator;
    use crate::run::play_watched;
    use crate::seed::Seed;
    use crate::subjects;
    use crate::wall::Pulse;
    use crate::watch::Keep;

    #[test]
    fn the_room_of_a_vector_is_kept_and_nothing_that_was_in_it() {
        let full: Vec<_> = (0..100).collect();
        let place = full.as_ptr();
        let again = Room::of(full).vector(50);
        assert!(again.is_empty());
        assert_eq!((again.as_ptr(), again.capacity()), (place, 100));
    }

    #[test]
    fn what_has_grown_too_large_is_given_back() {
        assert_eq!(Room::of(vec![0_u8; MOST]).vector(0).capacity(), MOST);
        assert_eq!(Room::of(vec![0_u8; MOST + 1]).vector(0).capacity(), 0);
    }

    #[test]
    fn a_history_is_the_same_whatever_was_played_in_its_memory_before() {
        let subject = subjects::named("kafka").expect("it comes along");
        let digest = |seed: u64, memory: &mut Memory| {
            let schedule = Generator::default().schedule(Seed(seed)).expect("the defaults fit each other");
            let outcome =
                play_watched(&subject, &Arc::new(schedule), Keep::default(), &Pulse::default(), memory);
            outcome.expect("it says nothing of its outputs").digest
        };
        let mut memory = Memory::default();
        for seed in 0..50 {
            assert_eq!(digest(seed, &mut memory), digest(seed, &mut Memory::default()), "seed {seed}");
        }
    }
}
