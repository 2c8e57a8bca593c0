//! What transactions are called: `t0-i2-4` is sink 0's, of its incarnation 2, the 4th name it drew.
//!
//! The incarnation is in the name, so that recovery can end what *lower* incarnations left and nothing else:
//! on a name that incarnations share, the late init of a zombie would abort what the new one has promised.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Incarnation, TransactionalId};

/// What the transactional ids of one job, and of no other, begin with.
///
/// It does not end in a digit. Otherwise sink 1 of a job `t1` and sink 11 of a job `t` would open the same
/// names, and each job would abort what the other has promised (known bugs T-04, T-10 and F-01).
///
/// ```
/// use twophase::naming::{Name, Prefix};
/// use twophase::Incarnation;
///
/// let prefix = Prefix::new("orders-")?;
/// let name = Name { sink: 0, incarnation: Incarnation(2), counter: 4 };
/// assert_eq!(prefix.id(name).as_str(), "orders-0-i2-4");
/// assert_eq!(prefix.parse("orders-0-i2-4"), Some(name));
/// assert_eq!(prefix.parse("orders-eu-0-i2-4"), None);
/// # Ok::<(), twophase::naming::EndsInDigit>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(Cow<'static, str>);

/// A [`Prefix`] must not end in a digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsInDigit(Cow<'static, str>);

/// What a transactional id says behind its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Which sink opened it.
    pub sink: u16,
    /// In which incarnation.
    pub incarnation: Incarnation,
    /// Which of the names it drew then, from 1.
    pub counter: u32,
}

impl Prefix {
    /// # Errors
    /// `text` ends in a digit.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, EndsInDigit> {
        let text = text.into();
        match text.ends_with(|last: char| last.is_ascii_digit()) {
            true => Err(EndsInDigit(text)),
            false => Ok(Prefix(text)),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of this name.
    pub fn id(&self, name: Name) -> TransactionalId {
        let stem = self.stem(name.sink, name.incarnation);
        stem.followed_by(itoa::Buffer::new().format(name.counter))
    }

    /// The ids of one incarnation of one sink, up to the counter.
    fn stem(&self, sink: u16, incarnation: Incarnation) -> TransactionalId {
        let (mut one, mut other) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (sink, incarnation) = (one.format(sink), other.format(incarnation.0));
        TransactionalId::new([&*self.0, sink, "-i", incarnation, "-"].concat())
    }

    /// The name in this id; none if it is not exactly as [`id`](Prefix::id) writes it.
    pub fn parse(&self, id: &str) -> Option<Name> {
        let (sink, rest) = id.strip_prefix(&*self.0)?.split_once('-')?;
        let (incarnation, counter) = rest.strip_prefix('i')?.split_once('-')?;
        Some(Name {
            sink: u16::try_from(number(sink)?).ok()?,
            incarnation: Incarnation(number(incarnation)?),
            counter: number(counter)?,
        })
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Prefix("t".into())
    }
}

/// A number written as we write it: digits only, no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

impl fmt::Display for EndsInDigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the prefix {:?} ends in a digit, so its names could be those of another", self.0)
    }
}

impl std::error::Error for EndsInDigit {}

/// Which name the next transaction gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// A new one. Nothing is ever ambiguous; the broker keeps each name until it expires. (Flink INCREMENTING.)
    #[default]
    PerTransaction,
    /// The smallest whose transaction has ended, so that a producer is used again. A repeated commit may then
    /// be answered "fenced" although it was committed (S2-29). (Flink POOLING.)
    Pool,
}

/// The names of one incarnation of one sink, as it draws them.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    counters: Counters,
    /// What they have in common: all but the counter.
    stem: TransactionalId,
}

impl Names {
    pub(crate) fn new(prefix: &Prefix, sink: u16, incarnation: Incarnation, naming: Naming) -> Self {
        Names { counters: Counters::new(naming), stem: prefix.stem(sink, incarnation) }
    }

    /// The id for the next transaction, and the counter in it.
    pub(crate) fn draw(&mut self) -> (TransactionalId, u32) {
        let counter = self.counters.draw();
        (self.stem.followed_by(itoa::Buffer::new().format(counter)), counter)
    }

    /// The transaction under this counter has ended. (Not: its outcome is unknown. Whoever begins under a
    /// name aborts what is open there.)
    pub(crate) fn release(&mut self, counter: u32) {
        self.counters.release(counter);
    }
}

#[derive(Clone, Debug, Default)]
struct Counters {
    naming: Naming,
    drawn: u32,
    /// Pool: not to be drawn, because a transaction under it may be open.
    taken: BTreeSet<u32>,
}

impl Counters {
    fn new(naming: Naming) -> Self {
        Counters { naming, ..Counters::default() }
    }

    fn draw(&mut self) -> u32 {
        match self.naming {
            Naming::PerTransaction => {
                self.drawn += 1;
                self.drawn
            }
            Naming::Pool => {
                let free = (1..).find(|counter| !self.taken.contains(counter));
                let free = free.expect("fewer transactions are open than there are numbers");
                self.taken.insert(free);
                free
            }
        }
    }

    fn release(&mut self, counter: u32) {
        self.taken.remove(&counter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::new(text.to_owned()).unwrap()
    }

    #[test]
    fn the_names_of_other_jobs_are_nobodys() {
        let ours = prefix("t");
        for theirs in ["t1-0-i1-1", "t1x0-i1-1", "tt0-i1-1", "t-0-i1-1", "x0-i1-1", "t0-i1-1-i1-1"] {
            assert_eq!(ours.parse(theirs), None, "{theirs}");
        }
    }

    #[test]
    fn a_prefix_that_could_be_mistaken_for_another_is_refused() {
        assert!(Prefix::new("t1").is_err());
        assert!(Prefix::new("t11").is_err());
        assert!(Prefix::new("t1-").is_ok());
        assert!(Prefix::new("").is_ok());
    }

    #[test]
    fn only_our_own_spelling_is_a_name() {
        for odd in
            ["t00-i1-1", "t+0-i1-1", "t0-i1-01", "t0-i1-", "t-i1-1", "t0-i1", "t65536-i1-1", "t0-i1-1 "]
        {
            assert_eq!(prefix("t").parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn each_transaction_has_its_own_name() {
        let mut counters = Counters::new(Naming::PerTransaction);
        assert_eq!([counters.draw(), counters.draw()], [1, 2]);
        counters.release(1);
        assert_eq!(counters.draw(), 3);
    }

    #[test]
    fn a_pooled_name_is_drawn_again_only_once_its_transaction_has_ended() {
        let mut counters = Counters::new(Naming::Pool);
        assert_eq!([counters.draw(), counters.draw(), counters.draw()], [1, 2, 3]);
        counters.release(2);
        assert_eq!([counters.draw(), counters.draw()], [2, 4]);
    }

    #[test]
    fn what_is_drawn_is_the_id_of_its_name() {
        let (sink, incarnation) = (3, Incarnation(12));
        let mut names = Names::new(&prefix("orders-"), sink, incarnation, Naming::PerTransaction);
        for expected in 1..=101 {
            let (id, counter) = names.draw();
            assert_eq!(counter, expected);
            assert_eq!(id, prefix("orders-").id(Name { sink, incarnation, counter }));
        }
    }

    proptest! {
        #[test]
        fn a_name_reads_back_from_its_id(
            text in "[a-z0-9-]{0,8}", sink: u16, incarnation: u32, counter: u32,
        ) {
            prop_assume!(!text.ends_with(|last: char| last.is_ascii_digit()));
            let name = Name { sink, incarnation: Incarnation(incarnation), counter };
            prop_assert_eq!(prefix(&text).parse(prefix(&text).id(name).as_str()), Some(name));
        }

        #[test]
        fn no_id_belongs_to_two_prefixes(one in "[a-z0-9i-]{0,6}", other in "[a-z0-9i-]{0,6}", sink: u16) {
            let (Ok(one), Ok(other)) = (Prefix::new(one), Prefix::new(other)) else { return Ok(()) };
            prop_assume!(one != other);
            let name = Name { sink, incarnation: Incarnation(1), counter: 1 };
            prop_assert_eq!(one.parse(other.id(name).as_str()), None);
        }
    }
}
