//! A future that runs as a task beside its owner, and dies with it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use crate::{BoxFuture, Env};

/// The owner's hand on a task of its own process. Dropping it drops the future, at once.
///
/// A future that is polled *by* its owner is polled again for everything that its owner waits for, and its owner for
/// everything that the future waits for. As a task each goes its own way, and they meet only where they talk.
pub(crate) struct Companion(Arc<Mutex<Option<BoxFuture<()>>>>);

impl Companion {
    /// Starts `future` as a task of the process of `env`.
    pub(crate) fn start<E: Env>(env: &E, future: BoxFuture<()>) -> Self {
        let future = Arc::new(Mutex::new(Some(future)));
        let task = future.clone();
        env.spawn(poll_fn(move |cx| poll(&task, cx)));
        Companion(future)
    }
}

/// Polls the future in its place, so that nobody can drop it meanwhile. One that has panicked is not polled again, and
/// all that is left is to drop it.
fn poll(task: &Mutex<Option<BoxFuture<()>>>, cx: &mut Context<'_>) -> Poll<()> {
    let mut place = task.lock();
    let Some(future) = &mut *place else {
        return Poll::Ready(()); // its owner has dropped it
    };
    if future.as_mut().poll(cx).is_pending() {
        return Poll::Pending;
    }
    let ended = place.take();
    drop(place);
    drop(ended); // outside of the lock: what it holds may run anything when it is dropped
    Poll::Ready(())
}

impl Drop for Companion {
    fn drop(&mut self) {
        let future = self.0.lock().take();
        drop(future); // outside of the lock, as above
    }
}
