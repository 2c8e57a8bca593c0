//! What a sink does about transactions that grow old.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::{Failure, Next};

/// How a [`TwoPhase`](super::TwoPhase) sink treats old transactions. Plain data; the default does nothing about
/// them.
///
/// ```
/// use std::time::Duration;
/// use twophase::two_phase::{Options, WarningRatio};
///
/// let options = Options {
///     transaction_timeout: Duration::from_secs(900), // the same as at the broker
///     warn_at: Some(WarningRatio::new(0.8)?),
///     ..Options::default()
/// };
/// assert!(!options.ignore_failures_after_timeout);
/// # Ok::<(), twophase::two_phase::RatioOutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// After how long the target gives a transaction up. It has no effect by itself; the other two refer to it.
    pub transaction_timeout: Duration,
    /// From which part of the timeout on a commit is preceded by a warning in the log (V1-21).
    pub warn_at: Option<WarningRatio>,
    /// Whether a restore goes on when it cannot commit a transaction that is older than the timeout (V1-22).
    ///
    /// It loses that transaction's records and only the log says so. Without it, a job whose downtime exceeded
    /// the timeout can never be restored from that checkpoint.
    pub ignore_failures_after_timeout: bool,
}

/// A part of the transaction timeout, from 0 (any age) to 1 (all of it).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct WarningRatio(f64);

/// A [`WarningRatio`] lies between 0 and 1; this does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioOutOfRange(pub f64);

impl Options {
    /// The timeout of transactions that do not time out. Flink's, which counts milliseconds in an `i64`.
    pub const NEVER: Duration = Duration::from_millis(i64::MAX as u64);

    /// Whether a transaction of this age is to be warned about.
    pub(super) fn warns(&self, age: Duration) -> bool {
        self.warn_at.is_some_and(|ratio| millis(age) > millis(self.transaction_timeout) * ratio.0)
    }

    /// Whether a restore may go on although the commit of a transaction of this age failed.
    pub(super) fn ignores(&self, failure: &Failure, age: Duration) -> bool {
        // Fatal is what Java calls an Error: the process is broken, not the transaction.
        self.ignore_failures_after_timeout && failure.next() != Next::Fatal && age > self.transaction_timeout
    }
}

impl Default for Options {
    fn default() -> Self {
        Options { transaction_timeout: Options::NEVER, warn_at: None, ignore_failures_after_timeout: false }
    }
}

impl WarningRatio {
    /// The ratio.
    ///
    /// # Errors
    /// Unless `0 <= ratio <= 1`; a NaN is refused too.
    pub fn new(ratio: f64) -> Result<Self, RatioOutOfRange> {
        if (0.0..=1.0).contains(&ratio) { Ok(WarningRatio(ratio)) } else { Err(RatioOutOfRange(ratio)) }
    }
}

/// Milliseconds, because Flink multiplies those: another unit would round differently at the very limit.
fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

impl fmt::Display for RatioOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a warning ratio lies between 0 and 1, not at {}", self.0)
    }
}

impl Error for RatioOutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_outside_of_zero_to_one_is_refused() {
        for ratio in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
            assert!(WarningRatio::new(ratio).is_err(), "{ratio}");
        }
        assert_eq!(
            WarningRatio::new(1.5).unwrap_err().to_string(),
            "a warning ratio lies between 0 and 1, not at 1.5"
        );
    }

    #[test]
    fn the_age_must_exceed_the_limit_to_matter() {
        let options = Options {
            transaction_timeout: Duration::from_millis(1_000),
            warn_at: WarningRatio::new(0.8).ok(),
            ignore_failures_after_timeout: true,
        };
        let failure = Failure::new(Next::Retry, "not now");

        assert!(!options.warns(Duration::from_millis(800)));
        assert!(options.warns(Duration::from_micros(800_001)));
        assert!(!options.ignores(&failure, Duration::from_millis(1_000)));
        assert!(options.ignores(&failure, Duration::from_micros(1_000_001)));
    }

    #[test]
    fn by_default_no_age_matters() {
        let failure = Failure::new(Next::Retry, "not now");
        assert!(!Options::default().warns(Duration::MAX));
        assert!(!Options::default().ignores(&failure, Duration::MAX));
    }
}
