//! Hooks that do nothing but write themselves down, and fail or take time when a rule says so.

use serde_json::{Value, json};
use twophase::{CheckpointId, Failure, Participant, Record, RecordId, SourceOffset, Split};

use super::op::Settings;
use super::world::{Call, Shared};

pub(super) struct Recorder {
    world: Shared,
    subtask: u64,
    settings: Settings,
}

/// A record of this value; which input record it is, no schedule says.
pub(super) fn record(value: String) -> Record {
    let id = RecordId { split: Split(0), offset: SourceOffset(0) };
    Record { id, payload: value.into() }
}

impl Recorder {
    pub(super) fn new(world: Shared, subtask: u64, settings: Settings) -> Self {
        Recorder { world, subtask, settings }
    }

    /// A callback about one transaction, or about none.
    fn call(&self, name: &str, txn: Option<&str>, details: Value) -> Result<(), Failure> {
        let call = Call { name, subtask: self.subtask, txn };
        self.world.with(|world| world.call(call, details, |_| ((), None)))
    }

    fn call_for(&self, name: &str, txn: &str) -> Result<(), Failure> {
        self.call(name, Some(txn), json!({"txn": txn}))
    }
}

impl Participant for Recorder {
    type Handle = String;
    type Context = String;

    async fn begin(&mut self) -> Result<String, Failure> {
        let call = Call { name: "beginTransaction", subtask: self.subtask, txn: None };
        self.world.with(|world| {
            world.call(call, json!({}), |world| {
                let txn = world.next_transaction();
                (txn.clone(), Some(txn.into()))
            })
        })
    }

    async fn write(&mut self, txn: &mut String, record: Record) -> Result<(), Failure> {
        let value = String::from_utf8_lossy(&record.payload);
        self.call("invoke", Some(txn), json!({"txn": *txn, "value": value}))
    }

    async fn pre_commit(&mut self, _: CheckpointId, txn: &mut String) -> Result<(), Failure> {
        self.call_for("preCommit", txn)
    }

    async fn commit(&mut self, txn: &String) -> Result<(), Failure> {
        self.call_for("commit", txn)
    }

    async fn abort(&mut self, txn: &String) -> Result<(), Failure> {
        self.call_for("abort", txn)
    }

    async fn recover_and_commit(&mut self, txn: &String) -> Result<(), Failure> {
        self.call_for("recoverAndCommit", txn)?;
        match self.settings.default_recovery {
            true => self.commit(txn).await,
            false => Ok(()),
        }
    }

    async fn recover_and_abort(&mut self, txn: &String) -> Result<(), Failure> {
        self.call_for("recoverAndAbort", txn)?;
        match self.settings.default_recovery {
            true => self.abort(txn).await,
            false => Ok(()),
        }
    }

    async fn initialize_context(&mut self) -> Result<Option<String>, Failure> {
        let call = Call { name: "initializeUserContext", subtask: self.subtask, txn: None };
        let context = self.settings.user_context.clone();
        self.world.with(|world| world.call(call, json!({}), |_| (context.clone(), Some(json!(context)))))
    }

    async fn finish_recovering(&mut self, context: &mut String, handled: &[String]) -> Result<(), Failure> {
        self.call("finishRecoveringContext", None, json!({"context": context, "handled": handled}))
    }

    async fn finish(&mut self, txn: Option<&mut String>) -> Result<(), Failure> {
        self.call("finishProcessing", txn.as_ref().map(|txn| txn.as_str()), json!({"txn": txn}))
    }
}
