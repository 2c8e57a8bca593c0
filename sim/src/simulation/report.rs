//! What came of a simulation, and what a test may assert of it.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::anomaly::Anomaly;
use crate::exit::Exit;
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
    pub(super) test: Option<String>,
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

    fn first_failure(&self) -> Option<&Group> {
        self.summary.groups.values().min_by_key(|group| group.seed)
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
        let groups = self.summary.groups.iter().filter(|((found, _), _)| *found == anomaly);
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
             or say faults(false) if nothing was to go wrong; a sink of your own also has to note what it does\n\n{}",
            Grouped(self.summary.seeds),
            Missed(&self.summary)
        )
    }

    fn replay(&self, seed: Seed) -> String {
        let test = self.test.as_ref().map(|test| format!(" {test}"));
        format!("TWOPHASE_SEED={seed} cargo test{}", test.unwrap_or_default())
    }

    fn failure(&self, group: &Group) -> String {
        let schedule = self.subject.pin(self.generator.clone()).schedule(group.seed).ok();
        let is_first = self.first_failure().is_some_and(|first| first.seed == group.seed);
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
            replay: &self.replay(group.seed),
        };
        failure.to_string()
    }

    /// Only of what can be relied on.
    fn why(&self, group: &Group, schedule: &Arc<Schedule>) -> Option<Why> {
        let unreliable = self.summary.unequal.is_some() || self.summary.hung == Some(group.seed);
        let explain = Explain {
            subject: &self.subject,
            schedule,
            hang_timeout: self.hang_timeout,
            budget: NEAREST_BUDGET,
        };
        if unreliable { None } else { explain.again() }
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
