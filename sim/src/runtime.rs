//! The sandbox around one history: the only file that names madsim, and its bare twin.
//!
//! Inside the sandbox the standard clocks, entropy and thread creation that a stranger's code might touch
//! are virtual or refused. It decides nothing: the world has its own queue, its own clock and its own
//! polling, so a history has the same digest in the sandbox and bare.

pub(crate) use implementation::{Sandbox, sandboxed};

/// Whether histories run inside the sandbox in this build.
pub const SANDBOXED: bool = cfg!(madsim);

#[cfg(madsim)]
mod implementation {
    use std::time::Duration;

    use madsim::runtime::Runtime;
    use madsim::time::TimeHandle;

    /// The clocks of the sandbox, kept in step with the world's.
    pub(crate) struct Sandbox(TimeHandle);

    impl Sandbox {
        /// Time goes on by this many microseconds.
        pub(crate) fn advance(&self, micros: u64) {
            let span = match u32::try_from(micros) {
                Ok(micros @ ..1_000_000) => Duration::new(0, micros * 1_000), // without a division
                _ => Duration::from_micros(micros),
            };
            self.0.advance(span);
        }
    }

    /// Plays `history` inside a sandbox of its own.
    pub(crate) fn sandboxed<T>(seed: u64, history: impl FnOnce(&Sandbox) -> T) -> T {
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.block_on(async { history(&Sandbox(TimeHandle::current())) })
    }
}

#[cfg(not(madsim))]
mod implementation {
    /// Nothing: bare histories have no clocks but the world's.
    pub(crate) struct Sandbox;

    impl Sandbox {
        pub(crate) fn advance(&self, _micros: u64) {}
    }

    /// Plays `history` as it is.
    pub(crate) fn sandboxed<T>(_seed: u64, history: impl FnOnce(&Sandbox) -> T) -> T {
        history(&Sandbox)
    }
}
