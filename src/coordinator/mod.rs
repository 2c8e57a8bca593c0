//! The checkpoint coordinator: a pure machine, and the loop that plays it.
//!
//! ```text
//!                    Input                                    Effect
//!   a worker's message ───┐                            ┌───► Send a message to a worker
//!   time passed ──────────┼──►  Decide::handle  ───────┼───► Read, Put the head of the job
//!   the store's answer ───┘     (Coordinator)          ├───► Note a fact
//!                                                      └───► Stop
//! ```
//!
//! The machine awaits nothing and asks nobody; [`run`] performs its effects one after the other, in their
//! order, and hands every answer of the store back before anything else. So a broken coordinator, for a test,
//! is a [`Decide`] that wraps [`Coordinator`] and alters what goes in or comes out.
//!
//! **The commit point** (reference rule R1) is one effect: the [`Effect::Put`] of a [`Head`] that names the
//! checkpoint. `Complete` is sent only after the store said that it is durable. What the store did not answer
//! is read back until the truth is known (`head.rs`).
//!
//! **The fence.** Taking over raises the term by a conditional write before any task starts, and every restart
//! of the tasks draws its incarnation by another one. Without the second, this loses records:
//!
//! 1. the write that completes checkpoint 4 is not answered, and is still under way;
//! 2. the tasks fail, and are restored from checkpoint 3: what belongs to 4 is aborted;
//! 3. the write of step 1 arrives and makes 4 durable;
//! 4. the next crash restores from 4, whose transactions are gone.
//!
//! Drawing the incarnation writes the head between 1 and 2. Either that refuses the late write, or it is
//! refused itself and finds 4 durable before anything was aborted.

mod backoff;
mod cadence;
mod charge;
mod checkpoints;
mod deploy;
mod head;
mod machine;
mod pending;
mod process;
mod roster;

pub use machine::Coordinator;
pub use process::run;

use crate::env::{Head, Version};
use crate::message::{ToCoordinator, ToWorker};
use crate::{Address, Fact, Failure, Timestamp};

/// What decides for a coordinator process.
pub trait Decide: Send + 'static {
    /// Takes one input and pushes what is to be done because of it, in order.
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>);

    /// When it wants [`Input::Time`], if no other input comes before.
    fn next_deadline(&self) -> Option<Timestamp>;
}

/// What a coordinator learns.
#[derive(Debug)]
pub enum Input {
    /// The process has started; always the first.
    Started,
    /// A message from a worker.
    Message {
        /// The worker, and the life it had when it sent it.
        from: Address,
        /// What it said.
        message: ToCoordinator,
    },
    /// A deadline may have been reached. Comes only when no message is waiting: a coordinator that was paused
    /// must hear the heartbeats that arrived meanwhile before it judges their silence.
    Time,
    /// The answer to [`Effect::Read`].
    Read(Result<Option<(Version, Head)>, Failure>),
    /// The answer to [`Effect::Put`].
    Put(Result<Version, Failure>),
}

/// What a coordinator wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message to a worker.
    Send(Address, ToWorker),
    /// Read the head of the job.
    Read,
    /// Write the head, if its newest version still is `expected`.
    Put {
        /// The version it builds on; `None` if nothing was ever written.
        expected: Option<Version>,
        /// What to write.
        head: Head,
    },
    /// Say what is known to be so.
    Note(Fact),
    /// End the process.
    Stop(End),
}

/// How a coordinator process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The job has ended.
    Finished,
    /// Another coordinator is in charge.
    Deposed,
    /// It cannot go on, for this reason.
    GaveUp(String),
}

impl Decide for Box<dyn Decide> {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        (**self).handle(now, input, effects);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        (**self).next_deadline()
    }
}
