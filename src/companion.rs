//! A future that runs as a task beside its owner, and goes when it is told to.

use std::borrow::Borrow;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use pin_project_lite::pin_project;

use crate::Env;
use crate::channel::WakerId;

/// The owner's hand on a task of its own process. Once it is dropped, the future is not polled any more, and dropped as
/// soon as its task has its turn: not here, because it may be under way on another thread. Whoever must know when it is
/// gone gives it something to drop, such as one side of a queue.
///
/// A future that is polled *by* its owner is polled again for everything that its owner waits for, and its owner for
/// everything that the future waits for. As a task each goes its own way, and they meet only where they talk.
pub(crate) struct Companion<O: Borrow<Order>>(O);

/// The order to go.
#[derive(Debug, Default)]
pub(crate) struct Order {
    given: AtomicBool,
    /// Whom it wakes. Set rarely, so that a poll takes no lock.
    task: Mutex<Option<Waker>>,
}

impl<O: Borrow<Order> + Clone + Send + 'static> Companion<O> {
    /// Starts `future` as a task of the process of `env`, to go upon this order.
    pub(crate) fn start<E: Env>(
        env: &E,
        order: O,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        // (Made where it is handed over: it is large, and each call in between would move it once more.)
        env.spawn(Obedient { future, order: order.clone(), known: WakerId::NONE });
        Companion(order)
    }
}

impl<O: Borrow<Order>> Drop for Companion<O> {
    fn drop(&mut self) {
        let order = self.0.borrow();
        order.given.store(true, Ordering::Release);
        let task = order.task.lock().take();
        task.into_iter().for_each(Waker::wake);
    }
}

pin_project! {
    /// A future until the order comes.
    struct Obedient<F, O> {
        #[pin]
        future: F,
        order: O,
        // The waker that the order would wake.
        known: WakerId,
    }
}

impl<F: Future<Output = ()>, O: Borrow<Order>> Future for Obedient<F, O> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let order: &Order = (*this.order).borrow();
        // Known first, and only then asked whether it was given: so an order that is given in between is not missed.
        let waker = WakerId::of(cx.waker());
        if *this.known != waker {
            *order.task.lock() = Some(cx.waker().clone());
            *this.known = waker;
        }
        if order.given.load(Ordering::Acquire) {
            return Poll::Ready(()); // and whoever has polled it drops it
        }
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::Arc;

    use super::*;
    use crate::wakes::Wakes;

    impl<F, O> Obedient<F, O> {
        fn new(future: F, order: O) -> Self {
            Obedient { future, order, known: WakerId::NONE }
        }
    }

    #[test]
    fn an_order_wakes_the_task_and_the_task_ends() {
        let order = Arc::<Order>::default();
        let (companion, mut task) = (Companion(order.clone()), pin!(Obedient::new(pending(), order)));
        let (earlier, wakes) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
        for wakes in [&earlier, &wakes] {
            let waker = wakes.clone().into();
            assert_eq!(task.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
        }
        drop(companion);
        let woken = [earlier, wakes.clone()].map(|wakes| wakes.count());
        assert_eq!(woken, [0, 1], "the waker that it was polled with last");
        let waker = wakes.into();
        assert_eq!(task.poll(&mut Context::from_waker(&waker)), Poll::Ready(()));
    }

    #[test]
    fn a_future_that_was_never_polled_never_is_once_the_order_is_given() {
        let order = Arc::<Order>::default();
        let task = Obedient::new(async { unreachable!("it was told to go") }, order.clone());
        drop(Companion(order));
        assert_eq!(pin!(task).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}
