//! Schedules as files: the durable form of a failure. A seed belongs to one build of the generator; a saved
//! schedule embeds everything and belongs to the version of this format.

mod place;
mod reading;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::anomaly::Anomaly;
use crate::coverage::Window;
use crate::outcome::{Outcome, Verdict};
use crate::reach::crashes_in;
use crate::schedule::Schedule;
use crate::subject::Subject;

/// The version that is written, and the only one that is read. Raised whenever a schedule that was saved
/// would play differently: also when what the delays are drawn from its timing changes.
pub const FORMAT: u32 = 1;

/// A saved schedule, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// [`FORMAT`].
    pub format: u32,
    /// The subject it was played with.
    pub subject: String,
    /// The test it belongs to, if it does not belong to a built-in subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What is to come of it.
    pub expected: Expectation,
    /// The crash window in which its faults strike a process. A replay in which they no longer do is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes_in: Option<Window>,
    /// What is played.
    pub schedule: Schedule,
}

/// What is to come of a saved schedule: `"held"`, or `{"failed": {"anomaly": "lost", "window": "W4"}}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expectation {
    /// [`Verdict::Held`].
    Held,
    /// [`Verdict::Vacuous`].
    Vacuous,
    /// [`Verdict::FailStop`], saying whatever.
    FailStop,
    /// [`Verdict::Failed`], with this anomaly in this window.
    Failed {
        /// What is found.
        anomaly: Anomaly,
        /// In which window, if in one.
        window: Option<Window>,
    },
}

impl From<&Verdict> for Expectation {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Held => Expectation::Held,
            Verdict::Vacuous => Expectation::Vacuous,
            Verdict::FailStop(_) => Expectation::FailStop,
            Verdict::Failed(finding) => {
                Expectation::Failed { anomaly: finding.anomaly, window: finding.window }
            }
        }
    }
}

impl Display for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expectation::Held => f.write_str("held"),
            Expectation::Vacuous => f.write_str("vacuous"),
            Expectation::FailStop => f.write_str("fail-stop"),
            Expectation::Failed { anomaly, window } => {
                write!(f, "{anomaly}")?;
                window.map_or(Ok(()), |window| write!(f, " in {window}"))
            }
        }
    }
}

impl Saved {
    /// A schedule that was played with this subject, and what came of it.
    pub fn of(subject: &Subject, schedule: &Schedule, outcome: &Outcome) -> Self {
        Saved {
            format: FORMAT,
            subject: subject.name.clone(),
            test: None,
            expected: Expectation::from(&outcome.verdict),
            crashes_in: crashes_in(outcome),
            schedule: schedule.clone(),
        }
    }

    /// Reads the file at `path`. What it returns can be played.
    ///
    /// # Errors
    /// A sentence that names the file and the place in it, what was found there, what was expected, and what to do.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let bytes = std::fs::read(path)
            .map_err(|error| format!("{name}: cannot read it ({error}); expected a saved schedule"))?;
        reading::read(&bytes).map_err(|what| format!("{name}{what}"))
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    /// The same, without the name of the file: it begins with the place.
    ///
    /// ```
    /// use twophase_sim::Saved;
    ///
    /// let error = Saved::parse("{\n  \"format\": 9\n}").unwrap_err();
    /// assert!(error.starts_with(":2:13: has format 9; expected format 1"), "{error}");
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        reading::read(text.as_bytes())
    }

    /// Writes it to a new file.
    ///
    /// # Errors
    /// A sentence, if the file exists or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        create(path, |file| self.print(file))
    }

    /// As it stands in a file.
    pub(crate) fn print(&self, file: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *file, self)?;
        file.write_all(b"\n")
    }
}

/// Fails, if there is something at `path` already: asked before a long run, and again when it is over.
///
/// # Errors
/// A sentence.
pub(crate) fn must_not_exist(path: &Path) -> Result<(), String> {
    match path.symlink_metadata() {
        Ok(_) => Err(exists(path)),
        Err(_) => Ok(()),
    }
}

fn exists(path: &Path) -> String {
    let name = path.display();
    format!(
        "{name}: exists already; expected a new file, nothing is overwritten: give another name, or remove it"
    )
}

/// Writes a new file, which appears whole or not at all: a reader never meets half of it, and nothing that was
/// there is lost, even if it came there meanwhile.
///
/// # Errors
/// A sentence, if the file exists or cannot be written.
pub(crate) fn create(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    must_not_exist(path)?;
    let file = whole(path, write)?;
    file.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => cannot_be_written(path, &error.error),
    })?;
    Ok(())
}

/// The same, but what stands there already is replaced if it `is_ours`: drawn before, and drawn again.
///
/// # Errors
/// A sentence, if something else is there, or the file cannot be written.
pub(crate) fn create_or_renew(
    path: &Path,
    is_ours: impl FnOnce(&Path) -> bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    if must_not_exist(path).is_ok() || !is_ours(path) {
        return create(path, write);
    }
    let file = whole(path, write)?;
    file.persist(path).map_err(|error| cannot_be_written(path, &error.error))?;
    Ok(())
}

fn cannot_be_written(path: &Path, error: &io::Error) -> String {
    let name = path.display();
    format!(
        "{name}: cannot be written ({error}); expected a new file in a directory that exists and may be written to"
    )
}

/// All of it, beside its place, to be moved there.
fn whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<tempfile::NamedTempFile, String> {
    let cannot = |error: io::Error| cannot_be_written(path, &error);
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file = temporary(directory).map_err(cannot)?;
    let mut buffered = io::BufWriter::new(file);
    write(&mut buffered).map_err(cannot)?;
    let file = buffered.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.as_file().sync_all().map_err(cannot)?;
    Ok(file)
}

/// In the same directory, so that it can be renamed; readable by whom the user's mask says.
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(all);
    builder.prefix(".twophase").tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use crate::seed::Seed;

    fn saved() -> Saved {
        Saved {
            format: FORMAT,
            subject: "kafka".to_owned(),
            test: None,
            expected: Expectation::Failed { anomaly: Anomaly::Lost, window: Some(Window::W4) },
            crashes_in: Some(Window::W4),
            schedule: Generator::default().schedule(Seed(7)).unwrap(),
        }
    }

    #[test]
    fn what_is_saved_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seven.json");
        saved().write(&path).unwrap();
        assert_eq!(Saved::read(&path).unwrap(), saved());
    }

    #[test]
    fn a_file_that_exists_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine");
        std::fs::write(&path, "mine").unwrap();
        assert!(saved().write(&path).unwrap_err().contains("exists already"));
        let late = create(&path, |_| unreachable!("it is asked first"));
        assert!(late.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_what_was_expected() {
        let good = serde_json::to_string_pretty(&saved()).unwrap();
        let cut = &good[..good.len() / 2];
        for (text, says) in [
            (cut.to_owned(), "ends in the middle"),
            (String::new(), "ends in the middle"),
            (format!("{good} x"), "trailing characters"),
            (good.replace("\"format\": 1", "\"format\": 99"), "has format 99; expected format 1"),
            (good.replace("\"format\": 1,", ""), "has no format"),
            (good.replace("\"heal_at\"", "\"heel_at\""), "unknown field `heel_at`"),
            (good.replace("\"subject\"", "\"sub\""), "unknown field `sub`"),
            (good.replace("\"lost\"", "\"mislaid\""), "unknown variant `mislaid`"),
            (good.replace("\"partitions\": ", "\"partitions\": -"), "invalid value"),
        ] {
            let error = Saved::parse(&text).unwrap_err();
            assert!(error.contains(says) && error.contains("expected"), "{says}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
