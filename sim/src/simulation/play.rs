//! What a test plays: its regressions and its seeds, or what the environment asks for in their place.

use std::env;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::environment::{Asked, Play, bad};
use super::places::Places;
use super::regressions::{Regression, Replayed};
use super::{Report, Simulation};
use crate::anomaly::Anomaly;
use crate::drawn::Drawn;
use crate::file::{Expectation, Saved};
use crate::outcome::Outcome;
use crate::report::Figures;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::seeds::Extent;
use crate::shell::quoted;
use crate::summary::Summary;
use crate::sweep::{Sweep, play_alone};
use crate::wall::Stopwatch;
use crate::watch::Keep;

/// How many seeds a test plays that does not say: enough to enter every window often, few enough for a debug
/// build.
const DEFAULT_SEEDS: Range<u64> = 0..500;

/// More than anybody has the time for.
const ALL_SEEDS: Range<u64> = 0..u64::MAX;

impl Simulation {
    pub(super) fn play(self, asked: Asked) -> Result<Report, String> {
        let places = Places::of(|name| env::var_os(name), env::current_dir().ok());
        match asked.play {
            Some(Play::Replay(file)) => self.play_file(places, &file),
            Some(Play::Renew(file)) => self.renew_file(places, &file),
            Some(Play::Seeds(extent)) => self.play_all(places, Some(extent), asked.trace),
            None => self.play_all(places, None, asked.trace),
        }
    }

    fn play_all(self, places: Option<Places>, asked: Option<Extent>, trace: bool) -> Result<Report, String> {
        let named = |line: String| format!("{}: {line}", self.subject.name);
        let extent = self.extent(asked)?;
        self.check(&extent).map_err(named)?;
        let watch = Stopwatch::start();
        let regressions = places.as_ref().map(|places| self.regressions(places)).transpose()?;
        let replayed: Result<Vec<_>, _> =
            regressions.into_iter().flatten().map(|regression| self.replay(regression)).collect();
        let (one, played) = match &extent {
            Extent::One(seed) => (true, self.play_one(*seed)),
            Extent::Many(seeds) => (false, self.play_many(seeds, &watch)),
        };
        let summary = played.map_err(|error| named(unreadable(&error)))?;
        let elapsed = watch.elapsed();
        if trace && !one {
            self.trace_first_failure(&summary);
        }
        Ok(Report { one, summary, elapsed, ..self.report(places, replayed?) })
    }

    /// One file and nothing else, with its trace.
    fn play_file(self, places: Option<Places>, file: &str) -> Result<Report, String> {
        let regression = self.typed("TWOPHASE_REPLAY", places.as_ref(), file)?;
        let replayed = self.replay(regression)?;
        println!("{file} of {}\n{}", self.subject.name, Drawn(&replayed.regression.saved.schedule));
        trace(&replayed.regression.saved.schedule, &replayed.outcome);
        Ok(self.report(places, vec![replayed]))
    }

    /// One file, written anew. What the harness captures nobody would see.
    fn renew_file(self, places: Option<Places>, file: &str) -> Result<Report, String> {
        let regression = self.typed("TWOPHASE_RENEW", places.as_ref(), file)?;
        let changed = self.renew(&regression)?;
        let _ = writeln!(io::stderr(), "renewed  {file}\n    {}", changed.join("\n    "));
        let renewed = self.typed("TWOPHASE_RENEW", places.as_ref(), file)?;
        let replayed = self.replay(renewed)?;
        Ok(self.report(places, vec![replayed]))
    }

    /// A file that a variable of the environment names.
    fn typed(&self, variable: &str, places: Option<&Places>, file: &str) -> Result<Regression, String> {
        let path = places.map_or_else(|| file.into(), |places| places.typed(file));
        let saved = Saved::read(&path).map_err(|line| bad(variable, &line))?;
        self.is_for(&saved).map_err(|what| bad(variable, &format!("{file}: {what}")))?;
        Ok(Regression { name: quoted(file), path, saved })
    }

    /// Of what was replayed, and of no seed yet.
    fn report(self, places: Option<Places>, regressions: Vec<Replayed>) -> Report {
        Report {
            one: true,
            summary: Summary::default(),
            elapsed: Duration::ZERO,
            test: self.test(),
            filter: test_name(),
            places,
            regressions,
            subject: self.subject,
            generator: self.generator,
            hang_timeout: self.hang_timeout,
            jobs: self.jobs,
            shrink_budget: self.shrink_budget,
            shrunk: OnceLock::new(),
        }
    }

    /// How this test is called in the files of its failures.
    pub(super) fn test(&self) -> String {
        let name = self.name.clone().or_else(test_name);
        name.unwrap_or_else(|| self.subject.name.clone())
    }

    fn extent(&self, asked: Option<Extent>) -> Result<Extent, String> {
        match (asked, &self.seeds) {
            (Some(asked), _) => Ok(asked),
            (None, Some(seeds)) if seeds.is_empty() => Err(format!(
                "seeds({}..{}) holds no seed; expected at least one, like 0..500",
                seeds.start, seeds.end
            )),
            (None, Some(seeds)) => Ok(Extent::Many(seeds.clone())),
            (None, None) if self.budget.is_some() => Ok(Extent::Many(ALL_SEEDS)),
            (None, None) => Ok(Extent::Many(DEFAULT_SEEDS)),
        }
    }

    fn play_many(&self, seeds: &Range<u64>, watch: &Stopwatch) -> io::Result<Summary> {
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

    /// With its trace.
    fn play_one(&self, seed: Seed) -> io::Result<Summary> {
        let schedule = Arc::new(self.subject.pin(self.generator.clone()).schedule(seed)?);
        let keep = Keep { history: true, digests: true, ..Keep::default() };
        let outcome = play_alone(&self.subject, &schedule, keep, self.hang_timeout)?;
        println!("seed {seed} of {}\n{}", self.subject.name, Drawn(&schedule));
        trace(&schedule, &outcome);
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

/// Printed like everything a test prints: shown if it fails, or with `--nocapture`.
fn trace(schedule: &Schedule, outcome: &Outcome) {
    if let Some(history) = &outcome.history {
        println!("{history}");
    }
    let figures = Figures { outcome, faults: schedule.faults.len() };
    println!("{}\n{figures}", Expectation::from(&outcome.verdict));
}

/// Settings that nobody can play name themselves; everything else that fails is the input.
pub(super) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidInput => error.to_string(),
        _ => format!("the input: {error}"),
    }
}

/// The test that runs, as its harness calls it: by the name of its thread.
pub(super) fn test_name() -> Option<String> {
    let name = std::thread::current().name().map(str::to_owned);
    name.filter(|name| name != "main")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subjects;

    #[test]
    fn a_budget_of_time_stands_in_place_of_seeds_or_beside_them() {
        let simulation = || Simulation::new(subjects::exactly_once);
        let budget = Duration::from_secs(60);
        let many =
            |simulation: Simulation| simulation.extent(None).map(|extent| extent == Extent::Many(ALL_SEEDS));
        assert_eq!(many(simulation().for_at_most(budget)), Ok(true));
        for bounded in [simulation(), simulation().seeds(0..9).for_at_most(budget)] {
            assert_eq!(many(bounded), Ok(false));
        }
    }
}
