//! A sink that restores in the wrong order: it shuts out the old incarnation first, and commits then.
//!
//! - **Window** W4, after complete and before commit. **Found as** lost.
//! - **Akin to** FLINK-22452: a job that was given the names of another aborted what that one had pre-committed.
//!
//! Fencing looks like what a careful sink does first. But the broker aborts what is open under a name that it
//! fences, and what a completed checkpoint has promised is open until it is committed. The commit that follows is
//! answered "fenced", which a sink must take for "committed before": so nobody ever complains.

use twophase::{Broker, Env, Failure, Handle, Participant};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::env::SimEnv;
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct FencesBeforeCommitting {
    correct: Hooks,
    env: SimEnv,
}

impl AlterHooks for FencesBeforeCommitting {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn recover_and_commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.env.broker().fence(&transaction.id).await?; // the mistake
        self.correct.recover_and_commit(transaction).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("fences-before-committing", |env| {
        let correct = hooks_for(&env);
        sink_over(&env.clone(), Altered(FencesBeforeCommitting { correct, env }))
    })
    .broken(Anomaly::Lost, Window::W4)
    .seen_in("akin to T-04: FLINK-22452")
    .about("a sink that fences the old incarnation before it commits what that one was promised")
}
