//! Whether a saved schedule still gets where it was made for. One that does not holds whatever the code does, and so
//! shows nothing.

use std::fmt;

use crate::coverage::Window;
use crate::event::What;
use crate::fault::Fault;
use crate::file::Saved;
use crate::outcome::Outcome;
use crate::schedule::Schedule;

/// What a play of it has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    /// The faults that never struck.
    faults: Vec<Fault>,
    /// The window that no crash fell in.
    window: Option<Window>,
    /// How many faults there are.
    of: usize,
}

/// What it has missed, if anything. `outcome` was played with its history kept.
pub(crate) fn missed(saved: &Saved, outcome: &Outcome) -> Option<Missed> {
    let faults =
        unstruck(&saved.schedule, outcome).into_iter().map(|index| saved.schedule.faults[index].clone());
    let faults: Vec<_> = faults.collect();
    let window = saved.crashes_in.filter(|window| !outcome.windows.has(*window));
    let anything = !faults.is_empty() || window.is_some();
    anything.then_some(Missed { faults, window, of: saved.schedule.faults.len() })
}

/// In which crash window a schedule that fails struck a process, if that is the one in which it failed. A zombie and
/// a timeout (W7, W8) are not struck, but may be the mistake itself: mended, they are not to be seen again.
pub(crate) fn crashes_in(outcome: &Outcome) -> Option<Window> {
    let window = outcome.finding()?.window?;
    let crash = !matches!(window, Window::W7 | Window::W8);
    Some(window).filter(|window| crash && outcome.windows.has(*window))
}

/// The schedule less what never struck in a play of it, which is the same history with less to read.
pub(crate) fn without_unstruck(schedule: &Schedule, outcome: &Outcome) -> Schedule {
    let mut less = schedule.clone();
    for index in unstruck(schedule, outcome).into_iter().rev() {
        less.faults.remove(index);
    }
    less
}

/// By their places. Faults that are equal strike one after the other.
fn unstruck(schedule: &Schedule, outcome: &Outcome) -> Vec<usize> {
    let Some(history) = &outcome.history else {
        return Vec::new();
    };
    let mut left: Vec<_> = schedule.faults.iter().enumerate().collect();
    for event in history.events() {
        let What::Struck(fault) = event.what else { continue };
        if let Some(place) = left.iter().position(|(_, known)| *known == fault) {
            left.remove(place);
        }
    }
    left.into_iter().map(|(index, _)| index).collect()
}

impl Missed {
    /// How far it is from there, in things that are missed.
    pub(crate) fn count(&self) -> usize {
        self.faults.len() + usize::from(self.window.is_some())
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(window) = self.window {
            writeln!(f, "  no process is struck in {window} any more: {}", window.meaning())?;
        }
        match (self.faults.len(), self.of) {
            (0, _) => {}
            (1, 1) => writeln!(f, "  its fault never strikes any more:")?,
            (1, all) => writeln!(f, "  one of its {all} faults never strikes any more:")?,
            (some, all) => writeln!(f, "  {some} of its {all} faults never strike any more:")?,
        }
        self.faults.iter().try_for_each(|fault| writeln!(f, "    {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::generate::Generator;
    use crate::playable::LONGEST;
    use crate::run::play;
    use crate::seed::Seed;
    use crate::shrink::Shrink;
    use crate::subject::Subject;
    use crate::subjects;
    use crate::watch::Keep;

    /// What is lost where a promised transaction is fenced before it is committed.
    fn saved() -> Saved {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/saved.json");
        Saved::read(Path::new(file)).unwrap()
    }

    fn outcome(subject: &Subject, schedule: &Schedule) -> Outcome {
        play(subject, &Arc::new(schedule.clone()), Keep { history: true, ..Keep::default() })
    }

    fn missed_by_the_correct_job(saved: &Saved) -> Option<Missed> {
        missed(saved, &outcome(&subjects::named("kafka").unwrap(), &saved.schedule))
    }

    #[test]
    fn a_window_or_a_fault_can_be_missed_by_itself() {
        let there = saved();
        assert_eq!(missed_by_the_correct_job(&there), None);
        let elsewhere = Saved { crashes_in: Some(Window::W2), ..saved() };
        let missed = missed_by_the_correct_job(&elsewhere).unwrap();
        assert_eq!((missed.window, missed.faults.len()), (Some(Window::W2), 0));
        let mut one_more = saved();
        one_more.schedule.faults.push(Fault::BrokerRestart { at: LONGEST, lasts: LONGEST });
        let missed = missed_by_the_correct_job(&one_more).unwrap();
        assert_eq!((missed.window, &missed.faults[..]), (None, &one_more.schedule.faults[1..]));
        assert_eq!(missed.count(), 1);
    }

    #[test]
    fn what_never_strikes_is_left_out_and_nothing_changes() {
        let subject = subjects::named("fences-before-committing").unwrap();
        for seed in 0..20 {
            let schedule = Generator::default().schedule(Seed(seed)).unwrap();
            let before = outcome(&subject, &schedule);
            let less = without_unstruck(&schedule, &before);
            assert_eq!(less.faults.len() + before.unstruck as usize, schedule.faults.len());
            let after = outcome(&subject, &less);
            assert_eq!((after.digest, after.unstruck), (before.digest, 0));
        }
    }

    /// Or a regression would be stale on the day on which it is kept.
    #[test]
    fn what_a_mistake_is_found_by_is_reached_by_the_correct_job_too() {
        for name in ["fences-before-committing", "aborts-on-close", "commits-only-the-notified"] {
            let subject = subjects::named(name).unwrap();
            let generator = subject.pin(Generator::default());
            let found = (0..100).find_map(|seed| {
                let schedule = Arc::new(generator.schedule(Seed(seed)).unwrap());
                let finding = outcome(&subject, &schedule).finding().cloned()?;
                Some((schedule, finding))
            });
            let (schedule, finding) = found.unwrap();
            let shrink = Shrink { tries: 40, ..Shrink::new(&subject) };
            let shrunk = shrink.run(&schedule, &finding, &AtomicBool::new(false), &|_| {}).unwrap().unwrap();
            let kept = Saved::of(&subject, &shrunk.schedule, &shrunk.outcome);
            assert_eq!(missed_by_the_correct_job(&kept), None, "{name}");
        }
    }
}
