//! A sink that flushes its buffer when it is full and when the input ends, but not before a checkpoint.
//!
//! - **Window** none: the record was never written. **Found as** lost.
//! - **Seen in** FLINK-20552, and at the end of the input FLINK-23080.
//!
//! What is acknowledged is never sent again, so by then every record before the barrier must be with the broker. A
//! record that waits in memory for company goes into the next transaction, and nobody sees anything wrong until the
//! process dies with it.

use twophase::{Failure, Handle, Participant, Record};

use super::altered::{AlterHooks, Altered, sink_over};
use super::{Hooks, hooks_for};
use crate::{Anomaly, Subject};

/// How many records make a full buffer.
const FULL: usize = 2;

#[derive(Debug)]
struct FlushesWhenFull {
    correct: Hooks,
    buffer: Vec<Record>,
}

impl FlushesWhenFull {
    async fn flush(&mut self, transaction: &mut Handle) -> Result<(), Failure> {
        for record in self.buffer.drain(..) {
            self.correct.write(transaction, record).await?;
        }
        Ok(())
    }
}

impl AlterHooks for FlushesWhenFull {
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

    // The mistake: no `pre_commit` that flushes.

    async fn finish(&mut self, transaction: Option<&mut Handle>) -> Result<(), Failure> {
        match transaction {
            Some(transaction) => self.flush(transaction).await,
            None => Ok(()),
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("flushes-when-full", |env| {
        let hooks = FlushesWhenFull { correct: hooks_for(&env), buffer: Vec::new() };
        sink_over(&env, Altered(hooks))
    })
    .broken(Anomaly::Lost, None)
    .seen_in("S-09: FLINK-20552")
    .about("a sink that flushes when its buffer is full, but not before a checkpoint")
}
