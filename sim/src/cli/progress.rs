//! How far a sweep is: a bar with its rate on a terminal, a plain line every few seconds elsewhere. On standard
//! error, so that standard output holds nothing but results.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::report::{Grouped, Sizes, rate};
use crate::schedule::Schedule;
use crate::shrink::Shrinking;
use crate::wall::Stopwatch;

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shown while a sweep runs; all threads count on it.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
    lines: AtomicU64,
    clock: Stopwatch,
}

impl Progress {
    /// `what` is played, in `total` histories.
    pub(crate) fn start(what: &str, total: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:32} {pos}/{len} seeds  {rate} histories per second  {eta} left",
            );
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let rate = |state: &ProgressState, to: &mut dyn fmt::Write| {
                let _ = write!(to, "{}", Grouped(state.per_sec() as u64));
            };
            ProgressBar::new(total).with_style(style.with_key("rate", rate))
        });
        let _ = writeln!(io::stderr(), "playing {what}");
        Progress { bar, total, done: AtomicU64::new(0), lines: AtomicU64::new(0), clock: Stopwatch::start() }
    }

    /// So many more were played.
    pub(crate) fn add(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None => self.say(done),
        }
    }

    /// Whoever is first to see that it is time prints the line.
    fn say(&self, done: u64) {
        let elapsed = self.clock.elapsed();
        let due = (elapsed.as_millis() / LINE_EVERY.as_millis()) as u64;
        if due > self.lines.load(Ordering::Relaxed) && self.lines.fetch_max(due, Ordering::Relaxed) < due {
            let (done_so_far, total, rate) =
                (Grouped(done), Grouped(self.total), Grouped(rate(done, elapsed)));
            let _ = writeln!(io::stderr(), "{done_so_far} of {total} seeds, {rate} histories per second");
        }
    }

    /// Takes the bar away, and says how long it took.
    pub(crate) fn end(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.clock.elapsed()
    }
}

/// Shown while a schedule is made smaller.
pub(crate) struct ShrinkProgress<'a> {
    what: &'a str,
    found: &'a Schedule,
    bar: Option<ProgressBar>,
    lines: AtomicU64,
}

impl<'a> ShrinkProgress<'a> {
    /// `found` is what fails; it may be made smaller for so long.
    pub(crate) fn start(what: &'a str, found: &'a Schedule, budget: Duration) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:32} shrinking: {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(budget.as_millis() as u64).with_style(style)
        });
        if bar.is_none() {
            let _ = writeln!(io::stderr(), "shrinking {what}: {}", Sizes(found, found));
        }
        ShrinkProgress { what, found, bar, lines: AtomicU64::new(0) }
    }

    /// So small is it by now. The bar is the time that was spent.
    pub(crate) fn show(&self, so_far: Shrinking<'_>) {
        let said = || format!("{}; {} tried", Sizes(self.found, so_far.best), Grouped(so_far.tried));
        let due = (so_far.elapsed.as_millis() / LINE_EVERY.as_millis()) as u64;
        match &self.bar {
            Some(bar) => {
                bar.set_position(so_far.elapsed.as_millis() as u64);
                bar.set_message(said());
            }
            None if self.lines.swap(due, Ordering::Relaxed) < due => {
                let _ = writeln!(io::stderr(), "shrinking {}: {}", self.what, said());
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
