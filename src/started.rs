//! A future, or why there is none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Failure;

pin_project! {
    /// What a call that could fail at once has started: the future of the call beneath it, or the failure.
    ///
    /// An `async fn` for a call that only passes something on would be one more state machine, which moves the future
    /// beneath it into itself and is entered each time that one is polled. Records pass through several such calls.
    #[project = StartedProjection]
    #[derive(Debug)]
    pub(crate) enum Started<F> {
        Running { #[pin] future: F },
        Failed { failure: Option<Failure> },
    }
}

impl<F> Started<F> {
    pub(crate) fn running(future: F) -> Self {
        Started::Running { future }
    }

    pub(crate) fn failed(failure: impl Into<Failure>) -> Self {
        Started::Failed { failure: Some(failure.into()) }
    }
}

impl<T, F: Future<Output = Result<T, Failure>>> Future for Started<F> {
    type Output = Result<T, Failure>;

    #[inline(always)] // it only passes on
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            StartedProjection::Running { future } => future.poll(cx),
            StartedProjection::Failed { failure } => {
                Poll::Ready(Err(failure.take().expect("a future is not polled once it has ended")))
            }
        }
    }
}
