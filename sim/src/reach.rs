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
