//! Which schedules can be played. Whatever comes from outside is checked here, once; the world relies on it.
//!
//! The bounds are generous: they keep out what would divide by nothing, spin without time going on, or count
//! beyond what a number holds. A schedule within them may still be silly, and is then judged like any other.

use std::time::Duration;

use crate::fault::Fault;
use crate::schedule::{Schedule, Span};

/// Longer than anything in a history needs to be, and short enough that no sum of them overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(3_600);

/// What is done again and again must let time go on in between.
pub(crate) const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

pub(crate) const MOST_SINKS: u64 = 256;
pub(crate) const MOST_SPLITS: u64 = 1_024;
/// The ledger notes in 64 bits on which partitions a marker is written.
pub(crate) const MOST_PARTITIONS: u64 = 64;
const MOST_FAULTS: u64 = 1_000;
pub(crate) const MOST_RECORDS: u64 = 1_000_000;

impl Schedule {
    /// Whether it can be played.
    ///
    /// # Errors
    /// Which part cannot, what it is, and what was expected.
    pub fn check(&self) -> Result<(), String> {
        self.check_parts().map_err(|Unplayable { part, what }| format!("{part} {what}"))
    }

    /// The same, with the part apart from what is wrong with it.
    pub(crate) fn check_parts(&self) -> Result<(), Unplayable> {
        self.check_shape()?;
        self.check_periods()?;
        self.check_durations()?;
        self.faults.iter().enumerate().try_for_each(|(index, fault)| check_fault(index, fault))
    }

    fn check_shape(&self) -> Result<(), Unplayable> {
        let settings = &self.settings;
        within("settings.parallelism", settings.parallelism.into(), 1, MOST_SINKS)?;
        within("settings.splits", settings.splits.into(), 1, MOST_SPLITS)?;
        within("settings.partitions", settings.partitions.into(), 1, MOST_PARTITIONS)?;
        let in_flight = u64::from(settings.checkpoints_in_flight);
        within("settings.checkpoints_in_flight", in_flight, 1, 255)?;
        within("settings.batch", settings.batch as u64, 1, MOST_RECORDS)?;
        within("settings.queue", settings.queue as u64, 1, MOST_RECORDS)?;
        at_most("faults", "faults", self.faults.len() as u64, MOST_FAULTS)?;
        at_most("input", "records", self.records() as u64, MOST_RECORDS)?;
        if self.input.len() != usize::from(settings.splits) {
            let (found, expected) = (self.input.len(), settings.splits);
            let what = format!("has {found} splits; expected {expected}, as settings.splits says");
            return Err(Unplayable::new("input", what));
        }
        Ok(())
    }

    fn check_periods(&self) -> Result<(), Unplayable> {
        let settings = &self.settings;
        for (name, period) in [
            ("settings.checkpoint_interval", settings.checkpoint_interval),
            ("settings.checkpoint_timeout", settings.checkpoint_timeout),
            ("settings.heartbeat_interval", settings.heartbeat_interval),
            ("settings.heartbeat_timeout", settings.heartbeat_timeout),
            ("settings.restart_delay", settings.restart_delay),
            ("settings.restart_delay_max", settings.restart_delay_max),
            ("settings.transaction_timeout", settings.transaction_timeout),
            ("settings.retry_backoff", settings.retry_backoff),
            ("broker.sweep_interval", self.broker.sweep_interval),
            ("timing.request_timeout", self.timing.request_timeout),
        ] {
            lasts(name, period, SHORTEST_PERIOD)?;
        }
        Ok(())
    }

    fn check_durations(&self) -> Result<(), Unplayable> {
        lasts("settings.checkpoint_pause", self.settings.checkpoint_pause, Duration::ZERO)?;
        lasts("broker.sweep_phase", self.broker.sweep_phase, Duration::ZERO)?;
        lasts("heal_at", self.heal_at, Duration::ZERO)?;
        for (name, Span { min, max }) in [
            ("broker.markers", self.broker.markers),
            ("timing.latency", self.timing.latency),
            ("timing.store", self.timing.store),
            ("timing.pace", self.timing.pace),
        ] {
            lasts(&format!("{name}.max"), max, Duration::ZERO)?;
            if min > max {
                let what = format!("is from {min:?} to {max:?}; expected min not above max");
                return Err(Unplayable::new(name, what));
            }
        }
        Ok(())
    }
}

fn check_fault(index: usize, fault: &Fault) -> Result<(), Unplayable> {
    let all: Vec<(&str, &Duration)> = match fault {
        Fault::Crash { restart_after, .. } => vec![("restart_after", restart_after)],
        Fault::Pause { lasts, .. } => vec![("lasts", lasts)],
        Fault::Zombie { replaced_after, wakes_after, .. } => {
            vec![("replaced_after", replaced_after), ("wakes_after", wakes_after)]
        }
        Fault::CrashAt { at, restart_after, .. } | Fault::Stop { at, restart_after, .. } => {
            vec![("at", at), ("restart_after", restart_after)]
        }
        Fault::Lose { .. } => vec![],
        Fault::Delay { by, .. } => vec![("by", by)],
        Fault::Repeat { after, .. } => vec![("after", after)],
        Fault::Partition { at, lasts, .. } | Fault::BrokerRestart { at, lasts } => {
            vec![("at", at), ("lasts", lasts)]
        }
        Fault::CoordinatorFailover { at, lasts, clock_ahead } => {
            vec![("at", at), ("lasts", lasts), ("clock_ahead", clock_ahead)]
        }
        Fault::SlowMarkers { at, lasts, by } => vec![("at", at), ("lasts", lasts), ("by", by)],
        Fault::RepeatMarkers { at, lasts, after } => vec![("at", at), ("lasts", lasts), ("after", after)],
        Fault::ClockJump { at, by, .. } => vec![("at", at), ("by", by)],
    };
    let check = |(field, duration): (&str, &Duration)| {
        lasts(&format!("faults[{index}].{field}"), *duration, Duration::ZERO)
    };
    all.into_iter().try_for_each(check)
}

/// A part that cannot be played, and why: `settings.splits`, `is 0; expected 1 to 1024`.
#[derive(Debug)]
pub(crate) struct Unplayable {
    pub(crate) part: String,
    pub(crate) what: String,
}

impl Unplayable {
    fn new(part: &str, what: String) -> Self {
        Unplayable { part: part.to_owned(), what }
    }
}

fn within(part: &str, found: u64, least: u64, most: u64) -> Result<(), Unplayable> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(Unplayable::new(part, format!("is {found}; expected {least} to {most}"))),
    }
}

fn at_most(part: &str, name: &str, found: u64, most: u64) -> Result<(), Unplayable> {
    match found <= most {
        true => Ok(()),
        false => Err(Unplayable::new(part, format!("has {found} {name}; expected at most {most}"))),
    }
}

fn lasts(part: &str, found: Duration, least: Duration) -> Result<(), Unplayable> {
    match (least..=LONGEST).contains(&found) {
        true => Ok(()),
        false => Err(Unplayable::new(part, format!("is {found:?}; expected {least:?} to {LONGEST:?}"))),
    }
}
