//! Waiting for whichever comes first, without a runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Which of two futures was ready.
#[derive(Debug)]
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for one of two futures and drops the other, so both must be cancel safe.
///
/// The first is always asked first: a fair choice would need a random number, and here each caller knows
/// what is more urgent.
pub(crate) fn first<A: Future, B: Future>(a: A, b: B) -> First<A, B> {
    First { a, b }
}

pin_project! {
    /// (By hand: an `async fn` would be entered and left as one more state machine at each poll.)
    #[derive(Debug)]
    pub(crate) struct First<A, B> {
        #[pin]
        a: A,
        #[pin]
        b: B,
    }
}

impl<A: Future, B: Future> Future for First<A, B> {
    type Output = Either<A::Output, B::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.a.poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        this.b.poll(cx).map(Either::Second)
    }
}

/// Lets everything else that is ready go first, once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
