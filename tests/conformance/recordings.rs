//! The frame around the recordings: finds them, has them played, compares, and says one line per folder.
//!
//! The rule behind every branch: a recording that was not compared must never look like one that agreed.

mod lines;
mod read;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

use self::read::{Recording, read_folder};

/// A schedule asks for an operation that its player does not know (yet).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotCovered(pub(crate) String);

/// Plays a schedule and returns the trace, one value a line. It panics if the schedule makes no sense.
pub(crate) type Play = fn(&[Value]) -> Result<Vec<Value>, NotCovered>;

/// Names another parent of the folders than this directory.
const VARIABLE: &str = "TWOPHASE_CONFORMANCE_DIR";

/// How many disagreements a failure tells in full.
const TOLD: usize = 3;

/// Plays a folder's recordings and prints the line about it.
///
/// # Panics
/// Unless all of them agree, with the first difference of each of the first few.
pub(crate) fn check(folder: &str, played: &[&str], play: Play) {
    match Parent::from_environment().judge(folder, played, play) {
        Ok(told) => print_line(folder, &told),
        Err(Failed { told, details }) => {
            print_line(folder, &told);
            panic!("{folder}: {told}{details}"); // in other words: the line itself is there once
        }
    }
}

/// Prints a line for each folder beside the known ones.
pub(crate) fn name_the_rest(played: &[&str]) {
    let parent = Parent::from_environment();
    let folders = parent.folders().unwrap_or_else(|why| panic!("{why}"));
    for folder in folders.iter().filter(|folder| !played.contains(&folder.as_str())) {
        print_line(folder, "not yet covered");
    }
}

/// Where the folders are.
struct Parent {
    path: PathBuf,
    /// Whether somebody named it. Then it need not hold all of the folders; ours must.
    named: bool,
}

/// Why a folder does not conform: for its line, and what a failing test says behind that.
#[derive(Debug)]
struct Failed {
    told: String,
    details: String,
}

/// What playing one recording came to.
enum Played {
    Agrees,
    NotCovered(String),
    Differs(String),
}

impl Parent {
    fn from_environment() -> Self {
        match env::var_os(VARIABLE) {
            Some(path) => Parent { path: path.into(), named: true },
            None => {
                Parent { path: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance"), named: false }
            }
        }
    }

    /// What there is to say of `folder`.
    fn judge(&self, folder: &str, played: &[&str], play: Play) -> Result<String, Failed> {
        let present = self.folders()?;
        if !played.iter().any(|known| present.contains(*known)) {
            let parent = self.path.display();
            return Err(format!("{parent} holds none of {}", played.join(", ")).into());
        }
        if !present.contains(folder) {
            let absent = format!("absent from {}", self.path.display());
            return if self.named { Ok(absent) } else { Err(absent.into()) };
        }
        Outcome::of(&read_folder(&self.path.join(folder))?, play).verdict()
    }

    /// The names of the folders in it, but for hidden ones and for a test's own sources beside their `.rs`.
    fn folders(&self) -> Result<BTreeSet<String>, String> {
        let mut folders = BTreeSet::new();
        for entry in fs::read_dir(&self.path).map_err(|why| self.unreadable(&why))? {
            let entry = entry.map_err(|why| self.unreadable(&why))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let sources = self.path.join(format!("{name}.rs")).is_file();
            if entry.path().is_dir() && !sources && !name.starts_with('.') {
                folders.insert(name);
            }
        }
        Ok(folders)
    }

    fn unreadable(&self, why: &std::io::Error) -> String {
        let named = if self.named { format!(" (from {VARIABLE})") } else { String::new() };
        format!("cannot read {}{named}: {why}", self.path.display())
    }
}

/// What playing a whole folder came to.
#[derive(Default)]
struct Outcome {
    agree: usize,
    not_covered: Vec<String>,
    differ: BTreeMap<String, String>,
}

impl Outcome {
    fn of(recordings: &[Recording], play: Play) -> Self {
        let mut outcome = Outcome::default();
        for recording in recordings {
            match recording.play(play) {
                Played::Agrees => outcome.agree += 1,
                Played::NotCovered(operation) => {
                    outcome.not_covered.push(format!("{} ({operation})", recording.name));
                }
                Played::Differs(how) => {
                    outcome.differ.insert(recording.name.clone(), how);
                }
            }
        }
        outcome
    }

    fn summary(&self) -> String {
        let mut summary = format!("{} of {} schedules agree", self.agree, self.agree + self.differ.len());
        if !self.differ.is_empty() {
            let names: Vec<&str> = self.differ.keys().map(String::as_str).collect();
            write!(summary, "; these do not: {}", names.join(", ")).expect("a String takes all text");
        }
        if !self.not_covered.is_empty() {
            write!(summary, "; not yet covered: {}", self.not_covered.join(", "))
                .expect("a String takes all text");
        }
        summary
    }

    fn verdict(&self) -> Result<String, Failed> {
        let told = self.summary();
        if self.differ.is_empty() && self.agree > 0 {
            return Ok(told);
        }
        let differ = self.differ.iter().take(TOLD);
        let mut details: String = differ.map(|(name, how)| format!("\n\n{name}: {how}")).collect();
        if self.differ.is_empty() {
            details.push_str("\nnothing was compared");
        }
        Err(Failed { told, details })
    }
}

impl From<String> for Failed {
    fn from(told: String) -> Self {
        let details = String::new();
        Failed { told, details }
    }
}

impl Recording {
    /// A panic of the logic is a disagreement like any other: it must not hide the recordings behind it.
    fn play(&self, play: Play) -> Played {
        match catch_unwind(AssertUnwindSafe(|| play(&self.schedule))) {
            Ok(Err(NotCovered(operation))) => Played::NotCovered(operation),
            Ok(Ok(trace)) => match first_difference(&self.trace, &trace) {
                None => Played::Agrees,
                Some(difference) => Played::Differs(difference),
            },
            Err(panic) => Played::Differs(format!("panicked: {}", text_of(&*panic))),
        }
    }
}

/// The first line at which two traces part.
fn first_difference(expected: &[Value], got: &[Value]) -> Option<String> {
    let lines = expected.len().max(got.len());
    let at = (0..lines).find(|&at| expected.get(at) != got.get(at))?;
    let shown = |line: Option<&Value>| line.map_or("nothing more".to_owned(), Value::to_string);
    Some(format!(
        "line {} of the trace\n  expected  {}\n  got       {}",
        at + 1,
        shown(expected.get(at)),
        shown(got.get(at)),
    ))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

/// Past the test harness, which swallows `println!` of a test that passes. The line break in front is there
/// because the harness may just have written the half of a line.
fn print_line(folder: &str, told: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nconformance {folder}: {told}").expect("standard output takes a line");
}
