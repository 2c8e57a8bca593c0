//! A sink that logs a failed commit and goes on.
//!
//! - **Window** W4, after complete and before commit. **Found as** lost.
//! - **Seen in** FLINK-24773.
//!
//! The checkpoint has promised the transaction. Whoever forgets it leaves it to the next restore, which knows no
//! promise and aborts it, or to the broker's timeout.

use twophase::{Failure, Handle, Participant};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, impatient_hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct ForgetsFailedCommits {
    correct: Hooks,
}

impl AlterHooks for ForgetsFailedCommits {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        let _ = self.correct.commit(transaction).await; // the mistake
        Ok(())
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("forgets-failed-commits", |env| {
        let hooks = ForgetsFailedCommits { correct: impatient_hooks_for(&env) };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Lost, Window::W4)
    .seen_in("C-01: FLINK-24773")
    .about("a sink that goes on when a commit has failed")
}
