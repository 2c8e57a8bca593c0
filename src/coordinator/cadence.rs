//! When the next checkpoint is due, and when too many have failed.

use std::time::Duration;

use crate::{Settings, Timestamp};

/// The rhythm of the checkpoints of one incarnation.
#[derive(Debug)]
pub(super) struct Cadence {
    interval: Duration,
    pause: Duration,
    tolerable: u8,
    /// When the next one is due; `None` while not every task runs.
    due: Option<Timestamp>,
    /// How many have failed since one completed.
    failures: u8,
}

impl Cadence {
    pub(super) fn new(settings: &Settings) -> Self {
        Cadence {
            // CC-2: with a longer pause the interval alone would never be met.
            interval: settings.checkpoint_interval.max(settings.checkpoint_pause),
            pause: settings.checkpoint_pause,
            tolerable: settings.checkpoint_failures,
            due: None,
            failures: 0,
        }
    }

    /// Whether the next one is due.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// When it will be, if it is not.
    pub(super) fn due_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.due.filter(|due| now < *due)
    }

    /// All tasks run: the first checkpoint is due one interval from now. (Flink draws a random part of it,
    /// CC-4; the logic here draws nothing.)
    pub(super) fn start(&mut self, now: Timestamp) {
        if self.due.is_none() {
            self.due = Some(now.after(self.interval));
        }
    }

    /// The tasks have failed: no checkpoint until they run again.
    pub(super) fn stop(&mut self) {
        self.due = None;
        self.failures = 0;
    }

    /// One is wanted at once, pause or not.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        self.due = Some(now);
    }

    pub(super) fn triggered(&mut self, now: Timestamp) {
        self.due = Some(now.after(self.interval));
    }

    pub(super) fn completed(&mut self, now: Timestamp) {
        self.failures = 0;
        self.due = self.due.map(|due| due.max(now.after(self.pause)));
    }

    /// A checkpoint failed. Whether that was one too many in a row (CC-13).
    pub(super) fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures > self.tolerable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cadence() -> Cadence {
        let settings = Settings {
            checkpoint_interval: Duration::from_micros(100),
            checkpoint_pause: Duration::from_micros(30),
            checkpoint_failures: 1,
            ..Settings::default()
        };
        Cadence::new(&settings)
    }

    #[test]
    fn the_first_checkpoint_is_due_one_interval_after_all_tasks_run() {
        let mut cadence = cadence();
        assert_eq!(cadence.due, None);
        cadence.start(Timestamp(50));
        cadence.start(Timestamp(60)); // the news repeats
        assert_eq!(cadence.due, Some(Timestamp(150)));
    }

    #[test]
    fn a_checkpoint_that_ends_late_pushes_the_next_one_back_by_the_pause() {
        let mut cadence = cadence();
        cadence.triggered(Timestamp(0));
        cadence.completed(Timestamp(20));
        assert_eq!(cadence.due, Some(Timestamp(100)));
        cadence.completed(Timestamp(90));
        assert_eq!(cadence.due, Some(Timestamp(120)));
    }

    #[test]
    fn one_failure_more_in_a_row_than_is_tolerable_is_too_many() {
        let mut cadence = cadence();
        assert!(!cadence.failed());
        cadence.completed(Timestamp(0));
        assert!(!cadence.failed());
        assert!(cadence.failed());
    }
}
