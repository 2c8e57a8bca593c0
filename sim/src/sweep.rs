//! Many seeds, on all cores. Each history is independent of all others, so what a sweep finds does not depend
//! on the number of threads.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use crate::crew::{Crew, Folded};
use crate::generate::Generator;
use crate::memory::Memory;
use crate::outcome::Outcome;
use crate::run::play_watched;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::subject::Subject;
use crate::summary::Summary;
use crate::wall::{HANG_TIMEOUT, Pulse, Stuck};
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

impl Threads {
    /// Plays one history, on the thread it should have.
    pub(crate) fn run<T: Send>(self, history: impl FnOnce() -> T + Send) -> T {
        match self {
            Threads::Shared => history(),
            Threads::Fresh => thread::scope(|scope| join(scope.spawn(history))),
        }
    }
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
    /// How long one poll may last by the wall clock, before the sweep ends and says where it hangs.
    pub hang_timeout: Duration,
}

/// A history, and its second play if it had one.
type Played = (Outcome, Option<Outcome>);

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
            hang_timeout: HANG_TIMEOUT,
        }
    }

    /// Plays all seeds, or those before `stop`. `progress` hears how many more were played.
    ///
    /// A history that does not come back ends the sweep: its seed counts as [`Hung`](crate::Anomaly::Hung), and
    /// its thread is left behind, because nothing can end it but the end of the process.
    ///
    /// # Errors
    /// When the input cannot be read, or no thread can be started.
    pub fn run(&self, stop: &AtomicBool, progress: &dyn Fn(u64)) -> io::Result<Summary> {
        let (first, replay_every) = (self.seeds.start, self.replay_every.max(1));
        let play = self.player();
        let judge = move |seed: Seed, pulse: &Pulse, memory: &mut Memory| -> io::Result<Played> {
            let again = (seed.0 - first) % replay_every == 0;
            let keep = Keep { digests: again, ..Keep::default() };
            let one = play(seed, keep, pulse, memory)?;
            let two = if again { Some(play(seed, keep, pulse, memory)?) } else { None };
            Ok((one, two))
        };
        let Folded { parts, stuck } = self.crew().fold(stop, progress, judge, add)?;
        let mut all = Summary::default();
        for part in parts {
            all.merge(part);
        }
        for stuck in stuck {
            all.end_early(stuck.seed, &Outcome::hung(stuck, self.hang_timeout));
        }
        Ok(all)
    }

    /// The digest of every seed, in the order of the seeds.
    ///
    /// # Errors
    /// When the input cannot be read, or no thread can be started. With [`io::ErrorKind::TimedOut`] when a history
    /// does not come back.
    pub fn digests(&self, stop: &AtomicBool) -> io::Result<Vec<(Seed, u64)>> {
        let play = self.player();
        let digest = move |seed: Seed, pulse: &Pulse, memory: &mut Memory| {
            Ok(play(seed, Keep::default(), pulse, memory)?.digest)
        };
        let add = |digests: &mut Vec<_>, seed, digest| digests.push((seed, digest));
        let Folded { parts, stuck } = self.crew().fold(stop, &|_| {}, digest, add)?;
        if let Some(stuck) = stuck.into_iter().min() {
            let said = format!("seed {}: {}", stuck.seed, stuck.said(self.hang_timeout));
            return Err(io::Error::new(io::ErrorKind::TimedOut, said));
        }
        let mut all = parts.concat();
        all.sort_unstable();
        Ok(all)
    }

    fn crew(&self) -> Crew {
        Crew { seeds: self.seeds.clone(), jobs: self.jobs, hang_timeout: self.hang_timeout }
    }

    /// What plays a seed of this sweep, and owns all it needs: it may outlive the sweep on a stuck thread.
    fn player(
        &self,
    ) -> impl Fn(Seed, Keep, &Pulse, &mut Memory) -> io::Result<Outcome> + Send + Sync + 'static {
        let (threads, subject, generator) = (self.threads, self.subject.clone(), self.generator.clone());
        move |seed, keep, pulse, memory| {
            let schedule = Arc::new(generator.schedule(seed)?);
            let played = threads.run(|| play_watched(&subject, &schedule, keep, pulse, memory));
            played.map_err(|line| unfit(format!("seed {seed}: {line}")))
        }
    }
}

fn add(summary: &mut Summary, seed: Seed, (one, two): Played) {
    summary.add(seed, &one);
    if let Some(two) = two {
        summary.compare(seed, &one, &two);
    }
}

/// Plays one history on a thread of its own, and comes back also if the history does not.
pub(crate) fn play_alone(
    subject: &Subject,
    schedule: &Arc<Schedule>,
    keep: Keep,
    hang_timeout: Duration,
) -> io::Result<Outcome> {
    let (subject, schedule) = (subject.clone(), schedule.clone());
    let crew = Crew { seeds: 0..1, jobs: 1, hang_timeout };
    let play = move |_, pulse: &Pulse, memory: &mut Memory| {
        play_watched(&subject, &schedule, keep, pulse, memory).map_err(unfit)
    };
    let add = |part: &mut Option<Outcome>, _, outcome| *part = Some(outcome);
    let Folded { parts, stuck } = crew.fold(&AtomicBool::new(false), &|_| {}, play, add)?;
    let hung = stuck.first().map(|stuck| Outcome::hung(*stuck, hang_timeout));
    let played = parts.into_iter().flatten().next().or(hung);
    Ok(played.expect("a history comes back or is stuck"))
}

/// What a subject says of its outputs does not fit its input.
fn unfit(line: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, line)
}

impl Stuck {
    /// In one sentence.
    pub(crate) fn said(&self, hang_timeout: Duration) -> String {
        let long = hang_timeout.as_secs_f64();
        match self.process {
            Some(name) => format!(
                "one poll of {name} did not come back within {long} s: it loops for ever, or blocks its thread \
                 (wait with env.clock().sleep and .await, nothing else)"
            ),
            None => format!(
                "no process was being polled, and nothing came back within {long} s: \
                 the broker under test, the input, what makes the job or its settings, expect(..) or identify(..) \
                 loops for ever, or blocks its thread"
            ),
        }
    }
}

/// How many threads there can be at a time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
