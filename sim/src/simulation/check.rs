//! Whether what a test has set can be played, before anything is.

use std::ops::Range;
use std::time::Duration;

use super::Simulation;
use super::play::unreadable;
use crate::generate::{Generator, Safety};
use crate::report::Millis;
use crate::safe::safe_rule;
use crate::seed::Seed;
use crate::seeds::Extent;

/// For how many seeds at the most it is checked before any is played whether a transaction timeout is long enough.
const MOST_CHECKED: u64 = 10_000;

impl Simulation {
    /// Whether what is set can be played. What only some seeds contradict is found when they are drawn.
    pub(super) fn check(&self, extent: &Extent) -> Result<(), String> {
        self.generator.check()?;
        if self.jobs == 0 {
            return Err(
                "jobs(0): expected at least 1 thread; or leave it out, for one on each core".to_owned()
            );
        }
        if self.hang_timeout.is_zero() {
            return Err("hang_timeout(0ns): expected some time; or leave it out, for 10 s".to_owned());
        }
        if self.budget.is_some_and(|budget| budget.is_zero()) {
            return Err("for_at_most(0ns): expected some time; or leave it out, to play all seeds".to_owned());
        }
        match (self.generator.transaction_timeout, self.generator.safety, extent) {
            (Some(given), Safety::Safe, Extent::Many(seeds)) => self.check_safe(given, seeds),
            _ => Ok(()),
        }
    }

    /// The rule asks for another timeout in each seed. One that is too short is told the longest at once.
    fn check_safe(&self, given: Duration, seeds: &Range<u64>) -> Result<(), String> {
        let seeds = seeds.start..seeds.end.min(seeds.start.saturating_add(MOST_CHECKED));
        let drawn = Generator { transaction_timeout: None, ..self.subject.pin(self.generator.clone()) };
        let needed = |seed| drawn.schedule(Seed(seed)).map(|schedule| (safe_rule(&schedule).needed(), seed));
        let all: std::io::Result<Vec<_>> = seeds.clone().map(needed).collect();
        let longest = all.map_err(|error| unreadable(&error))?.into_iter().max();
        match longest.filter(|(needed, _)| *needed > given) {
            None => Ok(()),
            Some((needed, seed)) => Err(format!(
                "transaction_timeout({given:?}) is shorter than the safe rule asks for, which is up to {} \
                 (seed {seed}); give at least that, leave it out, or say settings(Safety::Unsafe) to see what is lost",
                Millis(needed)
            )),
        }
    }
}
