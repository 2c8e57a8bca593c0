//! One schedule, played twice. Determinism is a number; where the numbers differ, this names the first event.

use std::sync::Arc;

use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::subject::Subject;
use crate::sweep::{Threads, play_on};
use crate::watch::Keep;

/// The first event in which two plays of one schedule differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which event, counting from 1; one past the last if only the ends differ.
    pub step: usize,
    /// How it printed the first time; nothing, if that play was already over.
    pub first: Option<String>,
    /// How it printed the second time.
    pub second: Option<String>,
}

/// Plays `schedule` twice, and keeps of the first play what `keep` says. The difference, if there is one.
pub fn play_twice(
    threads: Threads,
    subject: &Subject,
    schedule: &Arc<Schedule>,
    keep: Keep,
) -> (Outcome, Option<Difference>) {
    let keep_all = Keep { history: true, digests: true, ..keep };
    let mut first = play_on(threads, subject, schedule, keep_all);
    let second = play_on(threads, subject, schedule, keep_all);
    let difference = (first.digest != second.digest).then(|| compare(&first, &second));
    if !keep.history {
        first.history = None;
    }
    if !keep.digests {
        first.digests = None;
    }
    (first, difference)
}

fn compare(first: &Outcome, second: &Outcome) -> Difference {
    let digests = |outcome: &'_ Outcome| outcome.digests.clone().unwrap_or_default();
    let (one, two) = (digests(first), digests(second));
    let same = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    let line = |outcome: &Outcome| outcome.history.as_ref().and_then(|history| history.line(same));
    Difference { step: same + 1, first: line(first), second: line(second) }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = |line: &Option<String>| line.clone().unwrap_or_else(|| "(already over)".to_owned());
        writeln!(f, "two plays of one schedule differ, first at step {}:", self.step)?;
        writeln!(f, "  first   {}", line(&self.first))?;
        write!(f, "  second  {}", line(&self.second))?;
        if self.first == self.second {
            write!(f, "\n  they print alike: what differs is in the bytes")?;
        }
        Ok(())
    }
}
