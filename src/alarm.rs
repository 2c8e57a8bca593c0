//! A timer for a deadline that keeps moving.

use std::task::{Context, Poll};

use crate::steady::Steady;
use crate::{BoxFuture, Clock, Timestamp};

/// Rings at a deadline that may be another one each time it is asked.
///
/// Most deadlines move away before they are reached: a heartbeat is answered, a checkpoint completes. A timer that
/// is set for an earlier time is kept, and only when it rings is it set again for what is left. So whoever waits for
/// messages between two deadlines sets no timer for each of them.
pub(crate) struct Alarm<C> {
    clock: C,
    set: Option<(Timestamp, BoxFuture<()>)>,
}

impl<C: Clock> Alarm<C> {
    pub(crate) fn new(clock: &C) -> Self {
        Alarm { clock: clock.clone(), set: None }
    }

    /// Ready once `deadline` has come, by the time that `time` tells.
    pub(crate) fn poll(
        &mut self,
        time: &mut Steady<C>,
        deadline: Timestamp,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let now = time.now();
        if deadline <= now {
            return Poll::Ready(());
        }
        loop {
            match &mut self.set {
                Some((at, timer)) if *at <= deadline => {
                    let rung = *at;
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.set = None;
                    if rung == deadline {
                        return Poll::Ready(());
                    }
                }
                _ => {
                    let (clock, left) = (self.clock.clone(), deadline.since(now));
                    self.set = Some((deadline, Box::pin(async move { clock.sleep(left).await })));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::task::Waker;
    use std::time::Duration;

    use super::*;

    /// A clock that shows what it is set to, and remembers which sleeps it was asked for.
    #[derive(Clone, Default)]
    struct Dial(Arc<Mutex<(u64, Vec<u64>)>>);

    impl Dial {
        fn show(&self, time: u64) {
            self.0.lock().expect("nobody panics here").0 = time;
        }

        fn sleeps(&self) -> Vec<u64> {
            self.0.lock().expect("nobody panics here").1.clone()
        }
    }

    impl Clock for Dial {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.lock().expect("nobody panics here").0)
        }

        async fn sleep(&self, span: Duration) {
            let until = self.now().after(span);
            self.0.lock().expect("nobody panics here").1.push(until.0);
            std::future::poll_fn(|_| if self.now() < until { Poll::Pending } else { Poll::Ready(()) }).await;
        }
    }

    #[test]
    fn a_deadline_that_moves_away_sets_no_new_timer_before_the_old_one_rings() {
        let dial = Dial::default();
        let (mut alarm, mut time) = (Alarm::new(&dial), Steady::new(&dial));
        let mut cx = Context::from_waker(Waker::noop());
        for deadline in [10, 12, 15] {
            assert_eq!(alarm.poll(&mut time, Timestamp(deadline), &mut cx), Poll::Pending);
        }
        assert_eq!(dial.sleeps(), [10]);
        dial.show(10);
        assert_eq!(alarm.poll(&mut time, Timestamp(15), &mut cx), Poll::Pending);
        dial.show(15);
        assert_eq!(alarm.poll(&mut time, Timestamp(15), &mut cx), Poll::Ready(()));
        assert_eq!(dial.sleeps(), [10, 15]);
    }

    #[test]
    fn an_earlier_deadline_sets_a_timer_at_once() {
        let dial = Dial::default();
        let (mut alarm, mut time) = (Alarm::new(&dial), Steady::new(&dial));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(alarm.poll(&mut time, Timestamp(10), &mut cx), Poll::Pending);
        assert_eq!(alarm.poll(&mut time, Timestamp(4), &mut cx), Poll::Pending);
        dial.show(4);
        assert_eq!(alarm.poll(&mut time, Timestamp(4), &mut cx), Poll::Ready(()));
        assert_eq!(dial.sleeps(), [10, 4]);
    }
}
