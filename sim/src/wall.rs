//! The wall clock, for rates that people read. Outside of every history; nothing in a run may depend on it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long a person waited for a sweep; no history can see it"
)]

use std::time::{Duration, Instant};

/// How long something takes in the real world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
