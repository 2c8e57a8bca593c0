//! A broker whose leaders, started again, know of no open transactions until something is written.
//!
//! - **Window** W1, while the transaction is open. **Found as** undecided read.
//! - **Seen in** Redpanda (commit 073179e69f) and, in another form, KAFKA-9807.
//!
//! The last stable offset is the end of the log if no transaction is open. A leader that loads its log answers by
//! that rule too early: it has not read yet which ones are.

use std::collections::BTreeSet;

use twophase::kafka::protocol::{ErrorCode, LogOffset, Request, Response};
use twophase::{Partition, Timestamp};

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, MarkerWrite, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct ReadsPastOpen {
    correct: TransactionalLog,
    /// The leaders that do not know what is open.
    loading: BTreeSet<Partition>,
}

impl AlterLog for ReadsPastOpen {
    fn correct(&self) -> &TransactionalLog {
        &self.correct
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.correct
    }

    fn restart(&mut self, partition: Partition) {
        self.correct.restart(partition);
        self.loading.insert(partition);
    }

    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        if let Request::Produce(batch) = request {
            self.loading.remove(&batch.partition);
        }
        self.correct.apply(now, request, effects)
    }

    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        self.loading.remove(&write.partition);
        self.correct.write_marker(now, write, effects)
    }

    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        match self.loading.contains(&partition) {
            true => self.correct.log_end_offset(partition), // the mistake
            false => self.correct.last_stable_offset(partition),
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("reads-past-open", exactly_once)
        .with_log(|settings| {
            Box::new(Altered(ReadsPastOpen {
                correct: TransactionalLog::new(settings),
                loading: BTreeSet::new(),
            }))
        })
        .broken(Anomaly::UndecidedRead, Window::W1)
        .seen_in("B-18: Redpanda 073179e69f")
        .about("a broker that lets readers past open transactions when it has just been started again")
}
