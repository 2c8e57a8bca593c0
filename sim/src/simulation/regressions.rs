//! Failures of the past, which every run of their test replays before anything else.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Simulation;
use super::places::Places;
use crate::file::Saved;
use crate::outcome::{Outcome, Verdict};
use crate::reach::{Missed, missed};
use crate::sweep::play_alone;
use crate::watch::Keep;

/// A file of this test.
#[derive(Clone, Debug)]
pub(super) struct Regression {
    /// As people type it.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) saved: Saved,
}

/// A regression that was replayed.
#[derive(Clone, Debug)]
pub(super) struct Replayed {
    pub(super) regression: Regression,
    pub(super) outcome: Outcome,
    pub(super) came: Came,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It got there, and nothing is wrong any more.
    Mended,
    /// It fails, again or in another way.
    Failed,
    /// It shows nothing: it no longer gets where it was made for.
    Stale(Missed),
}

impl Simulation {
    /// The files of this test, in the order of their names. Those of other tests are theirs to replay.
    ///
    /// # Errors
    /// A line for each file that cannot be read, or that nobody would ever replay.
    pub(super) fn regressions(&self, places: &Places) -> Result<Vec<Regression>, String> {
        let mut paths = files(places)?;
        paths.sort();
        let (mut mine, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            match self.regression(places, path) {
                Ok(regression) => mine.extend(regression),
                Err(line) => errors.push(line),
            }
        }
        if errors.is_empty() { Ok(mine) } else { Err(errors.join("\n")) }
    }

    fn regression(&self, places: &Places, path: PathBuf) -> Result<Option<Regression>, String> {
        let saved = Saved::read(&path)?;
        let name = places.told(&path);
        let Some(test) = &saved.test else {
            return Err(format!(
                "{}: names no test, so nobody replays it; expected one: add \"test\": \"{}\", or move it elsewhere",
                path.display(),
                self.test()
            ));
        };
        if *test != self.test() {
            return Ok(None);
        }
        self.is_for(&saved).map_err(|what| format!("{}: {what}", path.display()))?;
        Ok(Some(Regression { name, path, saved }))
    }

    /// Whether a file is for this test and subject; or which ones it is for.
    pub(super) fn is_for(&self, saved: &Saved) -> Result<(), String> {
        let (test, subject) = (self.test(), &self.subject.name);
        match &saved.test {
            Some(of) if *of != test => Err(format!(
                "is for the test {of}; expected one for {test}, which is this test: play it with cargo test {of}"
            )),
            _ if saved.subject != *subject => Err(format!(
                "is for the subject {}; expected one for {subject}, which {test} plays \
                 (several simulations in one test each need a name of their own: .name(..))",
                saved.subject
            )),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// A line, if it cannot be played with what the test says of its outputs.
    pub(super) fn replay(&self, regression: Regression) -> Result<Replayed, String> {
        let keep = Keep { history: true, ..Keep::default() };
        let schedule = Arc::new(regression.saved.schedule.clone());
        let outcome = play_alone(&self.subject, &schedule, keep, self.hang_timeout);
        let outcome = outcome.map_err(|error| format!("{}: {error}", regression.name))?;
        let came = came(&regression.saved, &outcome);
        Ok(Replayed { regression, outcome, came })
    }
}

/// What came of a file, by what came of its schedule.
pub(super) fn came(saved: &Saved, outcome: &Outcome) -> Came {
    match (&outcome.verdict, missed(saved, outcome)) {
        (Verdict::Failed(_), _) => Came::Failed,
        (_, Some(missed)) => Came::Stale(missed),
        (_, None) => Came::Mended,
    }
}

fn files(places: &Places) -> Result<Vec<PathBuf>, String> {
    let cannot = |error: io::Error| {
        let name = places.regressions.display();
        format!("{name}: cannot be read ({error}); expected a directory with saved schedules, or none")
    };
    let entries = match std::fs::read_dir(&places.regressions) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(cannot)?,
    };
    let paths: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let paths = paths.map_err(cannot)?;
    Ok(paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect())
}

/// A regression that is stale, and how it is renewed.
pub(super) struct Stale<'a> {
    pub(super) regression: &'a Regression,
    pub(super) missed: &'a Missed,
    /// What comes behind `cargo test`.
    pub(super) filter: &'a str,
}

impl fmt::Display for Stale<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stale { regression: Regression { name, saved, .. }, missed, filter } = self;
        writeln!(f, "FAIL  stale         {name}\n")?;
        writeln!(
            f,
            "  it was made for: {}; and no longer gets there, so that it shows nothing:",
            saved.expected
        )?;
        write!(f, "{missed}")?;
        writeln!(f, "\n  renew    TWOPHASE_RENEW={name} cargo test{filter}")?;
        writeln!(
            f,
            "           looks nearby for a schedule that gets there, and writes it in its place; or"
        )?;
        writeln!(
            f,
            "           make the old mistake again, play the seeds, and keep what they find; or remove the file"
        )
    }
}
