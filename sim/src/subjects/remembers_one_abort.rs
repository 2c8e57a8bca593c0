//! A broker whose partitions remember the last aborted transaction only.
//!
//! - **Window** W1, while the transaction is open. **Found as** aborted read.
//! - **Akin to** KAFKA-10778, where a failed append lost what a leader knows of aborted transactions.
//!
//! Aborted records stay in the log, and readers leave out what the broker lists. As long as each abort is read at
//! once, one place is enough. Behind an open transaction several of them wait.

use twophase::Partition;

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Aborted, Log, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct RemembersOneAbort {
    correct: TransactionalLog,
}

impl AlterLog for RemembersOneAbort {
    fn correct(&self) -> &TransactionalLog {
        &self.correct
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.correct
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        let all = self.correct.aborted(partition);
        &all[all.len().saturating_sub(1)..] // the mistake
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("remembers-one-abort", exactly_once)
        .with_log(|settings| {
            Box::new(Altered(RemembersOneAbort { correct: TransactionalLog::new(settings) }))
        })
        .broken(Anomaly::AbortedRead, Window::W1)
        .seen_in("akin to B-30: KAFKA-10778")
        .about("a broker that lists the last aborted transaction of a partition only")
}
