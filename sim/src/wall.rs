//! The wall clock, for rates that people read. Nothing in a run may depend on it.

use std::time::Duration;
#[expect(
    clippy::disallowed_types,
    reason = "outside of every history: how long the person waited"
)]
use std::time::Instant;

/// How long something takes in the real world.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::disallowed_types,
    reason = "outside of every history: how long the person waited"
)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "outside of every history"
    )]
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
