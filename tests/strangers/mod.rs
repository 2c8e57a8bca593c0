//! What a stranger's code may do: the correct sink, and something else besides.

use std::time::Duration;

use twophase::{CheckpointId, Clock, Env, Failure, Record, Sink};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{SimEnv, Subject};

/// The correct sink, which does something else besides with each record, and then sleeps for as long as that says.
struct Meddling<F> {
    correct: ExactlyOnce,
    env: SimEnv,
    meddle: F,
}

impl<F: FnMut(&SimEnv) -> Duration + Send + 'static> Sink for Meddling<F> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.correct.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        let pause = (self.meddle)(&self.env);
        if !pause.is_zero() {
            self.env.clock().sleep(pause).await;
        }
        self.correct.write(record).await
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.correct.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.correct.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.correct.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.correct.close().await
    }
}

/// The correct sink, which does this besides with each record.
pub(crate) fn meddling<F>(meddle: F) -> Subject
where
    F: Fn(&SimEnv) -> Duration + Clone + Send + Sync + 'static,
{
    Subject::sink("meddling", move |env: SimEnv| Meddling {
        correct: exactly_once(env.clone()),
        env,
        meddle: meddle.clone(),
    })
}
