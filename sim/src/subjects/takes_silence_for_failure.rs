//! A sink that takes an unanswered commit for one that did not happen, and sends the records again.
//!
//! - **Window** W5, after commit and before the sink knows. **Found as** duplicate.
//! - **Seen in** FLINK-22311, where a batch was executed once more when its answer was lost.
//!
//! No answer says nothing: the commit may be lost, done, or still under way. The same request can be repeated as
//! often as it takes; a new transaction with the same records is another request.

use std::collections::BTreeMap;

use twophase::{CheckpointId, Failure, Handle, Participant, Record, TransactionalId};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, impatient_hooks_for};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct TakesSilenceForFailure {
    correct: Hooks,
    written: BTreeMap<TransactionalId, Vec<Record>>,
}

impl TakesSilenceForFailure {
    /// The mistake.
    async fn send_again(&mut self, records: Vec<Record>) -> Result<(), Failure> {
        let mut transaction = self.correct.begin().await?;
        for record in records {
            self.correct.write(&mut transaction, record).await?;
        }
        self.correct.pre_commit(CheckpointId(0), &mut transaction).await?;
        self.correct.commit(&transaction).await
    }
}

impl AlterHooks for TakesSilenceForFailure {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn write(&mut self, transaction: &mut Handle, record: Record) -> Result<(), Failure> {
        let written = self.written.entry(transaction.id.clone()).or_default();
        written.push(record.clone());
        self.correct.write(transaction, record).await
    }

    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        let records = self.written.remove(&transaction.id).unwrap_or_default();
        match self.correct.commit(transaction).await {
            Err(failure) if failure.may_have_happened() => self.send_again(records).await,
            result => result,
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("takes-silence-for-failure", |env| {
        let hooks = TakesSilenceForFailure { correct: impatient_hooks_for(&env), written: BTreeMap::new() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Duplicate, Window::W5)
    .seen_in("akin to X-02: FLINK-22311")
    .about("a sink that sends the records again when a commit is not answered")
}
