//! What a command's end tells scripts.

use crate::anomaly::Anomaly;
use crate::outcome::Verdict;
use crate::summary::Summary;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Committed output equalled input, exactly once, in every history.
    Held = 0,
    /// The command line or an input was wrong; one line said how. Nothing was written.
    Usage = 1,
    /// An anomaly was found.
    Anomaly = 2,
    /// Something never ended: a transaction, a job that restarts for ever, or code that never waits.
    Stuck = 3,
    /// Two plays of one schedule differed, so no other result can be relied on.
    NotDeterministic = 4,
    /// No history of the sweep entered any crash window: it shows nothing.
    Vacuous = 5,
    /// Ctrl-C ended it early; what it says is of the part that was played.
    Interrupted = 130,
}

impl Exit {
    /// How a sweep ends. Where several apply, the one that makes the others worthless comes first.
    /// `calm` is a sweep whose faults were switched off on purpose: nothing dangerous was meant to happen.
    pub fn of_sweep(summary: &Summary, calm: bool) -> Self {
        if summary.unequal.is_some() {
            return Exit::NotDeterministic;
        }
        let worst = summary.groups.keys().map(|(anomaly, _)| Exit::of_anomaly(*anomaly));
        match worst.min_by_key(|exit| *exit as u8) {
            Some(failed) => failed,
            None if summary.is_vacuous() && !calm => Exit::Vacuous,
            None => Exit::Held,
        }
    }

    /// How the play of one history ends. A vacuous one is no failure: it was asked for by its number, and
    /// makes no claim about a search.
    pub fn of_history(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Failed(finding) => Exit::of_anomaly(finding.anomaly),
            Verdict::Held | Verdict::Vacuous | Verdict::FailStop(_) => Exit::Held,
        }
    }

    fn of_anomaly(anomaly: Anomaly) -> Self {
        match anomaly {
            Anomaly::Stuck | Anomaly::Hung => Exit::Stuck,
            _ => Exit::Anomaly,
        }
    }

    /// The number that scripts see.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
