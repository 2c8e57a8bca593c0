//! What came of a simulation, and what a test may assert of it.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::keep::Kept;
use super::places::Places;
use super::regressions::{Came, Regression, Replayed, Stale};
use crate::anomaly::{Anomaly, Finding};
use crate::exit::Exit;
use crate::file::Expectation;
use crate::generate::Generator;
use crate::report::{Failure, Grouped, Missed, NotDeterministic, Smallest, Totals, allowed_by, sandbox_note};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::{Shrink, Shrunk};
use crate::subject::Subject;
use crate::summary::{Group, Summary};
use crate::twice::play_twice;
use crate::watch::Keep;
use crate::why::{Explain, NEAREST_BUDGET, Why};

/// What came of a [`Simulation`](super::Simulation).
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) subject: Subject,
    pub(super) generator: Generator,
    pub(super) summary: Summary,
    pub(super) elapsed: Duration,
    /// How the test is called in the files of its failures.
    pub(super) test: String,
    /// How its harness calls it, if one does: what `cargo test` is told.
    pub(super) filter: Option<String>,
    pub(super) places: Option<Places>,
    /// What was replayed before any seed.
    pub(super) regressions: Vec<Replayed>,
    pub(super) hang_timeout: Duration,
    /// One history was asked for by its number.
    pub(super) one: bool,
    pub(super) jobs: usize,
    pub(super) shrink_budget: Duration,
    /// What the first failure was found as, and shrunk to: once somebody asks.
    pub(super) shrunk: OnceLock<Option<(Arc<Schedule>, Shrunk)>>,
}

impl Report {
    /// What was counted.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The smallest schedule that still fails in the same way as the first failure, by seed; none if nothing failed,
    /// if it does not come back or two plays of a seed differed, or if the budget is nothing. It is looked for when this is called for the first time,
    /// or a failure printed.
    pub fn shrunk(&self) -> Option<&Shrunk> {
        self.found_and_shrunk().map(|(_, shrunk)| shrunk)
    }

    fn found_and_shrunk(&self) -> Option<&(Arc<Schedule>, Shrunk)> {
        self.shrunk.get_or_init(|| self.shrink()).as_ref()
    }

    /// What cannot be made smaller for a reason of this machine or of the input is shown as it was found.
    fn shrink(&self) -> Option<(Arc<Schedule>, Shrunk)> {
        let first = self.first_failure()?;
        let unreliable = self.summary.unequal.is_some() || self.summary.hung == Some(first.seed);
        if self.shrink_budget.is_zero() || unreliable {
            return None;
        }
        let found = self.subject.pin(self.generator.clone()).schedule(first.seed).ok()?;
        let found = Arc::new(found);
        let shrink = Shrink {
            budget: self.shrink_budget,
            jobs: self.jobs,
            hang_timeout: self.hang_timeout,
            ..Shrink::new(&self.subject)
        };
        let shrunk = shrink.run(&found, &first.finding, &AtomicBool::new(false), &|_| {});
        shrunk.ok().flatten().map(|shrunk| (found, shrunk))
    }

    pub(super) fn first_failure(&self) -> Option<&Group> {
        self.summary.groups.values().min_by_key(|group| group.seed)
    }

    /// Every history committed its input exactly once, the search entered at least one crash window, and no regression
    /// failed again or is stale.
    ///
    /// # Panics
    /// With the first failure of each kind and the line that replays it, if not; the first of all is written to
    /// `target/twophase/`. Also if two plays of one seed differed, or if no history entered any crash window, unless
    /// faults were switched off.
    #[track_caller]
    pub fn assert_exactly_once(&self) {
        let mended = self.is_mended();
        match self.exit() {
            Exit::Held if mended => {}
            Exit::Vacuous if mended => panic!("\n\n{}{}", self.vacuous(), sandbox_note()),
            _ => {
                let drawn = self.regressions.iter().map(|replayed| self.draw_again(replayed)).collect();
                panic!("\n\n{}", Told { report: self, drawn, kept: self.keep() })
            }
        }
    }

    /// At least one history showed this anomaly: what a test of a broken subject asserts. Returns the first
    /// of them, by seed.
    ///
    /// # Panics
    /// If none did.
    #[track_caller]
    pub fn assert_finds(&self, anomaly: Anomaly) -> &Group {
        let groups = self.summary.groups.iter().filter(|((found, _), _)| *found == anomaly);
        match groups.map(|(_, group)| group).min_by_key(|group| group.seed) {
            Some(group) => group,
            None => panic!("\n\n{anomaly} was expected, and not found\n\n{self}"),
        }
    }

    /// Whether no regression failed again or is stale.
    fn is_mended(&self) -> bool {
        self.regressions.iter().all(|replayed| replayed.came == Came::Mended)
    }

    fn exit(&self) -> Exit {
        Exit::of_sweep(&self.summary, self.generator.calm || self.one)
    }

    fn vacuous(&self) -> String {
        format!(
            "FAIL  vacuous       {} seeds\n\n  \
             no history entered any crash window, so nothing was shown: play more seeds or more records,\n  \
             or say faults(false) if nothing was to go wrong; a sink of your own also has to note what it does\n\n{}",
            Grouped(self.summary.seeds),
            Missed(&self.summary)
        )
    }

    fn replay(&self, seed: Seed) -> String {
        format!("TWOPHASE_SEED={seed} cargo test{}", self.filter())
    }

    pub(super) fn replay_file(&self, file: &str) -> String {
        format!("TWOPHASE_REPLAY={file} cargo test{}", self.filter())
    }

    /// What comes behind `cargo test`.
    fn filter(&self) -> String {
        self.filter.as_ref().map_or(String::new(), |test| format!(" {test}"))
    }

    /// A regression that failed again, and its picture.
    fn again(&self, replayed: &Replayed, finding: &Finding, timeline: Option<&String>) -> String {
        let Replayed { regression: Regression { name, saved, .. }, outcome, .. } = replayed;
        let schedule = Arc::new(saved.schedule.clone());
        let why = if finding.anomaly == Anomaly::Hung { None } else { self.explain(&schedule) };
        let of = match saved.expected == Expectation::from(&outcome.verdict) {
            true => format!("{name}, again"),
            false => format!("{name}, which was: {}", saved.expected),
        };
        let failure = Failure {
            of,
            finding,
            among: None,
            allowed_by: allowed_by(finding, &schedule),
            smallest: None,
            why: why.as_ref(),
            replay: &self.replay_file(name),
            more: timeline.map(std::slice::from_ref).unwrap_or_default(),
        };
        failure.to_string()
    }

    fn failure(&self, group: &Group, kept: Option<&Result<Kept, String>>) -> String {
        let schedule = self.subject.pin(self.generator.clone()).schedule(group.seed).ok();
        let is_first = self.first_failure().is_some_and(|first| first.seed == group.seed);
        let (replay, more) = match kept.filter(|_| is_first) {
            Some(Ok(kept)) => (kept.replay.clone(), kept.more.clone()),
            Some(Err(why)) => (self.replay(group.seed), vec![format!("not kept: {why}")]),
            None => (self.replay(group.seed), Vec::new()),
        };
        let shrunk = is_first.then(|| self.found_and_shrunk()).flatten();
        let schedule = schedule.map(Arc::new);
        let told = shrunk.map(|(_, shrunk)| &shrunk.schedule).or(schedule.as_ref());
        let why = told.and_then(|schedule| self.why(group, schedule));
        let failure = Failure {
            of: format!("seed {}", group.seed),
            finding: &group.finding,
            among: Some((group.count, self.summary.seeds, self.elapsed)),
            allowed_by: schedule.as_ref().and_then(|schedule| allowed_by(&group.finding, schedule)),
            smallest: shrunk.map(|(found, shrunk)| Smallest { found, shrunk }),
            why: why.as_ref(),
            replay: &replay,
            more: &more,
        };
        failure.to_string()
    }

    /// Only of what can be relied on.
    fn why(&self, group: &Group, schedule: &Arc<Schedule>) -> Option<Why> {
        let unreliable = self.summary.unequal.is_some() || self.summary.hung == Some(group.seed);
        if unreliable { None } else { self.explain(schedule) }
    }

    fn explain(&self, schedule: &Arc<Schedule>) -> Option<Why> {
        let (subject, hang_timeout) = (&self.subject, self.hang_timeout);
        Explain { subject, schedule, hang_timeout, budget: NEAREST_BUDGET }.again()
    }

    fn not_deterministic(&self) -> Option<String> {
        let unequal = self.summary.unequal?;
        let schedule = self.subject.pin(self.generator.clone()).schedule(unequal.seed).ok()?;
        let keep = Keep { history: true, ..Keep::default() };
        let twice = play_twice(&self.subject, &Arc::new(schedule), keep, self.hang_timeout).ok()?;
        let said = NotDeterministic::new(unequal, twice, &self.replay(unequal.seed)).to_string();
        Some(said)
    }
}

/// The first failure of each kind, then what it all adds up to.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Told { report: self, drawn: Vec::new(), kept: None }.fmt(f)
    }
}

/// A report, and what became of its failures.
struct Told<'a> {
    report: &'a Report,
    /// Where the pictures of its regressions are.
    drawn: Vec<Option<String>>,
    kept: Option<Result<Kept, String>>,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { report, drawn, kept } = self;
        for (index, replayed) in report.regressions.iter().enumerate() {
            let Replayed { regression, outcome, came } = replayed;
            match (came, outcome.finding()) {
                (Came::Stale(missed), _) => {
                    writeln!(f, "{}", Stale { regression, missed, filter: &report.filter() })?;
                }
                (_, Some(finding)) => {
                    let timeline = drawn.get(index).and_then(Option::as_ref);
                    writeln!(f, "{}", report.again(replayed, finding, timeline))?;
                }
                (_, None) => {}
            }
        }
        if let Some(said) = report.not_deterministic() {
            writeln!(f, "{said}")?;
        }
        for group in report.summary.groups.values() {
            writeln!(f, "{}", report.failure(group, kept.as_ref()))?;
        }
        if report.summary.seeds > 0 {
            let held = report.exit() == Exit::Held;
            let word = if held { "ok" } else { "FAIL" };
            let totals = Totals { summary: &report.summary, elapsed: report.elapsed, word };
            match held && report.is_mended() {
                true => write!(f, "{totals}")?,
                false => totals.headline(f)?,
            }
        }
        write!(f, "{}", sandbox_note())
    }
}
