//! A sink that takes it for granted that a notice finds something to commit.
//!
//! - **Window** none. **Found as** panicked.
//! - **Seen in** FLINK-10377.
//!
//! A notice is for everything up to its checkpoint, and may be late or repeated. So one that comes behind a newer
//! one finds nothing left, and that is as it should be.

use twophase::{CheckpointId, Failure, Sink};

use super::altered::{AlterSink, Altered};
use super::{ExactlyOnce, exactly_once};
use crate::{Anomaly, Subject};

#[derive(Debug)]
struct AssertsSomethingPends {
    correct: ExactlyOnce,
}

impl AlterSink for AssertsSomethingPends {
    fn correct(&mut self) -> &mut ExactlyOnce {
        &mut self.correct
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        let something = !self.correct.view().pending.is_empty();
        assert!(something, "checkpoint completed, but no transaction pending"); // the mistake
        self.correct.complete(id).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("asserts-something-pends", |env| {
        Altered(AssertsSomethingPends { correct: exactly_once(env) })
    })
    .broken(Anomaly::Panicked, None)
    .seen_in("S-01: FLINK-10377")
    .about("a sink that panics when a notice finds nothing to commit")
}
