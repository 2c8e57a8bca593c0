//! Plays many histories of S1, and says what they cost.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::s1::{s1, turn_to};
use crate::memory::Memory;
use crate::outcome::Verdict;
use crate::run::play_watched;
use crate::seed::Seed;
use crate::subject::Subject;
use crate::sweep::Threads;
use crate::wall::{Pulse, Stopwatch};
use crate::watch::Keep;

/// What some histories cost, all in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// How many histories.
    pub histories: u64,
    /// How many events.
    pub events: u64,
    /// How many messages, requests and answers too.
    pub messages: u64,
    /// How much time went by on the stage.
    pub lasted: Duration,
    /// How much in the real world, on one core.
    pub took: Duration,
}

impl Cost {
    /// How many histories a second.
    pub fn rate(&self) -> f64 {
        self.histories as f64 / self.took.as_secs_f64()
    }

    /// A total for each history.
    pub fn each(&self, total: f64) -> f64 {
        total / self.histories as f64
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, more: Cost) {
        self.histories += more.histories;
        self.events += more.events;
        self.messages += more.messages;
        self.lasted += more.lasted;
        self.took += more.took;
    }
}

/// Plays S1 for these seeds with this sink, one history after the other, with all checks.
///
/// # Panics
/// If a history does not hold: a figure for a job that fails means nothing. If two of the outputs that the subject expects
/// have one identity ([`Subject::identify`]).
pub fn play_s1(subject: &Subject, threads: Threads, seeds: Range<u64>) -> Cost {
    let stopwatch = Stopwatch::start();
    let mut cost = Cost { histories: seeds.end - seeds.start, ..Cost::default() };
    let mut memory = Memory::default();
    let mut schedule = Arc::new(s1(Seed(seeds.start)));
    for seed in seeds {
        turn_to(Arc::make_mut(&mut schedule), Seed(seed)); // nobody else has kept it
        let pulse = Pulse::default();
        let outcome = threads
            .run(|| play_watched(subject, &schedule, Keep::default(), &pulse, &mut memory))
            .unwrap_or_else(|unfit| panic!("{unfit}"));
        let held = matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous);
        assert!(held, "seed {seed}: {:?}", outcome.verdict);
        cost.events += outcome.events;
        cost.messages += outcome.messages;
        cost.lasted += outcome.lasted;
    }
    cost.took = stopwatch.elapsed();
    cost
}
