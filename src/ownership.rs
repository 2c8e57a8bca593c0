//! Which sink cleans up after which, for any earlier parallelism: exactly one for each leftover.
//!
//! A leftover names the sink that opened it. If the job now runs with fewer sinks, that one may not exist any
//! more (known bug T-05); and the state that promises a transaction may have moved to another sink, which
//! must commit it before anybody fences its name. So a leftover of sink `k` belongs to whoever holds the
//! state that sink `k` wrote; and if there is none, because an even larger job wrote no checkpoint, to
//! whoever holds that of `k % total` (S2-26, S2-27).
//!
//! A state stores who wrote it, and under which parallelism, and nothing older: what an earlier incarnation
//! owned was cleaned up before the first transaction of the one that wrote the state. (Flink carries owned
//! numbers along instead, and names transactions by them. Then a sink that starts without a state while
//! others carry several, as in 4 to 2 to 3 sinks with one state each, has a number that another owns too.)
//!
//! The engine's part: with at least as many sinks as states, the state of sink `k` goes to sink `k`; with
//! fewer, each sink gets at least one. Flink's redistribution (V1-4) is so, and so is `k % parallelism`.

use std::fmt;

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

/// A sink among the sinks of its time: stored with the state that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Which sink.
    pub sink: u16,
    /// Of how many.
    pub of: u16,
}

/// The leftovers that are one sink's to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Nearly always one.
    owned: SmallVec<[u16; 4]>,
    total: u16,
}

/// The restored states are not those of one checkpoint, or were handed out so that two sinks would own the
/// same leftovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// Whose state it is.
    pub author: Author,
    /// Who got it.
    pub holder: Author,
}

impl Ownership {
    /// What `me` owns, that has been given the states of these `authors`.
    ///
    /// ```
    /// use twophase::ownership::{Author, Ownership};
    ///
    /// // Three sinks became two; the first one was given the states of sinks 0 and 1.
    /// let authors = [Author { sink: 0, of: 3 }, Author { sink: 1, of: 3 }];
    /// let mine = Ownership::new(Author { sink: 0, of: 2 }, &authors).unwrap();
    /// assert!(mine.covers(0) && mine.covers(1) && !mine.covers(2));
    /// ```
    ///
    /// # Errors
    /// A state that `me` cannot have been given if each leftover is to have one owner.
    pub fn new(me: Author, authors: &[Author]) -> Result<Self, Misplaced> {
        let Some(first) = authors.first() else {
            return Ok(Ownership { owned: smallvec![me.sink], total: me.of.max(1) });
        };
        let own_only = me.of >= first.of;
        let misplaced = |author: &&Author| {
            author.of != first.of || author.sink >= author.of || (own_only && author.sink != me.sink)
        };
        match authors.iter().find(misplaced) {
            Some(&author) => Err(Misplaced { author, holder: me }),
            None => Ok(Ownership {
                owned: authors.iter().map(|author| author.sink).collect(),
                total: first.of.max(me.of),
            }),
        }
    }

    /// Whether a leftover of this sink is to be ended here.
    pub fn covers(&self, sink: u16) -> bool {
        self.owned.contains(&(sink % self.total))
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink {} of {}", self.sink, self.of)
    }
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misplaced { author, holder } = self;
        write!(f, "the state of {author} was given to {holder}, so two sinks may own its leftovers")
    }
}

impl std::error::Error for Misplaced {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How an engine hands out the states of `from` sinks to `to` sinks: for each new one, whose it gets.
    type Redistribution = fn(from: u16, to: u16) -> Vec<Vec<u16>>;

    /// V1-4: whole states, in their order, the first sinks get one more.
    fn contiguous(from: u16, to: u16) -> Vec<Vec<u16>> {
        let mut states = 0..from;
        let share = |index| from / to + u16::from(index < from % to);
        (0..to).map(|index| states.by_ref().take(share(index).into()).collect()).collect()
    }

    fn round_robin(from: u16, to: u16) -> Vec<Vec<u16>> {
        (0..to).map(|index| (index..from).step_by(to.into()).collect()).collect()
    }

    /// What each sink of a job owns, that restores the states of `from` (0: none) with parallelism `to`.
    fn owners(from: u16, to: u16, redistribute: Redistribution) -> Vec<Ownership> {
        let authors = |states: Vec<u16>| -> Vec<_> {
            states.into_iter().map(|sink| Author { sink, of: from }).collect()
        };
        let shares = redistribute(from, to).into_iter().enumerate();
        shares
            .map(|(sink, states)| {
                let me = Author { sink: sink as u16, of: to };
                Ownership::new(me, &authors(states)).unwrap()
            })
            .collect()
    }

    proptest! {
        /// Rule 8 of the known bugs: one owner for each leftover, whatever parallelism wrote it, whatever was
        /// restored, and however the engine hands out states.
        #[test]
        fn each_leftover_has_exactly_one_cleaner(
            from in 0u16..40, to in 1u16..40, leftover: u16, robin: bool,
        ) {
            let redistribute = if robin { round_robin } else { contiguous };
            let owners = owners(from, to, redistribute);
            prop_assert_eq!(owners.iter().filter(|one| one.covers(leftover)).count(), 1);
        }

        /// Otherwise one sink could fence a name before the other has committed what is promised under it.
        #[test]
        fn what_a_state_promises_is_cleaned_by_its_holder(from in 1u16..40, to in 1u16..40, robin: bool) {
            let redistribute = if robin { round_robin } else { contiguous };
            let owners = owners(from, to, redistribute);
            for (holder, states) in redistribute(from, to).iter().enumerate() {
                prop_assert!(states.iter().all(|sink| owners[holder].covers(*sink)));
            }
        }
    }

    #[test]
    fn a_state_that_went_astray_is_refused() {
        let me = Author { sink: 0, of: 2 };
        let astray = Author { sink: 1, of: 2 };
        let refused = Ownership::new(me, &[astray]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the state of sink 1 of 2 was given to sink 0 of 2, so two sinks may own its leftovers"
        );
    }

    #[test]
    fn states_of_two_checkpoints_are_refused() {
        let me = Author { sink: 0, of: 1 };
        let states = [Author { sink: 0, of: 2 }, Author { sink: 1, of: 3 }];
        assert_eq!(Ownership::new(me, &states).unwrap_err().author, states[1]);
    }
}
