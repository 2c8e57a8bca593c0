//! One schedule, played twice. Determinism is a number; where the numbers differ, this names the first event.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::subject::Subject;
use crate::sweep::play_alone;
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
///
/// # Errors
/// When no thread can be started.
pub fn play_twice(
    subject: &Subject,
    schedule: &Arc<Schedule>,
    keep: Keep,
    hang_timeout: Duration,
) -> io::Result<(Outcome, Option<Difference>)> {
    let keep_all = Keep { history: true, digests: true, ..keep };
    let mut first = play_alone(subject, schedule, keep_all, hang_timeout)?;
    let second = play_alone(subject, schedule, keep_all, hang_timeout)?;
    let difference = (first.digest != second.digest).then(|| compare(&first, &second));
    if !keep.history {
        first.history = None;
    }
    if !keep.digests {
        first.digests = None;
    }
    Ok((first, difference))
}

fn compare(first: &Outcome, second: &Outcome) -> Difference {
    let same = first_difference(first, second);
    let line = |outcome: &Outcome| outcome.history.as_ref().and_then(|history| history.line(same));
    Difference { step: same + 1, first: line(first), second: line(second) }
}

/// After how many events two plays part, if the digests of both were kept.
pub(crate) fn first_difference(one: &Outcome, two: &Outcome) -> usize {
    let digests = |outcome: &'_ Outcome| outcome.digests.clone().unwrap_or_default();
    digests(one).iter().zip(&digests(two)).take_while(|(one, two)| one == two).count()
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first.is_none() && self.second.is_none() {
            return write!(
                f,
                "two plays of one schedule differ, at step {}: all events are alike, but not what broker and store hold at \
                 the end",
                self.step
            );
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(first: Option<&str>, second: Option<&str>) -> String {
        let line = |line: Option<&str>| line.map(str::to_owned);
        Difference { step: 7, first: line(first), second: line(second) }.to_string()
    }

    #[test]
    fn a_difference_says_what_each_play_did_or_that_it_was_over_or_that_only_the_ends_differ() {
        assert!(said(Some("a"), Some("b")).ends_with("first at step 7:\n  first   a\n  second  b"));
        assert!(said(Some("a"), None).ends_with("\n  second  (already over)"));
        assert!(said(Some("a"), Some("a")).ends_with("what differs is in the bytes"));
        assert!(said(None, None).contains("all events are alike, but not what broker and store hold"));
    }
}
