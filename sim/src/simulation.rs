//! The test of a user's own subject, in an ordinary `#[test]`.

mod environment;
mod report;

use std::env;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{Settings, Sink};

use crate::anomaly::Anomaly;
use crate::drawn::Drawn;
use crate::env::SimEnv;
use crate::fault::FaultKind;
use crate::generate::{Generator, Input, Safety};
use crate::seed::Seed;
use crate::seeds::Extent;
use crate::shrink::SHRINK_BUDGET;
use crate::subject::Subject;
use crate::summary::Summary;
use crate::sweep::{Sweep, cores, play_alone};
use crate::wall::{HANG_TIMEOUT, Stopwatch};
use crate::watch::Keep;

use environment::asked;
pub use report::Report;

/// How many seeds a test plays that does not say: enough to enter every window often, few enough for a debug
/// build.
const DEFAULT_SEEDS: Range<u64> = 0..500;

/// Plays many seeds of a subject, and judges each.
///
/// ```
/// use twophase_sim::{Simulation, subjects};
///
/// Simulation::new(subjects::exactly_once) // or |env| YourSink::new(env)
///     .seeds(0..50)
///     .run()
///     .assert_exactly_once();
/// ```
///
/// The environment variable `TWOPHASE_SEED` makes any such test play that one seed, and print its trace;
/// `TWOPHASE_SEEDS=A..B` makes it play others than it says; `TWOPHASE_TRACE=1` makes it print the trace of the
/// first seed that fails. In a trace stands also what the code under test says through `tracing`, with its time
/// on the stage and its process.
#[derive(Clone, Debug)]
#[must_use = "nothing is played before run()"]
pub struct Simulation {
    subject: Subject,
    generator: Generator,
    seeds: Range<u64>,
    jobs: usize,
    hang_timeout: Duration,
    budget: Option<Duration>,
    shrink_budget: Duration,
}

impl Simulation {
    /// Of this sink, which is made anew for each life of each process that has one.
    pub fn new<S: Sink>(make: impl Fn(SimEnv) -> S + Send + Sync + Clone + 'static) -> Self {
        Simulation::of(Subject::sink(test_name().as_deref().unwrap_or("sink"), make))
    }

    /// Of any subject.
    pub fn of(subject: Subject) -> Self {
        Simulation {
            subject,
            generator: Generator::default(),
            seeds: DEFAULT_SEEDS,
            jobs: cores(),
            hang_timeout: HANG_TIMEOUT,
            budget: None,
            shrink_budget: SHRINK_BUDGET,
        }
    }

    /// How it is called in reports; otherwise like the test.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.subject.name);
        self
    }

    /// Which seeds; the end is exclusive.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// How many records each history has; otherwise drawn from the seed.
    pub fn records(mut self, count: usize) -> Self {
        self.generator.records = Some(count);
        self
    }

    /// Where the records come from; otherwise made up.
    pub fn input(mut self, input: impl Input + 'static) -> Self {
        self.generator.input = Some(Arc::new(input));
        self
    }

    /// Always this protocol; otherwise drawn from the seed.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.generator.protocol = Some(protocol);
        self
    }

    /// Always this way of naming transactions; otherwise drawn from the seed.
    pub fn naming(mut self, naming: Naming) -> Self {
        self.generator.naming = Some(naming);
        self
    }

    /// Whether the settings lie inside the safe rule; otherwise they do.
    pub fn settings(mut self, safety: Safety) -> Self {
        self.generator.safety = safety;
        self
    }

    /// Whether anything goes wrong; otherwise it does.
    pub fn faults(mut self, faults: bool) -> Self {
        self.generator.calm = !faults;
        self
    }

    /// Without faults of this kind; otherwise each seed draws which kinds there are.
    pub fn without(mut self, kind: FaultKind) -> Self {
        self.generator.without.push(kind);
        self
    }

    /// Changes the settings that a seed drew: the shape of the job, its checkpoint interval and timeouts. What
    /// is not changed stays drawn, and so does all else, for what comes out. The transaction timeout is drawn
    /// last, so that it lies inside the safe rule: see [`Simulation::transaction_timeout`].
    pub fn adjust(mut self, change: impl Fn(&mut Settings) + Send + Sync + 'static) -> Self {
        self.generator.adjust = Some(Arc::new(change));
        self
    }

    /// The transaction timeout; otherwise drawn. Inside the safe rule it is what the rule asks for, where that
    /// is longer; with [`Safety::Unsafe`] it is always this.
    pub fn transaction_timeout(mut self, timeout: Duration) -> Self {
        self.generator.transaction_timeout = Some(timeout);
        self
    }

    /// Begins no further history once this much time has passed; otherwise all seeds are played. How many were
    /// played then depends on the machine, what each of them gives does not.
    pub fn for_at_most(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// On how many threads; otherwise one for each core.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// How long one poll of your code may last by the wall clock; otherwise [`HANG_TIMEOUT`]. What lasts longer
    /// ends the run, and is reported as [`Hung`](crate::Anomaly::Hung) with its seed and process.
    pub fn hang_timeout(mut self, timeout: Duration) -> Self {
        self.hang_timeout = timeout;
        self
    }

    /// How long a failing test may look for the smallest schedule that still fails, otherwise [`SHRINK_BUDGET`]; with
    /// nothing it does not look. A test that passes never does.
    pub fn shrink_budget(mut self, budget: Duration) -> Self {
        self.shrink_budget = budget;
        self
    }

    /// Plays all seeds.
    ///
    /// # Panics
    /// If the input cannot be read, if no seed is to be played, or if one of the variables above is set to
    /// something that it cannot mean.
    #[track_caller]
    pub fn run(self) -> Report {
        let asked = asked(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
        let asked = asked.unwrap_or_else(|line| panic!("{line}"));
        let extent = self.extent(asked.extent).unwrap_or_else(|line| panic!("{line}"));
        let watch = Stopwatch::start();
        let (one, played) = match &extent {
            Extent::One(seed) => (true, self.play_one(*seed)),
            Extent::Many(seeds) => (false, self.play_many(seeds, &watch)),
        };
        let summary = played.unwrap_or_else(|error| panic!("{}: {}", self.subject.name, unreadable(&error)));
        let elapsed = watch.elapsed();
        if asked.trace && !one {
            self.trace_first_failure(&summary);
        }
        Report {
            one,
            summary,
            elapsed,
            test: test_name(),
            subject: self.subject,
            generator: self.generator,
            hang_timeout: self.hang_timeout,
            jobs: self.jobs,
            shrink_budget: self.shrink_budget,
            shrunk: OnceLock::new(),
        }
    }

    fn extent(&self, asked: Option<Extent>) -> Result<Extent, String> {
        match asked {
            Some(asked) => Ok(asked),
            None if self.seeds.is_empty() => {
                let (from, to) = (self.seeds.start, self.seeds.end);
                Err(format!("seeds({from}..{to}) holds no seed; expected at least one, like 0..500"))
            }
            None => Ok(Extent::Many(self.seeds.clone())),
        }
    }

    fn play_many(&self, seeds: &Range<u64>, watch: &Stopwatch) -> std::io::Result<Summary> {
        let stop = AtomicBool::new(false);
        self.sweep(seeds).run(&stop, &|_| {
            if self.budget.is_some_and(|budget| watch.elapsed() >= budget) {
                stop.store(true, Ordering::Relaxed);
            }
        })
    }

    fn sweep(&self, seeds: &Range<u64>) -> Sweep<'_> {
        let mut sweep = Sweep::new(&self.subject, self.generator.clone(), seeds.clone());
        sweep.jobs = self.jobs;
        sweep.hang_timeout = self.hang_timeout;
        sweep
    }

    fn trace_first_failure(&self, summary: &Summary) {
        if let Some(first) = summary.groups.values().map(|group| group.seed).min() {
            // The input was read a moment ago; if it is gone by now, the failure itself is what matters.
            let _ = self.play_one(first);
        }
    }

    /// With its trace. Printed like everything a test prints: shown if it fails, or with `--nocapture`.
    fn play_one(&self, seed: Seed) -> std::io::Result<Summary> {
        let schedule = Arc::new(self.subject.pin(self.generator.clone()).schedule(seed)?);
        let keep = Keep { history: true, digests: true, ..Keep::default() };
        let outcome = play_alone(&self.subject, &schedule, keep, self.hang_timeout)?;
        println!("seed {seed} of {}\n{}", self.subject.name, Drawn(&schedule));
        if let Some(history) = &outcome.history {
            println!("{history}");
        }
        println!("{:?}, windows {:?}, digest {:016x}", outcome.verdict, outcome.windows, outcome.digest);
        let mut summary = Summary::default();
        if outcome.finding().is_some_and(|finding| finding.anomaly == Anomaly::Hung) {
            // Once is enough: a second play would only wait as long again.
            summary.add(seed, &outcome);
            return Ok(summary);
        }
        let keep = Keep { digests: true, ..Keep::default() };
        let again = play_alone(&self.subject, &schedule, keep, self.hang_timeout)?;
        summary.add(seed, &outcome);
        summary.compare(seed, &outcome, &again);
        Ok(summary)
    }
}

/// Settings that nobody can play name themselves; everything else that fails is the input.
fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => error.to_string(),
        _ => format!("the input: {error}"),
    }
}

/// The test that runs, as its harness calls it: by the name of its thread.
fn test_name() -> Option<String> {
    let name = std::thread::current().name().map(str::to_owned);
    name.filter(|name| name != "main")
}
