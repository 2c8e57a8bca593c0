//! A sink that flushes its buffer when it is full, and the rest when it is closed.
//!
//! - **Window** none: the record was never written. **Found as** lost.
//! - **Seen in** FLINK-23080: sinks had no other hook for the end of the input.
//!
//! The end is a checkpoint like any other: what is to come out has to be with the broker before the last one. What is
//! written on close belongs to no checkpoint, and is aborted.

use twophase::{Failure, Handle, Participant, Record};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject};

/// How many records make a full buffer.
const FULL: usize = 2;

#[derive(Debug)]
struct FlushesOnClose {
    correct: Hooks,
    buffer: Vec<Record>,
}

impl FlushesOnClose {
    async fn flush(&mut self, transaction: &mut Handle) -> Result<(), Failure> {
        for record in self.buffer.drain(..) {
            self.correct.write(transaction, record).await?;
        }
        Ok(())
    }
}

impl AlterHooks for FlushesOnClose {
    fn correct(&mut self) -> &mut Hooks {
        &mut self.correct
    }

    async fn write(&mut self, transaction: &mut Handle, record: Record) -> Result<(), Failure> {
        self.buffer.push(record);
        match self.buffer.len() < FULL {
            true => Ok(()),
            false => self.flush(transaction).await,
        }
    }

    // Neither `pre_commit` nor `finish` flushes.

    /// Called for the open transaction when the sink is closed.
    async fn abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.flush(&mut transaction.clone()).await?; // the mistake: that is too late
        self.correct.abort(transaction).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("flushes-on-close", |env| {
        let hooks = FlushesOnClose { correct: hooks_for(&env), buffer: Vec::new() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Lost, None)
    .seen_in("S-09: FLINK-23080")
    .about("a sink that flushes the rest of its buffer when it is closed, behind the last checkpoint")
}
