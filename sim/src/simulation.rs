//! The test of a user's own subject, in an ordinary `#[test]`.

use std::env;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase::Sink;
use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;

use crate::checker::Anomaly;
use crate::drawn::Drawn;
use crate::env::SimEnv;
use crate::exit::Exit;
use crate::generate::{Generator, Input, Safety};
use crate::report::{Failure, Grouped, NotDeterministic, Totals, allowed_by, sandbox_note};
use crate::seed::Seed;
use crate::seeds::{Extent, Seeds};
use crate::subject::Subject;
use crate::summary::{Group, Summary};
use crate::sweep::{Sweep, Threads, cores, play_on};
use crate::twice::play_twice;
use crate::wall::Stopwatch;
use crate::watch::Keep;

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
/// `TWOPHASE_SEEDS=A..B` makes it play others than it says.
#[derive(Clone, Debug)]
#[must_use = "nothing is played before run()"]
pub struct Simulation {
    subject: Subject,
    generator: Generator,
    seeds: Range<u64>,
    jobs: usize,
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

    /// On how many threads; otherwise one for each core.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Plays all seeds.
    ///
    /// # Panics
    /// If the input cannot be read, if no seed is to be played, or if `TWOPHASE_SEED` or `TWOPHASE_SEEDS` is
    /// set to something else than a seed or a range of seeds.
    #[track_caller]
    pub fn run(self) -> Report {
        let asked = overridden(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
        let extent = asked
            .and_then(|asked| self.extent(asked))
            .unwrap_or_else(|line| panic!("{line}"));
        let watch = Stopwatch::start();
        let (one, played) = match &extent {
            Extent::One(seed) => (true, self.play_one(*seed)),
            Extent::Many(seeds) => (false, self.sweep(seeds).run(&AtomicBool::new(false), &|_| {})),
        };
        Report {
            one,
            summary: played.unwrap_or_else(|error| panic!("{}: the input: {error}", self.subject.name)),
            elapsed: watch.elapsed(),
            test: test_name(),
            subject: self.subject,
            generator: self.generator,
        }
    }

    fn extent(&self, asked: Option<Extent>) -> Result<Extent, String> {
        match asked {
            Some(asked) => Ok(asked),
            None if self.seeds.is_empty() => {
                let (from, to) = (self.seeds.start, self.seeds.end);
                Err(format!(
                    "seeds({from}..{to}) holds no seed; expected at least one, like 0..500"
                ))
            }
            None => Ok(Extent::Many(self.seeds.clone())),
        }
    }

    fn sweep(&self, seeds: &Range<u64>) -> Sweep<'_> {
        let mut sweep = Sweep::new(&self.subject, self.generator.clone(), seeds.clone());
        sweep.jobs = self.jobs;
        sweep
    }

    /// With its trace. Printed like everything a test prints: shown if it fails, or with `--nocapture`.
    fn play_one(&self, seed: Seed) -> std::io::Result<Summary> {
        let schedule = Arc::new(self.subject.pin(self.generator.clone()).schedule(seed)?);
        let keep = Keep {
            history: true,
            ..Keep::default()
        };
        let outcome = play_on(Threads::Fresh, &self.subject, &schedule, keep);
        println!("seed {seed} of {}\n{}", self.subject.name, Drawn(&schedule));
        if let Some(history) = &outcome.history {
            println!("{history}");
        }
        println!(
            "{:?}, windows {:?}, digest {:016x}",
            outcome.verdict, outcome.windows, outcome.digest
        );
        let again = play_on(Threads::Fresh, &self.subject, &schedule, Keep::default());
        let mut summary = Summary::default();
        summary.add(seed, &outcome);
        summary.compare(seed, (outcome.digest, again.digest));
        Ok(summary)
    }
}

/// The test that runs, as its harness calls it: by the name of its thread.
fn test_name() -> Option<String> {
    let name = std::thread::current().name().map(str::to_owned);
    name.filter(|name| name != "main")
}

/// What the environment asks for, if it asks.
fn overridden(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Extent>, String> {
    let bad = |name: &str, what: String| {
        format!("environment variable {name}: {what}; unset it to play what the test says")
    };
    match (variable("TWOPHASE_SEED"), variable("TWOPHASE_SEEDS")) {
        (None, None) => Ok(None),
        (Some(one), None) => match one.parse() {
            Ok(seed) => Ok(Some(Extent::One(seed))),
            Err(what) => Err(bad("TWOPHASE_SEED", what)),
        },
        (None, Some(many)) => match many.parse() {
            Ok(Seeds(seeds)) => Ok(Some(Extent::Many(seeds))),
            Err(what) => Err(bad("TWOPHASE_SEEDS", what)),
        },
        (Some(one), Some(many)) => Err(bad(
            "TWOPHASE_SEED",
            format!("is '{one}', and TWOPHASE_SEEDS is '{many}'; expected only one of them"),
        )),
    }
}

/// What came of a [`Simulation`].
#[derive(Clone, Debug)]
pub struct Report {
    subject: Subject,
    generator: Generator,
    summary: Summary,
    elapsed: Duration,
    test: Option<String>,
    /// One history was asked for by its number.
    one: bool,
}

impl Report {
    /// What was counted.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Every history committed its input exactly once, and the search entered at least one crash window.
    ///
    /// # Panics
    /// With the first failure of each kind and the line that replays it, if not. Also if two plays of one
    /// seed differed, or if no history entered any crash window, unless faults were switched off.
    #[track_caller]
    pub fn assert_exactly_once(&self) {
        match self.exit() {
            Exit::Held => {}
            Exit::Vacuous => panic!("\n\n{}{}", self.vacuous(), sandbox_note()),
            _ => panic!("\n\n{self}"),
        }
    }

    /// At least one history showed this anomaly: what a test of a broken subject asserts. Returns the first
    /// of them, by seed.
    ///
    /// # Panics
    /// If none did.
    #[track_caller]
    pub fn assert_finds(&self, anomaly: Anomaly) -> &Group {
        let groups = self
            .summary
            .groups
            .iter()
            .filter(|((found, _), _)| *found == anomaly);
        match groups.map(|(_, group)| group).min_by_key(|group| group.seed) {
            Some(group) => group,
            None => panic!("\n\n{anomaly} was expected, and not found\n\n{self}"),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of_sweep(&self.summary, self.generator.calm || self.one)
    }

    fn vacuous(&self) -> String {
        format!(
            "FAIL  vacuous       {} seeds\n\n  \
             no history entered any crash window, so nothing was shown: play more seeds or more records,\n  \
             or say faults(false) if nothing was to go wrong; a sink of your own also has to note what it does\n",
            Grouped(self.summary.seeds)
        )
    }

    fn replay(&self, seed: Seed) -> String {
        let test = self.test.as_ref().map(|test| format!(" {test}"));
        format!("TWOPHASE_SEED={seed} cargo test{}", test.unwrap_or_default())
    }

    fn failure(&self, group: &Group) -> String {
        let schedule = self.subject.pin(self.generator.clone()).schedule(group.seed).ok();
        let failure = Failure {
            of: format!("seed {}", group.seed),
            finding: &group.finding,
            among: Some((group.count, self.summary.seeds, self.elapsed)),
            allowed_by: schedule.and_then(|schedule| allowed_by(&group.finding, &schedule)),
            replay: &self.replay(group.seed),
        };
        failure.to_string()
    }

    fn not_deterministic(&self) -> Option<String> {
        let unequal = self.summary.unequal?;
        let schedule = self
            .subject
            .pin(self.generator.clone())
            .schedule(unequal.seed)
            .ok()?;
        let keep = Keep::default();
        let said = NotDeterministic {
            unequal,
            difference: play_twice(Threads::Fresh, &self.subject, &Arc::new(schedule), keep).1,
            replay: &self.replay(unequal.seed),
        };
        Some(said.to_string())
    }
}

/// The first failure of each kind, then what it all adds up to.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.not_deterministic() {
            writeln!(f, "{said}")?;
        }
        for group in self.summary.groups.values() {
            writeln!(f, "{}", self.failure(group))?;
        }
        let totals = Totals {
            summary: &self.summary,
            elapsed: self.elapsed,
            word: if self.exit() == Exit::Held { "ok" } else { "FAIL" },
        };
        write!(f, "{totals}{}", sandbox_note())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(seed: Option<&str>, seeds: Option<&str>) -> Result<Option<Extent>, String> {
        overridden(|name| {
            let value = if name == "TWOPHASE_SEED" { seed } else { seeds };
            value.map(str::to_owned)
        })
    }

    #[test]
    fn the_environment_overrides_the_seeds() {
        assert_eq!(set(None, None), Ok(None));
        assert_eq!(set(Some("0x29"), None), Ok(Some(Extent::One(Seed(41)))));
        assert_eq!(set(None, Some("3..9")), Ok(Some(Extent::Many(3..9))));
    }

    #[test]
    fn a_bad_value_names_the_variable_and_what_was_expected() {
        for (seed, seeds, name) in [
            (Some("0xZZ"), None, "TWOPHASE_SEED:"),
            (Some(""), None, "TWOPHASE_SEED:"),
            (None, Some("9..3"), "TWOPHASE_SEEDS:"),
            (Some("1"), Some("1..2"), "TWOPHASE_SEED:"),
        ] {
            let said = set(seed, seeds).unwrap_err();
            assert!(said.contains(name) && said.contains("expected"), "{said}");
        }
    }
}
