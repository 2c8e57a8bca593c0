//! InitProducerId: a name is taken, whoever used it before is shut out.

use std::time::Duration;

use twophase::kafka::protocol::{
    CoordinatorState, ErrorCode, InitProducerId, Producer, ProducerEpoch, ProducerId,
};
use twophase::{Timestamp, TransactionalId};

use super::Effect;
use super::coordinator::Coordinator;
use super::metadata::{TransactionMetadata, UNLIMITED};

impl Coordinator {
    /// A producer under a name, with an epoch that shuts out all earlier ones.
    pub(super) fn init_producer_id(
        &mut self,
        now: Timestamp,
        request: &InitProducerId,
        effects: &mut Vec<Effect>,
    ) -> Result<Producer, ErrorCode> {
        if request.expected_id.is_some() != request.expected_epoch.is_some() {
            return Err(ErrorCode::InvalidRequest);
        }
        let Some(id) = &request.id else {
            return Ok(first_of(self.draw_id())); // idempotent only: nothing is kept, so nothing is checked
        };
        let timeout = self.check_init(id, request)?;
        let expected = request.expected_id.zip(request.expected_epoch);
        let expected = expected.map(|(id, epoch)| Producer { id, epoch });
        match self.position(id) {
            Some(at) => self.take_over(at, now, expected, timeout, effects),
            None => {
                let producer_id = self.draw_id();
                let metadata = TransactionMetadata::new(id.clone(), producer_id, timeout);
                self.ids.push(metadata);
                self.changes += 1;
                Ok(first_of(producer_id))
            }
        }
    }

    fn check_init(&self, id: &TransactionalId, request: &InitProducerId) -> Result<Duration, ErrorCode> {
        if id.is_empty() {
            Err(ErrorCode::InvalidRequest)
        } else if request.enable_2pc && !self.two_phase_commit {
            Err(ErrorCode::TransactionalIdAuthorizationFailed)
        } else if request.keep_prepared {
            Err(ErrorCode::UnsupportedVersion) // KIP-939: in the protocol, not in any broker
        } else if request.enable_2pc {
            Ok(UNLIMITED)
        } else if request.timeout.is_zero() || request.timeout > self.timeout_max {
            Err(ErrorCode::InvalidTransactionTimeout)
        } else {
            Ok(request.timeout)
        }
    }

    /// An open transaction is aborted first, and the caller comes again. Which epoch it expects is compared only
    /// then: a stale incarnation of the right id aborts what the newer one has open (KC-10).
    fn take_over(
        &mut self,
        at: usize,
        now: Timestamp,
        expected: Option<Producer>,
        timeout: Duration,
        effects: &mut Vec<Effect>,
    ) -> Result<Producer, ErrorCode> {
        let metadata = &self.ids[at];
        let known = |producer: Producer| {
            producer.id == metadata.producer().id || metadata.follows_exhausted(producer)
        };
        if metadata.is_ending() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if !expected.is_none_or(known) {
            return Err(ErrorCode::ProducerFenced);
        }
        if metadata.state() == CoordinatorState::Ongoing {
            self.fence(at, now, effects)?;
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let (producer, last) = self.next_producer(at, expected.map(|producer| producer.epoch))?;
        self.changes += u64::from(self.ids[at].initialise(producer, last, timeout));
        Ok(producer)
    }

    /// The producer an initialisation leads to, and the epoch a repeat of it would expect.
    fn next_producer(
        &mut self,
        at: usize,
        expected: Option<ProducerEpoch>,
    ) -> Result<(Producer, Option<ProducerEpoch>), ErrorCode> {
        let metadata = &self.ids[at];
        let stored = metadata.producer();
        let matches = expected.is_none_or(|expected| expected == stored.epoch);
        if metadata.is_exhausted() {
            // Kafka throws here when the expected epoch is another one, even for a repeat.
            let allowed = matches.then_some(()).ok_or(ErrorCode::UnknownServerError);
            allowed.map(|()| (first_of(self.draw_id()), expected))
        } else if matches {
            let epoch = ProducerEpoch(stored.epoch.0 + 1);
            Ok((Producer { epoch, ..stored }, expected))
        } else if expected == metadata.last_epoch() {
            Ok((stored, expected)) // a repeat of the request that raised it: the same answer, no further raise
        } else {
            Err(ErrorCode::ProducerFenced)
        }
    }
}

fn first_of(id: ProducerId) -> Producer {
    Producer { id, epoch: ProducerEpoch(0) }
}
