//! Time as one machine sees it.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since an epoch that only this machine knows.
///
/// ```
/// use std::time::Duration;
/// use twophase::Timestamp;
///
/// let start = Timestamp(1_000_000);
/// assert_eq!(start.after(Duration::from_millis(5)).since(start), Duration::from_millis(5));
/// assert_eq!(start.since(start.after(Duration::from_millis(5))), Duration::ZERO); // another machine's clock is ahead
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time between `earlier` and this; zero if `earlier` is later, as it can be between two machines.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The point `span` later.
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.as_micros() as u64))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

/// Now, and waiting.
///
/// Does not promise that two machines agree on the time, nor that time never jumps.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The time on this machine.
    fn now(&self) -> Timestamp;
    /// Resolves after `span`.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;
}

/// The time was up before the future was ready; see [`timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer in time")
    }
}

impl std::error::Error for Elapsed {}

/// Waits for `future`, but no longer than `span`; the future is dropped then.
///
/// The future is asked first: if both are ready, it wins.
pub async fn timeout<F: Future>(clock: &impl Clock, span: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut sleep = pin!(clock.sleep(span));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
