//! From any schedule to one that the correct job survives.

use std::time::Duration;

use super::Schedule;
use crate::fault::Fault;
use crate::safe::{is_known_unsafe, safe_rule};
use crate::undisturbed;

impl Schedule {
    /// Brings it inside the [safe rule](crate::safe_rule), with as little change as it takes: clocks that leave an
    /// undisturbed job no time are lengthened, and the transaction timeout last; a sink without a split is left out; a
    /// fault that [no client can survive](crate::is_known_unsafe) becomes a delay as long.
    ///
    /// So whatever writes schedules, by hand or at random, need not know the rule; and what the correct job does under
    /// them is held against it. What cannot be played at all stays so: see [`Schedule::check`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use twophase_sim::{Schedule, is_safe};
    ///
    /// let mut schedule = Schedule::calm();
    /// schedule.settings.transaction_timeout = Duration::from_millis(1);
    /// assert!(!is_safe(&schedule));
    /// schedule.make_safe();
    /// assert!(is_safe(&schedule));
    /// ```
    pub fn make_safe(&mut self) {
        let Schedule { settings, timing, .. } = self;
        settings.parallelism = settings.parallelism.min(settings.splits).max(1);
        let answered = undisturbed::round_trip(timing.latency, timing.store) * 2;
        timing.request_timeout = timing.request_timeout.max(answered);
        settings.checkpoint_timeout =
            settings.checkpoint_timeout.max(undisturbed::checkpoint(settings, timing));
        settings.heartbeat_timeout = settings.heartbeat_timeout.max(undisturbed::silence(settings, timing));
        settings.restart_delay_max = settings.restart_delay_max.max(settings.restart_delay);
        self.faults.iter_mut().filter(|fault| is_known_unsafe(fault)).for_each(delay_instead);
        let needed = in_whole_millis(safe_rule(self).needed());
        self.settings.transaction_timeout = self.settings.transaction_timeout.max(needed);
    }
}

/// Kafka counts in whole milliseconds.
fn in_whole_millis(span: Duration) -> Duration {
    Duration::from_millis(span.as_micros().div_ceil(1_000) as u64)
}

fn delay_instead(fault: &mut Fault) {
    if let Fault::Repeat { at, after } = fault {
        *fault = Fault::Delay { at: at.clone(), by: *after };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Generator, Safety};
    use crate::safe::is_safe;
    use crate::seed::Seed;

    fn drawn(safety: Safety, seed: u64) -> Schedule {
        let generator = Generator { safety, ..Generator::default() };
        generator.schedule(Seed(seed)).expect("made-up records can always be read")
    }

    #[test]
    fn what_is_unsafe_becomes_safe_and_stays_what_it_was_otherwise() {
        let mut mended = 0;
        for seed in 0..500 {
            let before = drawn(Safety::Unsafe, seed);
            let mut after = before.clone();
            after.make_safe();
            assert!(is_safe(&after), "{seed}");
            assert_eq!((after.check(), after.faults.len()), (Ok(()), before.faults.len()));
            mended += usize::from(after != before);
        }
        assert!(mended > 100, "{mended}");
    }

    #[test]
    fn what_is_safe_stays_as_it_is() {
        for seed in 0..500 {
            let before = drawn(Safety::Safe, seed);
            let mut after = before.clone();
            after.make_safe();
            assert_eq!(after, before, "{seed}");
        }
    }

    #[test]
    fn clocks_that_leave_no_time_are_lengthened_and_no_sink_is_without_a_split() {
        let mut schedule = Schedule::calm();
        let least = Duration::from_millis(1);
        let settings = &mut schedule.settings;
        (settings.checkpoint_timeout, settings.heartbeat_timeout) = (least, least);
        settings.parallelism = 9;
        schedule.timing.request_timeout = least;
        let short = schedule.clone();
        schedule.make_safe();
        assert_eq!(schedule.settings.parallelism, 4);
        assert!(schedule.timing.request_timeout > short.timing.request_timeout);
        assert!(schedule.settings.checkpoint_timeout > least && schedule.settings.heartbeat_timeout > least);
        assert!(is_safe(&schedule));
    }
}
