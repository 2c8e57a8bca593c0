//! Which schedules can be played. Whatever comes from outside is checked here, once; the world relies on it.
//!
//! The bounds are generous: they keep out what would divide by nothing, spin without time going on, or count
//! beyond what a number holds. A schedule within them may still be silly, and is then judged like any other.

use std::time::Duration;

use crate::fault::Fault;
use crate::schedule::{Schedule, Span};

/// Longer than anything in a history needs to be, and short enough that no sum of them overflows.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What is done again and again must let time go on in between.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

const MOST_SINKS: u64 = 256;
const MOST_SPLITS: u64 = 1_024;
/// The ledger notes in 64 bits on which partitions a marker is written.
const MOST_PARTITIONS: u64 = 64;
const MOST_FAULTS: u64 = 1_000;
const MOST_RECORDS: u64 = 1_000_000;

impl Schedule {
    /// Whether it can be played.
    ///
    /// # Errors
    /// Which part cannot, what it is, and what was expected.
    pub fn check(&self) -> Result<(), String> {
        self.check_shape()?;
        self.check_periods()?;
        self.check_durations()?;
        self.faults.iter().enumerate().try_for_each(|(index, fault)| check_fault(index, fault))
    }

    fn check_shape(&self) -> Result<(), String> {
        let settings = &self.settings;
        within("settings.parallelism", settings.parallelism.into(), 1, MOST_SINKS)?;
        within("settings.splits", settings.splits.into(), 1, MOST_SPLITS)?;
        within("settings.partitions", settings.partitions.into(), 1, MOST_PARTITIONS)?;
        let in_flight = u64::from(settings.checkpoints_in_flight);
        within("settings.checkpoints_in_flight", in_flight, 1, 255)?;
        within("settings.batch", settings.batch as u64, 1, MOST_RECORDS)?;
        within("settings.queue", settings.queue as u64, 1, MOST_RECORDS)?;
        within("the number of faults", self.faults.len() as u64, 0, MOST_FAULTS)?;
        within("the number of records", self.records() as u64, 0, MOST_RECORDS)?;
        if self.input.len() != usize::from(settings.splits) {
            let (found, expected) = (self.input.len(), settings.splits);
            return Err(format!("input has {found} splits; expected {expected}, as settings.splits says"));
        }
        Ok(())
    }

    fn check_periods(&self) -> Result<(), String> {
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

    fn check_durations(&self) -> Result<(), String> {
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
                return Err(format!("{name} is from {min:?} to {max:?}; expected min not above max"));
            }
        }
        Ok(())
    }
}

fn check_fault(index: usize, fault: &Fault) -> Result<(), String> {
    let all: [Option<Duration>; 3] = match fault {
        Fault::Crash { restart_after, .. } => [Some(*restart_after), None, None],
        Fault::Pause { lasts, .. } => [Some(*lasts), None, None],
        Fault::Zombie { replaced_after, wakes_after, .. } => {
            [Some(*replaced_after), Some(*wakes_after), None]
        }
        Fault::CrashAt { at, restart_after, .. } | Fault::Stop { at, restart_after, .. } => {
            [Some(*at), Some(*restart_after), None]
        }
        Fault::Lose { .. } => [None; 3],
        Fault::Delay { by, .. } => [Some(*by), None, None],
        Fault::Repeat { after, .. } => [Some(*after), None, None],
        Fault::Partition { at, lasts, .. } | Fault::BrokerRestart { at, lasts } => {
            [Some(*at), Some(*lasts), None]
        }
        Fault::CoordinatorFailover { at, lasts, clock_ahead } => {
            [Some(*at), Some(*lasts), Some(*clock_ahead)]
        }
        Fault::SlowMarkers { at, lasts, by } => [Some(*at), Some(*lasts), Some(*by)],
        Fault::RepeatMarkers { at, lasts, after } => [Some(*at), Some(*lasts), Some(*after)],
        Fault::ClockJump { at, by, .. } => [Some(*at), Some(*by), None],
    };
    let name = format!("faults[{index}] ({})", fault.kind().as_str());
    all.into_iter().flatten().try_for_each(|duration| lasts(&name, duration, Duration::ZERO))
}

fn within(name: &str, found: u64, least: u64, most: u64) -> Result<(), String> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(format!("{name} is {found}; expected {least} to {most}")),
    }
}

fn lasts(name: &str, found: Duration, least: Duration) -> Result<(), String> {
    match (least..=LONGEST).contains(&found) {
        true => Ok(()),
        false => Err(format!("{name} is {found:?}; expected {least:?} to {LONGEST:?}")),
    }
}
