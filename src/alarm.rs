//! A timer for a deadline that keeps moving.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Timestamp;

/// Rings at a deadline that may be another one each time it is asked.
///
/// Most deadlines move away before they are reached: a heartbeat is answered, a checkpoint completes. A timer that
/// is set for an earlier time is kept, and only when it rings is it set again for what is left. So whoever waits for
/// messages between two deadlines sets no timer for each of them, nor looks at the clock: a jump of it forwards is noticed
/// when the timer rings.
pub(crate) struct Alarm<'a, S, T> {
    sleep: S,
    /// When the timer rings, while there is one.
    at: Timestamp,
    timer: Pin<&'a mut Option<T>>,
}

impl<'a, S: Fn(Duration) -> T, T: Future<Output = ()>> Alarm<'a, S, T> {
    /// An alarm whose timers `sleep` makes, one after the other in the same `place`.
    pub(crate) fn new(place: Pin<&'a mut Option<T>>, sleep: S) -> Self {
        Alarm { sleep, at: Timestamp::default(), timer: place }
    }

    /// Ready once `deadline` has come. The time is asked `now` only if no timer tells that it has not.
    pub(crate) fn poll(
        &mut self,
        deadline: Timestamp,
        mut now: impl FnMut() -> Timestamp,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match self.timer.as_mut().as_pin_mut() {
                Some(timer) if self.at <= deadline => {
                    if timer.poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.timer.set(None);
                    if self.at == deadline {
                        return Poll::Ready(());
                    }
                }
                _ => {
                    let now = ask(&mut now);
                    if deadline <= now {
                        return Poll::Ready(());
                    }
                    self.set(now, deadline);
                }
            }
        }
    }

    #[cold]
    fn set(&mut self, now: Timestamp, deadline: Timestamp) {
        self.timer.set(Some((self.sleep)(deadline.since(now))));
        self.at = deadline;
    }
}

/// (Out of line, for it is rare: what it takes to tell the time would else be kept at hand at each poll.)
#[cold]
#[inline(never)]
fn ask(now: &mut impl FnMut() -> Timestamp) -> Timestamp {
    now()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    use super::*;
    use crate::Clock;

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
        let timer = pin!(None);
        let mut alarm = Alarm::new(timer, |span| dial.sleep(span));
        let mut cx = Context::from_waker(Waker::noop());
        for deadline in [10, 12, 15] {
            assert_eq!(alarm.poll(Timestamp(deadline), || dial.now(), &mut cx), Poll::Pending);
        }
        assert_eq!(dial.sleeps(), [10]);
        dial.show(10);
        assert_eq!(alarm.poll(Timestamp(15), || dial.now(), &mut cx), Poll::Pending);
        dial.show(15);
        assert_eq!(alarm.poll(Timestamp(15), || dial.now(), &mut cx), Poll::Ready(()));
        assert_eq!(dial.sleeps(), [10, 15]);
    }

    #[test]
    fn an_earlier_deadline_sets_a_timer_at_once() {
        let dial = Dial::default();
        let timer = pin!(None);
        let mut alarm = Alarm::new(timer, |span| dial.sleep(span));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(alarm.poll(Timestamp(10), || dial.now(), &mut cx), Poll::Pending);
        assert_eq!(alarm.poll(Timestamp(4), || dial.now(), &mut cx), Poll::Pending);
        dial.show(4);
        assert_eq!(alarm.poll(Timestamp(4), || dial.now(), &mut cx), Poll::Ready(()));
        assert_eq!(dial.sleeps(), [10, 4]);
    }
}
