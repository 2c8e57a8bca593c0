//! The values that need no thought: the default settings of a job, and a world in which everything takes its time
//! and always the same. What differs from them in a shrunk schedule is what the failure needs.

use std::time::Duration;

use twophase::Settings;

use crate::schedule::{Schedule, Span};

/// A part of a schedule that has a plain value.
pub(super) struct Part<T> {
    pub(super) plain: T,
    pub(super) get: fn(&Schedule) -> T,
    pub(super) set: fn(&mut Schedule, T),
}

/// A field, read and written as it is.
macro_rules! part {
    ($plain:expr, $($field:ident).+) => {
        Part {
            plain: $plain,
            get: |schedule| schedule.$($field).+,
            set: |schedule, value| schedule.$($field).+ = value,
        }
    };
}

/// A count, whatever its width.
macro_rules! count {
    ($plain:expr, $field:ident: $type:ty) => {
        Part {
            plain: u64::from($plain),
            get: |schedule| schedule.settings.$field as u64,
            set: |schedule, value| schedule.settings.$field = value as $type,
        }
    };
}

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// All clocks. The transaction timeout comes first: the others may lengthen what the safe rule asks of it.
pub(super) fn clocks() -> [Part<Duration>; 13] {
    let default = Settings::default();
    [
        part!(default.transaction_timeout, settings.transaction_timeout),
        part!(SECOND * 60, heal_at),
        part!(default.checkpoint_timeout, settings.checkpoint_timeout),
        part!(default.checkpoint_interval, settings.checkpoint_interval),
        part!(default.checkpoint_pause, settings.checkpoint_pause),
        part!(default.heartbeat_timeout, settings.heartbeat_timeout),
        part!(default.heartbeat_interval, settings.heartbeat_interval),
        part!(default.restart_delay_max, settings.restart_delay_max),
        part!(default.restart_delay, settings.restart_delay),
        part!(default.retry_backoff, settings.retry_backoff),
        part!(SECOND, timing.request_timeout),
        part!(SECOND * 10, broker.sweep_interval), // Kafka's default
        part!(Duration::ZERO, broker.sweep_phase),
    ]
}

/// How long everything takes.
pub(super) fn spans() -> [Part<Span>; 4] {
    let always = |long| Span::new(long, long);
    [
        part!(always(MILLI), timing.latency),
        part!(always(MILLI), timing.store),
        part!(always(Duration::ZERO), timing.pace),
        part!(always(MILLI), broker.markers),
    ]
}

pub(super) fn counts() -> [Part<u64>; 4] {
    let default = Settings::default();
    [
        count!(default.batch as u32, batch: usize),
        count!(default.queue as u32, queue: usize),
        count!(default.checkpoints_in_flight, checkpoints_in_flight: u8),
        count!(default.checkpoint_failures, checkpoint_failures: u8),
    ]
}

pub(super) fn flags() -> [Part<bool>; 2] {
    [part!(Settings::default().chained, settings.chained), part!(false, timing.shuffle)]
}

impl<T: Clone> Part<T> {
    pub(super) fn make_plain(&self, schedule: &mut Schedule) {
        (self.set)(schedule, self.plain.clone());
    }
}

/// Everything takes its time, always the same, and nothing is shuffled.
pub(super) fn make_timing_plain(schedule: &mut Schedule) {
    spans().iter().for_each(|part| part.make_plain(schedule));
    flags().iter().for_each(|part| part.make_plain(schedule));
}

/// The settings are the default ones.
pub(super) fn make_settings_plain(schedule: &mut Schedule) {
    clocks().iter().for_each(|part| part.make_plain(schedule));
    counts().iter().for_each(|part| part.make_plain(schedule));
}

/// How many digits of it a person has to read: 100 ms has one, 12.5 ms three.
pub(super) fn digits(span: Duration) -> u32 {
    let mut micros = span.as_micros();
    while micros > 0 && micros % 10 == 0 {
        micros /= 10;
    }
    micros.checked_ilog10().map_or(0, |log| log + 1)
}

/// Rounder than this, the roundest first: at a power of ten, or with one digit or two.
pub(super) fn rounder(span: Duration) -> Vec<Duration> {
    let micros = span.as_micros() as u64;
    let scale = |digits: u32| 10_u64.pow(micros.max(1).ilog10().saturating_sub(digits - 1));
    let near = [1, 2].map(scale).into_iter().flat_map(|unit| {
        let below = micros / unit * unit;
        [below, below + unit]
    });
    let powers = [0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let all = powers.into_iter().chain(near).map(Duration::from_micros);
    all.filter(|rounder| *rounder != span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use crate::safe::is_safe;
    use crate::seed::Seed;

    #[test]
    fn digits_are_those_that_are_read() {
        let read = |micros| digits(Duration::from_micros(micros));
        assert_eq!([0, 1, 100_000, 12_500, 123_456].map(read), [0, 1, 1, 3, 6]);
    }

    #[test]
    fn what_is_rounder_is_near_or_a_power_of_ten() {
        let rounder = rounder(Duration::from_micros(12_345));
        for micros in [0, 1_000, 10_000, 12_000, 13_000, 20_000] {
            assert!(rounder.contains(&Duration::from_micros(micros)), "{micros}: {rounder:?}");
        }
    }

    #[test]
    fn the_plain_settings_are_the_default_ones_and_safe() {
        let mut schedule =
            Generator::default().schedule(Seed(7)).expect("made-up records can always be read");
        make_timing_plain(&mut schedule);
        make_settings_plain(&mut schedule);
        schedule.faults.truncate(4);
        assert!(is_safe(&schedule) && schedule.check().is_ok());
        let Settings { parallelism, splits, partitions, .. } = schedule.settings;
        assert_eq!(schedule.settings, Settings { parallelism, splits, partitions, ..Settings::default() });
    }
}
