//! How long to wait before the tasks are started again.

use std::time::Duration;

use crate::Settings;

/// Waits that double, up to a limit, as long as nothing is achieved in between.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(settings: &Settings) -> Self {
        Backoff {
            first: settings.restart_delay,
            longest: settings.restart_delay_max,
            next: settings.restart_delay.min(settings.restart_delay_max),
        }
    }

    /// The wait before this restart.
    pub(super) fn next_wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = self.next.saturating_mul(2).min(self.longest);
        wait
    }

    /// A checkpoint completed: the job makes progress, so the next failure is a new one.
    pub(super) fn reset(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(backoff: &mut Backoff, count: usize) -> Vec<u128> {
        (0..count).map(|_| backoff.next_wait().as_millis()).collect()
    }

    #[test]
    fn waits_double_up_to_the_limit_and_start_over_after_progress() {
        let settings = Settings {
            restart_delay: Duration::from_millis(100),
            restart_delay_max: Duration::from_millis(500),
            ..Settings::default()
        };
        let mut backoff = Backoff::new(&settings);
        assert_eq!(millis(&mut backoff, 5), [100, 200, 400, 500, 500]);
        backoff.reset();
        assert_eq!(millis(&mut backoff, 2), [100, 200]);
    }
}
