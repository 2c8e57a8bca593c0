//! Work that was checked before it begins.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Failure;

pin_project! {
    /// The future of such work, or the failure that keeps it from beginning.
    ///
    /// An `async fn` that only looks something up and awaits the next one would keep its arguments, move them on when it
    /// is polled first, and stand between the task and the request each time. Layers that every record passes do
    /// their part at once instead, and hand on the future itself.
    #[project = Projected]
    pub(crate) enum Checked<F> {
        Begins { #[pin] work: F },
        Refused { failure: Option<Failure> },
    }
}

impl<F> Checked<F> {
    #[inline]
    pub(crate) fn new(work: Result<F, impl Into<Failure>>) -> Self {
        match work {
            Ok(work) => Checked::Begins { work },
            Err(failure) => Checked::Refused { failure: Some(failure.into()) },
        }
    }
}

impl<F: Future<Output = Result<(), Failure>>> Future for Checked<F> {
    type Output = Result<(), Failure>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::Begins { work } => work.poll(cx),
            Projected::Refused { failure } => Poll::Ready(failure.take().map_or(Ok(()), Err)),
        }
    }
}
