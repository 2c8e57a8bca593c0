//! A sink that throws its transaction away when the checkpoint is given up.
//!
//! - **Window** W3, after the ack and before complete. **Found as** stuck: the records are lost, and
//!   the restore that looks for them gives up.
//! - **Seen in** what FLINK-8871 warns of, which brought the notice.
//!
//! A checkpoint that is given up is as if it had never been asked for: its records are not sent again, they
//! belong to the next one. And the notice is a hint only: the checkpoint may be complete all the same.

use twophase::{Broker, CheckpointId, Env, Failure};

use super::altered::{AlterSink, Altered};
use super::{ExactlyOnce, exactly_once};
use crate::env::SimEnv;
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct DiscardsWhenAborted {
    correct: ExactlyOnce,
    env: SimEnv,
}

impl AlterSink for DiscardsWhenAborted {
    fn correct(&mut self) -> &mut ExactlyOnce {
        &mut self.correct
    }

    async fn aborted(&mut self, id: CheckpointId) -> Result<(), Failure> {
        for (checkpoint, transaction) in self.correct.view().pending {
            if *checkpoint == id {
                self.env.broker().abort(&transaction.handle).await?; // the mistake
            }
        }
        Ok(())
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("discards-when-aborted", |env: SimEnv| {
        let correct = exactly_once(env.clone());
        Altered(DiscardsWhenAborted { correct, env })
    })
    .broken(Anomaly::Stuck, Window::W3)
    .seen_in("S-03: FLINK-8871")
    .about("a sink that aborts its transaction when the checkpoint is given up")
}
