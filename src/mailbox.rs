//! A wait for messages that lasts from one to the next.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The messages that come in, one after the other.
///
/// Whoever waits for other things as well asks for the next message once, and not anew after each of them.
pub(crate) struct Mailbox<'a, R, F> {
    receive: R,
    /// The wait for the next one, or the last one, which is over.
    next: Pin<&'a mut Option<F>>,
    waits: bool,
}

impl<'a, R: Fn() -> F, F: Future> Mailbox<'a, R, F> {
    /// A mailbox that asks for each message by `receive`, one after the other in the same `place`.
    pub(crate) fn new(place: Pin<&'a mut Option<F>>, receive: R) -> Self {
        Mailbox { receive, next: place, waits: false }
    }

    /// Ready with the next message.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !self.waits {
            self.next.set(Some((self.receive)()));
        }
        let next = self.next.as_mut().as_pin_mut().expect("it was asked for just now");
        let message = next.poll(cx);
        self.waits = message.is_pending();
        message
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    #[test]
    fn the_next_message_is_asked_for_once_however_often_it_is_looked_for() {
        let (asked, came) = (Cell::new(0), Cell::new(None));
        let place = pin!(None);
        let mut mailbox = Mailbox::new(place, || {
            asked.set(asked.get() + 1);
            poll_fn(|_| came.take().map_or(Poll::Pending, Poll::Ready))
        });
        let mut cx = Context::from_waker(Waker::noop());
        for message in [1, 2] {
            assert_eq!(mailbox.poll(&mut cx), Poll::Pending);
            assert_eq!(mailbox.poll(&mut cx), Poll::Pending);
            came.set(Some(message));
            assert_eq!(mailbox.poll(&mut cx), Poll::Ready(message));
            assert_eq!(asked.get(), message);
        }
    }
}
