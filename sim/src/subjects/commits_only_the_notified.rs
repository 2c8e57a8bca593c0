//! A sink that commits what was pre-committed for exactly the checkpoint that it is told of.
//!
//! - **Window** W4, after complete and before commit. **Found as** lost, once the broker has
//!   waited for the commit as long as it does.
//! - **Seen in** no ticket: it is what the comment in Flink's `TwoPhaseCommitSinkFunction` warns of, and the first
//!   thing that comes to mind.
//!
//! Notices are hints. One may be lost, and a checkpoint may be given up after this sink had acknowledged it: its
//! records are then covered by the next one, so a notice is for everything *up to* its checkpoint.

use twophase::{Broker, CheckpointId, Env, Failure};

use super::altered::{AlterSink, Altered};
use super::{ExactlyOnce, exactly_once};
use crate::env::SimEnv;
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct CommitsOnlyTheNotified {
    correct: ExactlyOnce,
    env: SimEnv,
}

impl AlterSink for CommitsOnlyTheNotified {
    fn correct(&mut self) -> &mut ExactlyOnce {
        &mut self.correct
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        for (checkpoint, transaction) in self.correct.view().pending {
            if *checkpoint == id {
                // the mistake: `==` for `<=`
                let one = std::slice::from_ref(&transaction.handle);
                self.env.broker().commit(one, &[]).await.remove(0)?;
            }
        }
        Ok(())
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("commits-only-the-notified", |env: SimEnv| {
        let correct = exactly_once(env.clone());
        Altered(CommitsOnlyTheNotified { correct, env })
    })
    .broken(Anomaly::Lost, Window::W4)
    .seen_in("S-02: the comment in TwoPhaseCommitSinkFunction")
    .about("a sink that commits for the checkpoint it is told of, and not for those before it")
}
