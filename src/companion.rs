//! A future that runs as a task beside its owner, and dies with it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{BoxFuture, Env};

/// The owner's hand on a task of its own process. Dropping it drops the future, at once.
///
/// A future that is polled *by* its owner is polled again for everything that its owner waits for, and its owner for
/// everything that the future waits for. As a task each goes its own way, and they meet only at the end.
pub(crate) struct Companion<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    future: Option<BoxFuture<T>>,
    output: Option<T>,
    owner: Option<Waker>,
}

impl<T: Send + 'static> Companion<T> {
    /// Starts `future` as a task of the process of `env`.
    pub(crate) fn start<E: Env>(env: &E, future: BoxFuture<T>) -> Self {
        let state = Arc::new(Mutex::new(State { future: Some(future), output: None, owner: None }));
        let task = state.clone();
        env.spawn(poll_fn(move |cx| poll(&task, cx)));
        Companion(state)
    }

    /// What it came to. Ready once.
    pub(crate) fn poll_output(&self, cx: &mut Context<'_>) -> Poll<T> {
        let mut state = lock(&self.0);
        match state.output.take() {
            Some(output) => Poll::Ready(output),
            None => {
                match &mut state.owner {
                    Some(owner) => owner.clone_from(cx.waker()),
                    owner => *owner = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// Polls the future in its place, so that nobody can drop it meanwhile.
fn poll<T>(task: &Mutex<State<T>>, cx: &mut Context<'_>) -> Poll<()> {
    let mut state = lock(task);
    let Some(future) = &mut state.future else {
        return Poll::Ready(()); // its owner has dropped it
    };
    let Poll::Ready(output) = future.as_mut().poll(cx) else {
        return Poll::Pending;
    };
    let ended = state.future.take();
    state.output = Some(output);
    let owner = state.owner.take();
    drop(state);
    drop(ended);
    if let Some(owner) = owner {
        owner.wake();
    }
    Poll::Ready(())
}

impl<T> Drop for Companion<T> {
    fn drop(&mut self) {
        let future = lock(&self.0).future.take();
        drop(future); // outside of the lock: what it holds may run anything when it is dropped
    }
}

/// If the future has panicked, it will not be polled again, and all that is left is to drop it.
fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
