//! Several schedules at once, on all cores, of which the first in their order that fails in the same way counts:
//! whichever is found first, what comes of it does not depend on the number of cores.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::way::Way;
use crate::crew::{Crew, Folded};
use crate::memory::Memory;
use crate::outcome::Outcome;
use crate::run::play_watched;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::subject::Subject;
use crate::sweep::Threads;
use crate::wall::{Pulse, Stopwatch, Stuck};
use crate::watch::Keep;

/// How and for how long candidates are played.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) subject: Subject,
    pub(super) threads: Threads,
    pub(super) jobs: usize,
    pub(super) hang_timeout: Duration,
    pub(super) clock: Stopwatch,
    pub(super) budget: Duration,
}

/// What came of a race.
#[derive(Default)]
pub(super) struct Raced {
    /// The first that failed in the same way, by its place in the list.
    pub(super) first: Option<(usize, Outcome)>,
    /// One did not come back; its thread is left behind.
    pub(super) stuck: Option<Stuck>,
}

impl Course {
    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        self.clock.elapsed() >= self.budget
    }

    /// How many to give to one race: enough for all cores, and few enough that little is played in vain.
    pub(super) fn field(&self) -> usize {
        self.jobs.max(1) * 4
    }

    /// Plays these. None of them is begun once the time is up.
    pub(super) fn race(
        &self,
        candidates: &[Arc<Schedule>],
        way: &Way,
        stop: &AtomicBool,
    ) -> io::Result<Raced> {
        let first = Arc::new(AtomicU64::new(u64::MAX));
        let (runner, candidates, way) = (self.clone(), candidates.to_vec(), way.clone());
        let crew =
            Crew { seeds: 0..candidates.len() as u64, jobs: self.jobs, hang_timeout: self.hang_timeout };
        let play = move |Seed(number), pulse: &Pulse, memory: &mut Memory| {
            // One that stands behind one that failed is not needed any more.
            if number > first.load(Ordering::Relaxed) || runner.is_over() {
                return Ok(None);
            }
            let Some(outcome) = runner.play(&candidates[number as usize], pulse, memory) else {
                return Ok(None);
            };
            let counts = way.is_of(&outcome);
            if counts {
                first.fetch_min(number, Ordering::Relaxed);
            }
            Ok(counts.then_some(outcome))
        };
        let Folded { parts, stuck } = crew.fold(stop, &|_| {}, play, keep_first)?;
        let found = parts.into_iter().flatten().min_by_key(|(number, _)| *number);
        Ok(Raced { first: found, stuck: stuck.first().copied() })
    }

    /// Plays one that has to be played, however late it is.
    pub(super) fn once(&self, schedule: &Arc<Schedule>, way: &Way) -> io::Result<Raced> {
        let course = Course { budget: Duration::MAX, ..self.clone() };
        course.race(std::slice::from_ref(schedule), way, &AtomicBool::new(false))
    }

    /// None if the subject's identities do not tell the records of this one apart: then it is not smaller, but
    /// another.
    fn play(&self, schedule: &Arc<Schedule>, pulse: &Pulse, memory: &mut Memory) -> Option<Outcome> {
        self.threads.run(|| play_watched(&self.subject, schedule, Keep::default(), pulse, memory)).ok()
    }
}

fn keep_first(first: &mut Option<(usize, Outcome)>, Seed(number): Seed, found: Option<Outcome>) {
    let number = number as usize;
    if let Some(outcome) = found.filter(|_| first.as_ref().is_none_or(|(known, _)| number < *known)) {
        *first = Some((number, outcome));
    }
}
