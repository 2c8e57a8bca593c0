//! Many seeds, on all cores. Each history is independent of all others, so what a sweep finds does not depend
//! on the number of threads.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::generate::Generator;
use crate::outcome::Outcome;
use crate::run::play;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::subject::Subject;
use crate::summary::Summary;
use crate::watch::Keep;

/// On which thread a history is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Each on a fresh one. The standard `HashMap` keeps its keys for each thread, so a second history on the
    /// same one would see another order of iteration. Costs some 50 microseconds a history.
    #[default]
    Fresh,
    /// One after the other on the same: for subjects that are known to use no such thing.
    Shared,
}

/// How many of the seeds are played twice: one in this many, the first one always.
pub const REPLAY_EVERY: u64 = 100;

/// The sweep of a range of seeds.
#[derive(Clone, Debug)]
pub struct Sweep<'a> {
    /// What is tested.
    pub subject: &'a Subject,
    /// Where the schedules come from.
    pub generator: Generator,
    /// Which seeds; the end is exclusive.
    pub seeds: Range<u64>,
    /// One seed in this many is played twice, and the digests compared.
    pub replay_every: u64,
    /// On which thread each history is played.
    pub threads: Threads,
    /// On how many threads.
    pub jobs: usize,
}

impl<'a> Sweep<'a> {
    /// All cores, fresh threads, one seed in a hundred played twice.
    pub fn new(subject: &'a Subject, generator: Generator, seeds: Range<u64>) -> Self {
        Sweep {
            subject,
            generator: subject.pin(generator),
            seeds,
            replay_every: REPLAY_EVERY,
            threads: Threads::Fresh,
            jobs: cores(),
        }
    }

    /// Plays all seeds, or those before `stop`. `progress` hears how many more were played, from any thread.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn run(&self, stop: &AtomicBool, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Summary> {
        let parts = self.fold(stop, Summary::default, |summary, seed| {
            self.judge(summary, seed)?;
            progress(1);
            Ok(())
        })?;
        let mut all = Summary::default();
        for part in parts {
            all.merge(part);
        }
        Ok(all)
    }

    /// The digest of every seed, in the order of the seeds.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn digests(&self, stop: &AtomicBool) -> io::Result<Vec<(Seed, u64)>> {
        let parts = self.fold(stop, Vec::new, |digests, seed| {
            let schedule = Arc::new(self.generator.schedule(seed)?);
            digests.push((seed, self.play(&schedule).digest));
            Ok(())
        })?;
        let mut all = parts.concat();
        all.sort_unstable();
        Ok(all)
    }

    fn judge(&self, summary: &mut Summary, seed: Seed) -> io::Result<()> {
        let schedule = Arc::new(self.generator.schedule(seed)?);
        let outcome = self.play(&schedule);
        summary.add(seed, &outcome);
        if (seed.0 - self.seeds.start) % self.replay_every.max(1) == 0 {
            summary.compare(seed, (outcome.digest, self.play(&schedule).digest));
        }
        Ok(())
    }

    fn play(&self, schedule: &Arc<Schedule>) -> Outcome {
        play_on(self.threads, self.subject, schedule, Keep::default())
    }

    /// Folds over the seeds on several threads; one result for each thread.
    fn fold<T: Send>(
        &self,
        stop: &AtomicBool,
        start: impl Fn() -> T + Sync,
        step: impl Fn(&mut T, Seed) -> io::Result<()> + Sync,
    ) -> io::Result<Vec<T>> {
        let queue = Queue::new(self.seeds.clone(), self.jobs);
        let work = || -> io::Result<T> {
            let mut part = start();
            while let Some(chunk) = queue.take() {
                for seed in chunk {
                    if stop.load(Ordering::Relaxed) {
                        return Ok(part);
                    }
                    step(&mut part, Seed(seed)).inspect_err(|_| queue.clear())?;
                }
            }
            Ok(part)
        };
        let helpers = self.jobs.clamp(1, queue.chunks()) - 1;
        thread::scope(|scope| {
            let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut parts = vec![work()];
            parts.extend(helpers.into_iter().map(join));
            parts.into_iter().collect()
        })
    }
}

/// Plays one history where `threads` says.
pub(crate) fn play_on(threads: Threads, subject: &Subject, schedule: &Arc<Schedule>, keep: Keep) -> Outcome {
    let here = || play(subject, schedule, keep);
    match threads {
        Threads::Shared => here(),
        Threads::Fresh => thread::scope(|scope| join(scope.spawn(here))),
    }
}

/// How many threads there can be at a time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The seeds that nobody has taken yet, handed out in chunks from the lowest on.
struct Queue {
    left: Mutex<Range<u64>>,
    chunk: u64,
}

impl Queue {
    fn new(seeds: Range<u64>, jobs: usize) -> Self {
        let count = seeds.end.saturating_sub(seeds.start);
        Queue { left: Mutex::new(seeds), chunk: (count / (jobs.max(1) as u64 * 8)).clamp(1, 32) }
    }

    fn chunks(&self) -> usize {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let count = left.end.saturating_sub(left.start).div_ceil(self.chunk);
        usize::try_from(count).unwrap_or(usize::MAX).max(1)
    }

    fn take(&self) -> Option<Range<u64>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.is_empty() {
            return None;
        }
        let end = left.start.saturating_add(self.chunk).min(left.end);
        let chunk = left.start..end;
        left.start = end;
        Some(chunk)
    }

    fn clear(&self) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.start = left.end;
    }
}
