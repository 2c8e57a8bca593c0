//! The test of a user's own subject, in an ordinary `#[test]`.

mod check;
mod environment;
mod keep;
mod places;
mod play;
mod regressions;
mod renew;
mod report;

use std::env;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{BoxError, Record, Settings, Sink};

use crate::env::SimEnv;
use crate::fault::FaultKind;
use crate::generate::{Generator, Input, Safety};
use crate::outputs::Output;
use crate::ratio::Ratio;
use crate::shrink::SHRINK_BUDGET;
use crate::subject::Subject;
use crate::sweep::cores;
use crate::wall::HANG_TIMEOUT;

use environment::asked;
use play::test_name;
pub use report::Report;

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
///
/// # Failures that are kept
///
/// A failing [`assert_exactly_once`](Report::assert_exactly_once) writes `target/twophase/<test>-<seed>.json` of the
/// workspace whose test it is: the smallest schedule that still fails, and beside it its timeline. `TWOPHASE_REPLAY=FILE`
/// makes the test that it belongs to play that file and nothing else, and print its trace. Once it stands in
/// `tests/regressions/` of the package, every run of that test replays it first, and fails if it fails again; or if its
/// faults no longer strike where they did, for then it shows nothing: it is *stale*. `TWOPHASE_RENEW=FILE` looks nearby
/// for a schedule that gets there again, and writes it in its place. A command made by [`cli`](crate::cli) replays the
/// file too, if it knows a subject of that name: give both the same [`Subject`], or [`name`](Self::name) it so.
///
/// # Settings
///
/// What is not set is drawn anew for each seed, in an order in which an undisturbed job makes progress; so each
/// setting that is left out is one more thing that is searched. *Drawn* below means that.
///
/// | setting | default |
/// |---|---|
/// | [`parallelism`](Self::parallelism): how many sinks | drawn, 1 to 3 |
/// | [`splits`](Self::splits): how many sources | drawn, 1 to 3 for each sink |
/// | [`partitions`](Self::partitions) of the output | drawn, 1 to 3 |
/// | [`records`](Self::records) in a history | drawn, 8 to 95 |
/// | [`input`](Self::input): where they come from | made up: 16 hexadecimal digits each |
/// | [`expect`](Self::expect): what is to come out of a record | the record itself |
/// | [`identify`](Self::identify): how an output is known again | by the header of the framework |
/// | [`protocol`](Self::protocol), [`naming`](Self::naming) | drawn, both of each |
/// | [`verification`](Self::verification) by partition leaders | yes |
/// | [`checkpoint_interval`](Self::checkpoint_interval) | drawn, 15 to 150 ms |
/// | [`checkpoint_timeout`](Self::checkpoint_timeout) | drawn, 1 to 2 times what an undisturbed one can take |
/// | [`transaction_timeout`](Self::transaction_timeout) | drawn, 1 to 1.5 times what the safe rule asks for |
/// | [`settings`](Self::settings): inside the safe rule or not | inside: [`Safety::Safe`] |
/// | [`adjust`](Self::adjust): everything else of [`Settings`] | drawn |
/// | [`faults`](Self::faults): whether anything goes wrong | it does |
/// | [`only`](Self::only), [`without`](Self::without): which kinds | all of [`FaultKind::ALL`] |
/// | [`rate`](Self::rate) of a kind | drawn: each family is in half of the seeds, with a weight of its own |
/// | [`seeds`](Self::seeds) | `0..500`; with a budget of time, all there are |
/// | [`for_at_most`](Self::for_at_most): a budget of time | none: all seeds are played |
/// | [`name`](Self::name) in reports and files | that of the test |
/// | [`jobs`](Self::jobs): threads | one for each core |
/// | [`hang_timeout`](Self::hang_timeout) of one poll | 10 s |
///
/// All times but the last and the budget are of the stage, which takes none: a checkpoint every 10 s costs no more
/// than one every 10 ms. What is set contradicts itself, or lies outside of what can be played: then
/// [`run`](Self::run) panics, and says what was expected.
#[derive(Clone, Debug)]
#[must_use = "nothing is played before run()"]
pub struct Simulation {
    subject: Subject,
    /// In place of what the harness calls the test.
    name: Option<String>,
    generator: Generator,
    seeds: Option<Range<u64>>,
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

    /// Of an opaque process, which talks to the traits however it likes: see [`Subject::process`].
    pub fn process<F>(run: impl Fn(SimEnv) -> F + Send + Sync + Clone + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Simulation::of(Subject::process(test_name().as_deref().unwrap_or("process"), run))
    }

    /// Of any subject.
    pub fn of(subject: Subject) -> Self {
        Simulation {
            subject,
            name: None,
            generator: Generator::default(),
            seeds: None,
            jobs: cores(),
            hang_timeout: HANG_TIMEOUT,
            budget: None,
            shrink_budget: SHRINK_BUDGET,
        }
    }

    /// What is to come out of each record, where that is not the record itself; otherwise each is to come out as it
    /// is. See [`Subject::expect`].
    pub fn expect<I>(mut self, outputs: impl Fn(&Record) -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Output>,
    {
        self.subject = self.subject.expect(outputs);
        self
    }

    /// How an output is known again by its payload; otherwise by the header of the framework. See
    /// [`Subject::identify`].
    pub fn identify<K>(mut self, identity: impl Fn(&[u8]) -> Option<K> + Send + Sync + 'static) -> Self
    where
        K: Ord + fmt::Debug + Send + 'static,
    {
        self.subject = self.subject.identify(identity);
        self
    }

    /// How it is called, in reports and in the files of its failures; otherwise like the test.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.subject.name);
        self.name = Some(name.to_owned());
        self
    }

    /// Which seeds, the end exclusive; otherwise `0..500`, or, with a [budget of time](Self::for_at_most), as many as
    /// it allows.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = Some(seeds);
        self
    }

    /// How many sinks there are; otherwise drawn from the seed, 1 to 3.
    pub fn parallelism(mut self, sinks: u16) -> Self {
        self.generator.parallelism = Some(sinks);
        self
    }

    /// How many splits the input has, which is how many sources there are: split `s` is read by sink
    /// `s % parallelism`. Otherwise drawn from the seed, 1 to 3 for each sink.
    pub fn splits(mut self, sources: u16) -> Self {
        self.generator.splits = Some(sources);
        self
    }

    /// How many partitions the output has; otherwise drawn from the seed, 1 to 3.
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.generator.partitions = Some(partitions);
        self
    }

    /// The time between two checkpoints; otherwise drawn from the seed, 15 to 150 ms.
    pub fn checkpoint_interval(mut self, interval: Duration) -> Self {
        self.generator.checkpoint_interval = Some(interval);
        self
    }

    /// After how long a checkpoint is given up; otherwise drawn from the seed, one to two times what one that
    /// nothing disturbs can take.
    pub fn checkpoint_timeout(mut self, timeout: Duration) -> Self {
        self.generator.checkpoint_timeout = Some(timeout);
        self
    }

    /// How many records each history has, if the input has as many; otherwise drawn from the seed, 8 to 95.
    pub fn records(mut self, count: usize) -> Self {
        self.generator.records = Some(count);
        self
    }

    /// Where the records come from: [`LineFile::open`](crate::LineFile::open), a list like
    /// `vec!["a line", "another"]`, or an [`Input`] of your own. Each history plays a window of it. Otherwise they
    /// are made up: 16 hexadecimal digits each.
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

    /// Whether partition leaders ask the coordinator before they take a batch of the older protocol
    /// (`transaction.partition.verification.enable`); otherwise they do, as brokers from Kafka 3.6 on. With `false`, a client
    /// that does not fence what it finds open is told so: late batches of it are never ended (KIP-890).
    pub fn verification(mut self, verification: bool) -> Self {
        self.generator.verification = Some(verification);
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

    /// With faults of these kinds and no others, and at least one of them in each seed; otherwise each seed draws
    /// which kinds there are.
    ///
    /// ```
    /// # use twophase_sim::{Simulation, fault::FaultKind, subjects};
    /// let report = Simulation::new(subjects::exactly_once).only(&[FaultKind::Zombie]).seeds(0..20).run();
    /// assert!(report.summary().struck[FaultKind::Zombie as usize] > 0);
    /// assert_eq!(report.summary().struck[FaultKind::Crash as usize], 0);
    /// ```
    pub fn only(mut self, kinds: &[FaultKind]) -> Self {
        self.generator.only.extend(kinds);
        self
    }

    /// Without faults of this kind; otherwise each seed draws which kinds there are.
    pub fn without(mut self, kind: FaultKind) -> Self {
        self.generator.without.push(kind);
        self
    }

    /// This part of the seeds has faults of this kind, and the others have none: `Ratio::new(1, 4)`. Otherwise each
    /// seed draws which families there are (each is in half of the seeds) and how heavy they are. All other kinds
    /// stay as they are drawn.
    pub fn rate(mut self, kind: FaultKind, rate: Ratio) -> Self {
        self.generator.rates.retain(|(other, _)| *other != kind);
        self.generator.rates.push((kind, rate));
        self
    }

    /// Changes the settings that a seed drew, with what the methods above have fixed in them: whatever of
    /// [`Settings`] has no method of its own. What is not changed stays drawn, and so does all else, for what
    /// comes out. The transaction timeout is drawn last, so that it lies inside the safe rule: see
    /// [`Simulation::transaction_timeout`].
    pub fn adjust(mut self, change: impl Fn(&mut Settings) + Send + Sync + 'static) -> Self {
        self.generator.adjust = Some(Arc::new(change));
        self
    }

    /// The transaction timeout; otherwise drawn, one to one and a half times what the safe rule asks for. Inside the
    /// safe rule it is an error if it is shorter than the rule asks for in any of the seeds; with
    /// [`Safety::Unsafe`] it may be, and records are lost.
    pub fn transaction_timeout(mut self, timeout: Duration) -> Self {
        self.generator.transaction_timeout = Some(timeout);
        self
    }

    /// A budget of time instead of seeds: begins no further history once this much has passed. With
    /// [`seeds`](Self::seeds) as well, whichever ends first. How many are played depends on the machine then, what each
    /// of them gives does not.
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

    /// Replays the regressions of this test, and then plays all seeds.
    ///
    /// # Panics
    /// If the input or a regression cannot be read, if a setting cannot be played or contradicts another, if no seed is
    /// to be played, or if one of the variables above is set to something that it cannot mean.
    #[track_caller]
    pub fn run(self) -> Report {
        let asked = asked(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
        match asked.and_then(|asked| self.play(asked)) {
            Ok(report) => report,
            Err(line) => panic!("{line}"),
        }
    }
}
