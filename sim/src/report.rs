//! What people read: a failure as three facts and a command, and what a sweep adds up to.

use std::fmt;
use std::time::Duration;

use crate::anomaly::{Anomaly, Finding};
use crate::coverage::Window;
use crate::fault::{Fault, FaultKind};
use crate::outcome::Outcome;
use crate::runtime::SANDBOXED;
use crate::safe::{is_known_unsafe, safe_rule};
use crate::schedule::Schedule;
use crate::shrink::{Shrunk, StoppedBy};
use crate::site::Phase;
use crate::summary::{Summary, Unequal};
use crate::twice::Difference;
use crate::why::Why;

/// One failure: what was found, where, how often, and the line that plays it again.
pub(crate) struct Failure<'a> {
    /// `seed 41`, or the file it was read from.
    pub(crate) of: String,
    pub(crate) finding: &'a Finding,
    /// Of a sweep: how many were alike, of how many seeds, in which time.
    pub(crate) among: Option<(u64, u64, Duration)>,
    /// Which setting let a promised transaction time out, if one did.
    pub(crate) allowed_by: Option<String>,
    /// What it was shrunk to, if it was.
    pub(crate) smallest: Option<Smallest<'a>>,
    /// Of the smallest, if it was shrunk.
    pub(crate) why: Option<&'a Why>,
    pub(crate) replay: &'a str,
    /// What else can be done with it, a line each.
    pub(crate) more: &'a [String],
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = self.finding;
        write!(f, "FAIL  {:<12}  {}", finding.anomaly, self.of)?;
        if let Some((count, seeds, elapsed)) = self.among {
            write!(f, "   ({} of {} seeds, {})", Grouped(count), Grouped(seeds), Seconds(elapsed))?;
        }
        writeln!(f, "\n\n  {}", finding.detail.replace('\n', "\n  "))?;
        let at = Duration::from_micros(finding.at);
        match finding.window {
            Some(window) => writeln!(f, "  window {window}: {}", window.meaning())?,
            None => writeln!(f, "  in no crash window; found at {:.6} s", at.as_secs_f64())?,
        }
        if let Some(setting) = &self.allowed_by {
            writeln!(f, "  {setting}")?;
        }
        if let Some(smallest) = &self.smallest {
            write!(f, "\n{smallest}")?;
        }
        if let Some(why) = self.why {
            self.why(f, why)?;
        }
        writeln!(f, "\n  replay   {}", self.replay)?;
        self.more.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl Failure<'_> {
    /// What is told of the smallest is not quite what was found: there, other records and transactions are concerned.
    fn why(&self, f: &mut fmt::Formatter<'_>, why: &Why) -> fmt::Result {
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let (here, there) = (first(&self.finding.detail), first(&why.finding));
        match self.smallest.is_some() && here != there {
            true => writeln!(f, "\n  why, in the smallest: {there}\n")?,
            false => writeln!(f, "\n  why")?,
        }
        write!(f, "{why}")
    }
}

/// The smallest schedule that still fails, beside the one that was found.
pub(crate) struct Smallest<'a> {
    pub(crate) found: &'a Schedule,
    pub(crate) shrunk: &'a Shrunk,
}

impl fmt::Display for Smallest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let small = &self.shrunk.schedule;
        writeln!(f, "  smallest schedule that still fails: {}", Sizes(self.found, small))?;
        for fault in &small.faults {
            writeln!(f, "    {fault}")?;
        }
        if small.faults.is_empty() {
            writeln!(f, "    no fault is needed")?;
        }
        match self.shrunk.stopped_by {
            StoppedBy::Nothing => Ok(()),
            StoppedBy::Budget => writeln!(f, "    there may be a smaller one: the time for shrinking was up"),
            StoppedBy::Tries => {
                writeln!(f, "    there may be a smaller one: {} were tried", self.shrunk.tried)
            }
            StoppedBy::Interrupt => writeln!(f, "    there may be a smaller one: shrinking was interrupted"),
            StoppedBy::Hang => writeln!(f, "    there may be a smaller one: a play did not come back"),
        }
    }
}

/// `1 fault of 9, 20 records of 120, 1 sink of 3`.
pub(crate) struct Sizes<'a>(pub(crate) &'a Schedule, pub(crate) &'a Schedule);

impl fmt::Display for Sizes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sizes(found, small) = *self;
        let some = |name: &str, of: fn(&Schedule) -> usize| {
            let (now, before) = (of(small), of(found));
            let plural = if now == 1 { "" } else { "s" };
            format!("{} {name}{plural} of {}", Grouped(now as u64), Grouped(before as u64))
        };
        write!(
            f,
            "{}, {}, {}",
            some("fault", |schedule| schedule.faults.len()),
            some("record", Schedule::records),
            some("sink", |schedule| schedule.settings.parallelism.into())
        )
    }
}

/// How one history went, whatever came of it.
pub(crate) struct Figures<'a> {
    pub(crate) outcome: &'a Outcome,
    /// How many faults its schedule has.
    pub(crate) faults: usize,
}

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { outcome, faults } = self;
        let windows: Vec<_> = outcome.windows.iter().map(|window| window.to_string()).collect();
        let windows = if windows.is_empty() { "none".to_owned() } else { windows.join(" ") };
        let (completed, given_up) = outcome.checkpoints;
        writeln!(
            f,
            "     {} events in {:.6} s   windows {windows}",
            outcome.events,
            outcome.lasted.as_secs_f64()
        )?;
        writeln!(
            f,
            "     checkpoints completed {completed}, given up {given_up}   restarts {}   faults that struck {} of {faults}   timed out {}",
            outcome.restarts,
            outcome.struck.iter().sum::<u32>(),
            outcome.timed_out,
        )?;
        writeln!(f, "     digest {:016x}", outcome.digest)
    }
}

/// A seed that played differently the second time.
pub(crate) struct NotDeterministic<'a> {
    pub(crate) unequal: Unequal,
    /// In which event two further plays differed, if they did.
    pub(crate) difference: Option<Difference>,
    /// The event of that step in a further play, as it prints; nothing, if that was over by then.
    pub(crate) event: Option<String>,
    pub(crate) replay: &'a str,
}

impl<'a> NotDeterministic<'a> {
    /// With what two further plays, whose history was kept, came to.
    pub(crate) fn new(unequal: Unequal, twice: (Outcome, Option<Difference>), replay: &'a str) -> Self {
        let (further, difference) = twice;
        let event = further.history.and_then(|history| history.line(unequal.step - 1));
        NotDeterministic { unequal, difference, event, replay }
    }
}

impl fmt::Display for NotDeterministic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, two) = self.unequal.digests;
        writeln!(f, "FAIL  not deterministic  seed {}\n", self.unequal.seed)?;
        writeln!(f, "  two plays gave the digests {one:016x} and {two:016x}")?;
        match &self.difference {
            Some(difference) => writeln!(f, "  {difference}")?,
            None => writeln!(
                f,
                "  first at step {}; two more plays agreed: look for a static that changes once and stays\n  later   {}",
                self.unequal.step,
                self.event.as_deref().unwrap_or("(already over)")
            )?,
        }
        writeln!(f, "\n  replay   {}", self.replay)
    }
}

/// Names what allowed records to be lost, or a job to get nowhere, if it lies in the schedule and not in the
/// code under test: the transaction timeout, with the term of the safe rule that is the first to be shortened;
/// or a fault that the protocol does not survive.
pub(crate) fn allowed_by(finding: &Finding, schedule: &Schedule) -> Option<String> {
    if !matches!(finding.anomaly, Anomaly::Lost | Anomaly::Stuck) {
        return None;
    }
    let fatal = schedule.faults.iter().find(|fault| is_known_unsafe(fault));
    match fatal.and_then(Fault::site) {
        Some(site) if finding.window != Some(Window::W8) => {
            Some(format!("allowed by a fault that the protocol does not survive: a repeat at {site}"))
        }
        _ => short_timeout(schedule),
    }
}

fn short_timeout(schedule: &Schedule) -> Option<String> {
    let rule = safe_rule(schedule);
    let (timeout, needed) = (schedule.settings.transaction_timeout, rule.needed());
    let (term, length) = rule.largest();
    (timeout < needed).then(|| {
        format!(
            "allowed by transaction_timeout = {}: the safe rule asks for {}, of which {} is for {term}",
            Millis(timeout),
            Millis(needed),
            Millis(length)
        )
    })
}

/// What a sweep adds up to.
pub(crate) struct Totals<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) elapsed: Duration,
    /// What the first line begins with.
    pub(crate) word: &'a str,
}

impl fmt::Display for Totals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        self.counts(f)?;
        self.faults(f)?;
        self.windows(f)?;
        self.not_checked(f)
    }
}

impl Totals<'_> {
    /// Enough for a test that fails: what comes before it is what is to be read.
    pub(crate) fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { seeds, events, failed, .. } = *self.summary;
        let anomalies = if failed == 1 { "anomaly" } else { "anomalies" };
        writeln!(
            f,
            "{}   {} seeds   {} events   {} {anomalies}   {}   {} histories per second",
            self.word,
            Grouped(seeds),
            Grouped(events),
            Grouped(failed),
            Seconds(self.elapsed),
            Grouped(rate(seeds, self.elapsed)),
        )?;
        if let Some(seed) = self.summary.hung {
            writeln!(
                f,
                "     {:<12} by seed {seed}, which did not come back: its thread is left behind",
                "ended early"
            )?;
        }
        Ok(())
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.summary;
        row(
            f,
            "verdicts",
            &[
                ("held", all.held),
                ("vacuous", all.vacuous),
                ("fail-stop", all.fail_stop),
                ("failed", all.failed),
            ],
        )?;
        row(f, "checkpoints", &[("completed", all.completed), ("given up", all.expired)])?;
        row(f, "jobs", &[("restarts", all.restarts)])?;
        row(f, "timeouts", &[("seeds in which a transaction timed out", all.timed_out)])?;
        let same = if all.unequal.is_some() { "NOT all with the same digest" } else { "same digests" };
        writeln!(f, "     {:<12} {} seeds, {same}", "played twice", Grouped(all.replayed))
    }

    fn faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: Vec<_> =
            FaultKind::ALL.iter().map(|kind| kind.as_str()).zip(self.summary.struck).collect();
        counts.push(("never struck", self.summary.unstruck));
        for (index, some) in counts.chunks(5).enumerate() {
            row(f, if index == 0 { "faults" } else { "" }, some)?;
        }
        Ok(())
    }

    fn windows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (window, count) in Window::ALL.into_iter().zip(self.summary.windows) {
            let title = if window == Window::W1 { "windows" } else { "" };
            let (share, meaning) = (Share(count, self.summary.seeds).to_string(), window.meaning());
            if let Some(why) = self.summary.sight.blind_to(window) {
                writeln!(f, "     {title:<12} {window} {:>10} {:>8}   {meaning}: not seen, {why}", "-", "")?;
                continue;
            }
            writeln!(
                f,
                "     {title:<12} {window} {:>10} {share:>8}   {meaning}",
                Grouped(count).to_string()
            )?;
        }
        Ok(())
    }
}

impl Totals<'_> {
    fn not_checked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (check, why)) in self.summary.sight.not_checked().into_iter().enumerate() {
            let title = if index == 0 { "not checked" } else { "" };
            writeln!(f, "     {title:<12} {check}: {why}")?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, title: &str, counts: &[(&str, u64)]) -> fmt::Result {
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {}", Grouped(*count))).collect();
    writeln!(f, "     {title:<12} {}", counts.join("   "))
}

/// What a report ends with where the standard clocks, entropy and threads were real. Empty otherwise.
pub(crate) fn sandbox_note() -> &'static str {
    match SANDBOXED {
        true => "",
        false => {
            "note: standard clocks, entropy and threads were not virtualised; \
             these three lines in .cargo/config.toml turn that on:\n  \
             [build]\n  rustflags = [\"--cfg\", \"madsim\"]\n  rustdocflags = [\"--cfg\", \"madsim\"]\n"
        }
    }
}

/// What a sweep that showed nothing has missed.
pub(crate) struct Missed<'a>(pub(crate) &'a Summary);

impl fmt::Display for Missed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  windows never entered")?;
        for window in self.0.never_entered() {
            match self.0.sight.blind_to(window) {
                None => writeln!(f, "    {window}   {}", window.meaning())?,
                Some(why) => writeln!(f, "    {window}   {}: not seen, {why}", window.meaning())?,
            }
        }
        writeln!(f, "  calls at which no process was ever killed, by phase")?;
        for (call, phases) in self.0.never_crashed_at() {
            let phases: Vec<_> = phases.into_iter().map(Phase::as_str).collect();
            writeln!(f, "    {call:<16} {}", phases.join(" "))?;
        }
        let unmade = self.0.calls.never();
        match unmade.is_empty() {
            true => Ok(()),
            false => writeln!(f, "  calls that the job never made\n    {}", unmade.join(" ")),
        }
    }
}

/// Histories per second.
pub(crate) fn rate(seeds: u64, elapsed: Duration) -> u64 {
    let nanos = elapsed.as_nanos().max(1);
    u64::try_from(u128::from(seeds) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// `1 204 331`.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// `31.6 %`.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = u128::from(self.0) * 1_000 / u128::from(self.1.max(1));
        write!(f, "{}.{} %", thousandths / 10, thousandths % 10)
    }
}

/// `2.10 s`.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s", self.0.as_secs_f64())
    }
}

/// `24 ms`, `0.35 ms`.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        match (micros / 1_000, micros % 1_000) {
            (whole, 0) => write!(f, "{whole} ms"),
            (whole, rest) => write!(f, "{whole}.{rest:03} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let printed: Vec<_> = [0, 7, 999, 1_000, 1_204_331].map(|n| Grouped(n).to_string()).into();
        assert_eq!(printed, ["0", "7", "999", "1 000", "1 204 331"]);
    }

    fn finding(anomaly: Anomaly, window: Option<Window>) -> Finding {
        Finding { window, ..Finding::new(anomaly, 0, String::new()) }
    }

    fn schedule() -> Schedule {
        let generator = crate::generate::Generator::default();
        let schedule = generator.schedule(crate::seed::Seed(7));
        schedule.expect("nothing is read")
    }

    #[test]
    fn a_loss_below_the_safe_rule_names_the_setting() {
        let mut schedule = schedule();
        let lost = finding(Anomaly::Lost, Some(Window::W8));
        assert_eq!(allowed_by(&lost, &schedule), None);
        schedule.settings.transaction_timeout = Duration::from_millis(20);
        let said = allowed_by(&lost, &schedule).unwrap();
        assert!(said.starts_with("allowed by transaction_timeout = 20 ms: the safe rule asks for"), "{said}");
        assert_eq!(allowed_by(&finding(Anomaly::Duplicate, None), &schedule), None);
    }

    #[test]
    fn a_loss_by_a_fault_that_no_client_survives_names_the_fault() {
        let mut schedule = schedule();
        schedule.faults.push(Fault::Repeat {
            at: "sink-0/1/init#1/sent".parse().unwrap(),
            after: Duration::from_millis(9),
        });
        let said = allowed_by(&finding(Anomaly::Lost, None), &schedule).unwrap();
        assert!(said.ends_with("a repeat at sink-0/1/init#1/sent"), "{said}");
    }
}
