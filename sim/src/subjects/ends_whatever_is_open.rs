//! A broker whose leaders take a late marker for one of the transaction that is open by now.
//!
//! - **Window** W1, while that transaction is open. **Found as** undecided read.
//! - **Seen in** Redpanda (commits 1acdbc3887 and 79e6f5ac19); of Kafka, KAFKA-19446 is about the same.
//!
//! A coordinator that is not told that its marker was written sends it again, and the first one may come late. Of an
//! epoch for each transaction the marker carries the one behind, so an equal epoch belongs to the next transaction,
//! and a leader must refuse it. One that does not ends half a transaction, on one partition.

use twophase::Timestamp;
use twophase::kafka::protocol::{ErrorCode, Protocol};
use twophase::naming::Naming;

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, MarkerWrite, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct EndsWhateverIsOpen(TransactionalLog);

impl AlterLog for EndsWhateverIsOpen {
    fn correct(&self) -> &TransactionalLog {
        &self.0
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.0
    }

    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        // The mistake: producer and epoch are enough, as under the older protocol.
        let lenient = MarkerWrite { protocol: Protocol::V1, ..write.clone() };
        self.0.write_marker(now, &lenient, effects)
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("ends-whatever-is-open", exactly_once)
        .with_log(|settings| Box::new(Altered(EndsWhateverIsOpen(TransactionalLog::new(settings)))))
        .pinned(Some(Protocol::V2), Some(Naming::Pool))
        .broken(Anomaly::UndecidedRead, Window::W1)
        .seen_in("B-05: Redpanda 1acdbc3887")
        .about("a broker that takes a late marker for one of the producer's next transaction")
}
