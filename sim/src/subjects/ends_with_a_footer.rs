//! A sink that writes a record of its own behind those of each checkpoint.
//!
//! - **Window** W5, because it is seen when the transaction is committed. **Found as** invented.
//! - **Seen in** no ticket: it is a habit from files, where a footer is no record.
//!
//! In a stream everything is a record. A reader counts the footer like any other, and the output is not the input.

use twophase::{CheckpointId, Failure, Handle, Participant, Record, RecordId, SourceOffset, Split};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct EndsWithAFooter {
    correct: Hooks,
}

/// No source reads a record with this number.
fn footer() -> Record {
    let id = RecordId { split: Split(0), offset: SourceOffset(u64::MAX) };
    Record { id, payload: "-- end --".into() }
}

impl AlterHooks for EndsWithAFooter {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        self.correct.write(transaction, footer()).await?; // the mistake
        self.correct.pre_commit(checkpoint, transaction).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("ends-with-a-footer", |env| {
        let hooks = EndsWithAFooter { correct: hooks_for(&env) };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Invented, Window::W5)
    .about("a sink that writes a record of its own at the end of each checkpoint")
}
