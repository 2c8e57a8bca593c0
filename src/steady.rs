//! A clock that does not go back.

use crate::{Clock, Timestamp};

/// Reads a machine's clock so that deadlines survive its jumps.
///
/// A clock that is set back by an hour would else stop heartbeats and checkpoints for that hour. A jump
/// forwards is not hidden: it only makes deadlines come early, which costs a restart and no record.
#[derive(Debug)]
pub(crate) struct Steady<C> {
    clock: C,
    last: Timestamp,
    /// What the clock was set back by, all in all, in microseconds.
    behind: u64,
}

impl<C: Clock> Steady<C> {
    pub(crate) fn new(clock: &C) -> Self {
        Steady { clock: clock.clone(), last: clock.now(), behind: 0 }
    }

    /// The time; never less than it was.
    pub(crate) fn now(&mut self) -> Timestamp {
        let read = self.clock.now();
        self.behind += self.last.0.saturating_sub(read.0);
        self.last = read;
        Timestamp(read.0.saturating_add(self.behind))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    #[derive(Clone)]
    struct Dial(Arc<AtomicU64>);

    impl Clock for Dial {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }

        async fn sleep(&self, _span: Duration) {}
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still_for_a_moment_and_goes_on() {
        let dial = Dial(Arc::new(AtomicU64::new(100)));
        let mut steady = Steady::new(&dial);
        let read = |steady: &mut Steady<Dial>, shown| {
            dial.0.store(shown, Ordering::Relaxed);
            steady.now().0
        };
        assert_eq!(read(&mut steady, 120), 120);
        assert_eq!(read(&mut steady, 20), 120);
        assert_eq!(read(&mut steady, 50), 150);
        assert_eq!(read(&mut steady, 900), 1_000);
    }
}
