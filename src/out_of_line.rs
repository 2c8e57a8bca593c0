//! Waiting for what is rare, beside what is frequent.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits for a future whose code stays where it is. Inlined, what is rare makes the loop around it so large that the loop
/// is not inlined itself, and then what is frequent in it pays for one more call.
pub(crate) fn out_of_line<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = F::Output> {
    poll_fn(move |cx| poll(future.as_mut(), cx))
}

#[inline(never)]
fn poll<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(cx)
}
