//! A bounded queue between two tasks of one process: one sender, one receiver, no runtime.
//!
//! It is closed as soon as either side is dropped. That is how the reading tasks of a dropped attempt end:
//! nobody has to find and stop them.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::future::Future;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

/// A queue for `capacity` items.
pub(crate) fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    sides(Arc::new(Queue::new(capacity)))
}

/// The two sides of a queue, which may be shared together with others.
pub(crate) fn sides<T, Q: Borrow<Queue<T>> + Clone>(queue: Q) -> (Sender<T, Q>, Receiver<T, Q>) {
    let sender = Sender { queue: queue.clone(), of: PhantomData };
    (sender, Receiver { queue, waker: WakerId::NONE, of: PhantomData })
}

/// The side that puts items in.
#[derive(Debug)]
pub(crate) struct Sender<T, Q: Borrow<Queue<T>> = Arc<Queue<T>>> {
    queue: Q,
    of: PhantomData<T>,
}

/// The side that takes items out.
#[derive(Debug)]
pub(crate) struct Receiver<T, Q: Borrow<Queue<T>> = Arc<Queue<T>>> {
    queue: Q,
    /// Who is woken when there are news: whoever asks again need not take the lock for it.
    waker: WakerId,
    of: PhantomData<T>,
}

/// Which waker, as long as it exists. (One that waits does, since it is kept where it is to be woken.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WakerId(usize, usize);

impl WakerId {
    /// That of no waker.
    pub(crate) const NONE: WakerId = WakerId(0, 0);

    pub(crate) fn of(waker: &Waker) -> Self {
        WakerId(waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }
}

/// The other side is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// What the two sides share.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Whether there is anything to receive, be it the end. Outside of the lock, because it is asked far more often
    /// than there is.
    news: AtomicBool,
}

#[derive(Debug)]
struct State<T> {
    /// In its place, since most queues hold no more.
    oldest: Option<T>,
    /// What came in behind it.
    others: VecDeque<T>,
    capacity: usize,
    /// Who waits for room.
    sender: Option<Waker>,
    /// Who has waited for an item, and is woken for each that comes when there was none.
    receiver: Option<Waker>,
    closed: bool,
}

impl<T, Q: Borrow<Queue<T>>> Sender<T, Q> {
    /// Puts an item in, as soon as there is room.
    pub(crate) fn send(&self, item: T) -> impl Future<Output = Result<(), Closed>> + '_ {
        let mut item = Some(item);
        poll_fn(move |cx| self.poll_send(&mut item, cx))
    }

    /// Puts an item in at once, over the capacity if need be: for the few commands that must not wait.
    pub(crate) fn push(&self, item: T) -> Result<(), Closed> {
        let mut state = self.queue.borrow().state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.put(item);
        self.queue.borrow().announce(state);
        Ok(())
    }

    /// Puts an item in at once, and takes out what was not received yet: this says all there is to say.
    pub(crate) fn overrule(&self, item: T) -> Result<(), Closed> {
        let mut state = self.queue.borrow().state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.others.clear();
        state.oldest = Some(item);
        self.queue.borrow().announce(state);
        Ok(())
    }

    fn poll_send(&self, item: &mut Option<T>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.queue.borrow().state.lock();
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        if state.is_full() {
            wait(&mut state.sender, cx);
            return Poll::Pending;
        }
        if let Some(item) = item.take() {
            state.put(item);
        }
        self.queue.borrow().announce(state);
        Poll::Ready(Ok(()))
    }
}

impl<T, Q: Borrow<Queue<T>>> Receiver<T, Q> {
    /// The next item, or `None` once the queue is empty and its sender gone. Cancel safe.
    pub(crate) async fn receive(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Whether [`Receiver::poll_receive`] would be ready. For whoever asks often, and waits for something else.
    pub(crate) fn has_news(&self) -> bool {
        self.queue.borrow().news.load(Ordering::Acquire)
    }

    /// [`Receiver::receive`], for whoever waits for several queues.
    #[inline]
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if !self.has_news() && self.waker == WakerId::of(cx.waker()) {
            return Poll::Pending;
        }
        self.take_or_wait(cx)
    }

    #[inline(never)]
    fn take_or_wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.queue.borrow().state.lock();
        match state.take() {
            Some(item) => {
                self.queue.borrow().news.store(state.closed || state.oldest.is_some(), Ordering::Release);
                wake_sender(state);
                Poll::Ready(Some(item))
            }
            None if state.closed => Poll::Ready(None),
            None => {
                wait(&mut state.receiver, cx);
                self.waker = WakerId::of(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl<T, Q: Borrow<Queue<T>>> Drop for Sender<T, Q> {
    fn drop(&mut self) {
        let mut state = self.queue.borrow().state.lock();
        state.closed = true;
        self.queue.borrow().announce(state);
    }
}

impl<T, Q: Borrow<Queue<T>>> Drop for Receiver<T, Q> {
    fn drop(&mut self) {
        let mut state = self.queue.borrow().state.lock();
        state.closed = true;
        let waker = state.receiver.take();
        wake_sender(state);
        drop(waker); // outside of the lock
    }
}

impl<T> State<T> {
    fn is_full(&self) -> bool {
        self.oldest.is_some() && self.others.len() + 1 >= self.capacity
    }

    fn put(&mut self, item: T) {
        match self.oldest {
            None => self.oldest = Some(item),
            Some(_) => self.others.push_back(item),
        }
    }

    fn take(&mut self) -> Option<T> {
        let item = self.oldest.take()?;
        self.oldest = self.others.pop_front();
        Some(item)
    }
}

impl<T> Queue<T> {
    /// For `capacity` items.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            oldest: None,
            others: VecDeque::new(),
            capacity: capacity.max(1),
            sender: None,
            receiver: None,
            closed: false,
        };
        Queue { state: Mutex::new(state), news: AtomicBool::new(false) }
    }

    /// Something has become ready to be received. Whoever receives is woken, unless he has yet to look at what was there
    /// before; after the lock is released, because a waker may run anything.
    fn announce(&self, state: MutexGuard<'_, State<T>>) {
        let waiting = if self.news.load(Ordering::Relaxed) { None } else { state.receiver.clone() };
        self.news.store(true, Ordering::Release);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// That side waits. Nearly always it is the task that waited before.
fn wait(side: &mut Option<Waker>, cx: &Context<'_>) {
    match side {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *side = Some(cx.waker().clone()),
    }
}

/// Wakes whoever waits for room, after the lock is released as well.
fn wake_sender<T>(mut state: MutexGuard<'_, State<T>>) {
    let waiting = state.sender.take();
    drop(state);
    waiting.into_iter().for_each(Waker::wake);
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::wakes::Wakes;

    #[test]
    fn items_come_out_in_the_order_they_went_in() {
        let (sender, mut receiver) = channel(4);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(!receiver.has_news());
        for item in 0..3 {
            assert_eq!(sender.push(item), Ok(()));
        }
        for item in 0..3 {
            assert!(receiver.has_news());
            assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(item)));
        }
        assert!(!receiver.has_news());
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Pending);
    }

    #[test]
    fn a_full_queue_holds_its_sender_until_an_item_is_taken() {
        let (sender, mut receiver) = channel(1);
        let (waker, wakes) = Wakes::counting();
        let mut cx = Context::from_waker(&waker);
        assert_eq!(pin!(sender.send(1)).poll(&mut cx), Poll::Ready(Ok(())));
        let mut second = pin!(sender.send(2));
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Pending);

        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(1)));
        assert_eq!(wakes.count(), 1);
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(2)));
    }

    #[test]
    fn a_waiting_receiver_is_woken_by_an_item_and_by_the_end() {
        let (sender, mut receiver) = channel(1);
        let (waker, wakes) = Wakes::counting();
        let mut cx = Context::from_waker(&waker);
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Pending);
        sender.push(7).expect("the receiver is there");
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(7)));
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Pending);
        drop(sender);
        assert_eq!(wakes.count(), 2);
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(None));
    }

    #[test]
    fn an_item_that_overrules_others_is_all_that_is_received() {
        let (sender, mut receiver) = channel(1);
        let mut cx = Context::from_waker(Waker::noop());
        sender.push(1).expect("the receiver is there");
        sender.overrule(2).expect("the receiver is there");
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(2)));
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Pending);
    }

    #[test]
    fn a_receiver_that_asks_again_is_woken_all_the_same() {
        let (sender, mut receiver) = channel(1);
        let (first, first_wakes) = Wakes::counting();
        let (second, second_wakes) = Wakes::counting();
        for waker in [&first, &first, &second] {
            assert_eq!(receiver.poll_receive(&mut Context::from_waker(waker)), Poll::Pending);
        }
        sender.push(7).expect("the receiver is there");
        assert_eq!((first_wakes.count(), second_wakes.count()), (0, 1), "who asked last");
        let mut cx = Context::from_waker(&second);
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(7)));
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Pending);
        sender.push(8).expect("the receiver is there");
        assert_eq!(second_wakes.count(), 2, "for each item that comes when there was none");
    }

    #[test]
    fn what_was_put_in_before_the_sender_left_is_still_received() {
        let (sender, mut receiver) = channel(2);
        let mut cx = Context::from_waker(Waker::noop());
        sender.push(1).expect("the receiver is there");
        drop(sender);
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(Some(1)));
        assert!(receiver.has_news());
        assert_eq!(receiver.poll_receive(&mut cx), Poll::Ready(None));
    }

    #[test]
    fn a_sender_that_waits_for_room_learns_that_its_receiver_is_gone() {
        let (sender, receiver) = channel(1);
        let (waker, wakes) = Wakes::counting();
        let mut cx = Context::from_waker(&waker);
        sender.push(1).expect("the receiver is there");
        let mut second = pin!(sender.send(2));
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Pending);
        drop(receiver);
        assert_eq!(wakes.count(), 1);
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(Err(Closed)));
        assert_eq!(sender.push(3), Err(Closed));
    }
}
