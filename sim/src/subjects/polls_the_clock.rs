//! A sink that waits by looking at the clock again and again.
//!
//! - **Window** none. **Found as** hung.
//! - **Seen in** no ticket: it is a thread's way of waiting, in a future.
//!
//! On a busy machine this only burns a core. Where one thread plays all tasks, nobody else gets to run; and here
//! time goes on only when everybody waits, so it never does.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use twophase::{Clock, Env, Failure, Handle, Participant};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, impatient_hooks_for};
use crate::env::SimClock;
use crate::{Anomaly, Subject};

/// Between two attempts to commit.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct PollsTheClock {
    correct: Hooks,
    clock: SimClock,
}

impl PollsTheClock {
    /// The mistake.
    async fn pause(&self) {
        let until = self.clock.now().after(PAUSE);
        poll_fn(|context| {
            if self.clock.now() >= until {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}

impl AlterHooks for PollsTheClock {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        match self.correct.commit(transaction).await {
            Err(failure) if failure.may_have_happened() => {
                self.pause().await;
                self.correct.commit(transaction).await
            }
            result => result,
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("polls-the-clock", |env| {
        let hooks = PollsTheClock { correct: impatient_hooks_for(&env), clock: env.clock().clone() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Hung, None)
    .about("a sink that waits between two attempts to commit by looking at the clock")
}
