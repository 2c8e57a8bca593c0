//! The smallest world that the logic runs in without the simulator: nothing in it waits.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use twophase::{Clock, Timestamp};

/// Runs a future that never has to wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing in this world waits"),
    }
}

/// A clock on which every sleep is over at once; it keeps what was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naps(pub(crate) Arc<Mutex<Vec<Duration>>>);

impl Clock for Naps {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    async fn sleep(&self, span: Duration) {
        self.0.lock().unwrap().push(span);
    }
}
