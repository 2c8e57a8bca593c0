//! The transaction coordinator: transactional ids, epochs, fencing, states and timeouts.

use std::time::Duration;

use twophase::kafka::protocol::{
    CoordinatorState, Description, ErrorCode, Listing, Marker, Producer, ProducerId, Protocol,
};
use twophase::{Partition, Timestamp, TransactionalId};

use super::ending::{Ending, ending};
use super::metadata::{Raise, TransactionMetadata};
use super::{ClusterSettings, CoordinatorEpoch, Effect, MarkerWrite};
use crate::memory::Room;

/// All transactional ids, and the numbers to be handed out.
#[derive(Clone, Debug)]
pub(super) struct Coordinator {
    epoch: CoordinatorEpoch,
    /// Of the cluster: how takeovers and timeouts end a transaction, whichever protocol its client speaks.
    protocol: Protocol,
    pub(super) timeout_max: Duration,
    pub(super) two_phase_commit: bool,
    /// In the order of their first use.
    pub(super) ids: Vec<TransactionMetadata>,
    /// How often any of them has changed.
    pub(super) changes: u64,
    next_producer_id: ProducerId,
}

impl Coordinator {
    pub(super) fn new(settings: &ClusterSettings, ids: Room<TransactionMetadata>) -> Self {
        Coordinator {
            epoch: CoordinatorEpoch(0),
            protocol: settings.protocol,
            timeout_max: settings.timeout_max,
            two_phase_commit: settings.two_phase_commit,
            ids: ids.vector(32),
            changes: 0,
            next_producer_id: ProducerId(1),
        }
    }

    /// Their room, for those of another history.
    pub(super) fn leave(self) -> Room<TransactionMetadata> {
        Room::of(self.ids)
    }

    pub(super) fn ids(&self) -> &[TransactionMetadata] {
        &self.ids
    }

    /// Adds partitions for a V1 client, or for a leader on behalf of a V2 client.
    pub(super) fn add_partitions(
        &mut self,
        now: Timestamp,
        id: &TransactionalId,
        producer: Producer,
        partitions: &[Partition],
    ) -> Result<(), ErrorCode> {
        let at = self.named(id)?;
        let metadata = &mut self.ids[at];
        if metadata.is_ending() {
            return Err(ErrorCode::ConcurrentTransactions); // before id and epoch, which may be about to change
        }
        check_producer(metadata, producer)?;
        let ongoing = metadata.state() == CoordinatorState::Ongoing;
        if !ongoing || !partitions.iter().all(|partition| metadata.contains(*partition)) {
            metadata.add(partitions, now);
            self.changes += 1;
        }
        Ok(())
    }

    /// Whether a V1 client has added this partition. Changes nothing.
    pub(super) fn verify(
        &self,
        id: &TransactionalId,
        producer: Producer,
        partition: Partition,
    ) -> Result<(), ErrorCode> {
        let metadata = &self.ids[self.named(id)?];
        check_producer(metadata, producer)?;
        if metadata.is_ending() {
            Err(ErrorCode::ConcurrentTransactions)
        } else if metadata.contains(partition) {
            Ok(())
        } else {
            Err(ErrorCode::TransactionAbortable)
        }
    }

    /// Ends a transaction. The answer says that the decision is stored, not that anything can be seen.
    pub(super) fn end_txn(
        &mut self,
        now: Timestamp,
        id: &TransactionalId,
        producer: Producer,
        end: (Marker, Protocol),
        effects: &mut Vec<Effect>,
    ) -> Result<Producer, ErrorCode> {
        let (marker, protocol) = end;
        let at = self.named(id)?;
        if ending(&self.ids[at], producer, marker, protocol)? == Ending::Repeat {
            return Ok(self.ids[at].producer());
        }
        let raise = match protocol {
            Protocol::V1 => Raise::No,
            Protocol::V2 => Raise::Epoch { next_id: self.ids[at].is_exhausted().then(|| self.draw_id()) },
        };
        self.prepare(at, now, marker, raise, effects)?;
        Ok(self.ids[at].successor())
    }

    /// Aborts what is open and raises the epoch, so that the one who has it open is shut out.
    ///
    /// In V2 the raise counts as the one the producer asked for: it may repeat its request (KC-8a). No new id
    /// is drawn, so that epoch 32767 gets stored (KC-16a).
    pub(super) fn fence(
        &mut self,
        at: usize,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        let raise = match self.protocol {
            Protocol::V1 => Raise::Fence,
            Protocol::V2 => Raise::Epoch { next_id: None },
        };
        self.prepare(at, now, Marker::Abort, raise, effects)
    }

    fn prepare(
        &mut self,
        at: usize,
        now: Timestamp,
        marker: Marker,
        raise: Raise,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        self.ids[at].prepare(marker, raise, now)?;
        self.changes += 1;
        self.send_markers(at, effects);
        self.ids[at].complete_if_marked();
        Ok(())
    }

    fn send_markers(&self, at: usize, effects: &mut Vec<Effect>) {
        let metadata = &self.ids[at];
        let Some(marker) = metadata.decision() else {
            return;
        };
        effects.extend(metadata.unmarked().iter().map(|&partition| {
            Effect::WriteMarker(MarkerWrite {
                partition,
                id: Some(metadata.id().clone()),
                producer: metadata.producer(),
                marker,
                coordinator_epoch: self.epoch,
                protocol: metadata.protocol(),
            })
        }));
    }

    /// A leader has written a marker. What an earlier coordinator sent is nothing to this one.
    pub(super) fn marker_written(&mut self, write: &MarkerWrite) {
        let Some(at) = write.id.as_ref().and_then(|id| self.position(id)) else {
            return;
        };
        let metadata = &mut self.ids[at];
        if write.coordinator_epoch == self.epoch && write.producer == metadata.producer() {
            metadata.marked(write.partition);
            self.changes += 1;
        }
    }

    /// Aborts what has timed out.
    ///
    /// Kafka's sweep dies with an exception at an open transaction that has no epoch left, and the ids behind
    /// it do not time out (KC-16a).
    pub(super) fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        for at in 0..self.ids.len() {
            if !self.ids[at].has_expired(now) {
                continue;
            }
            let (id, producer) = (self.ids[at].id().clone(), self.ids[at].producer());
            if self.fence(at, now, effects).is_err() {
                return;
            }
            effects.push(Effect::Expired { id, producer });
        }
    }

    /// Another coordinator takes over, and writes the markers of all decided transactions again, everywhere.
    pub(super) fn reload(&mut self, effects: &mut Vec<Effect>) {
        self.epoch = CoordinatorEpoch(self.epoch.0 + 1);
        self.changes += 1;
        for at in 0..self.ids.len() {
            self.ids[at].reload();
            self.send_markers(at, effects);
            self.ids[at].complete_if_marked();
        }
    }

    pub(super) fn describe(&self, id: &TransactionalId) -> Result<Description, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let at = self.position(id).ok_or(ErrorCode::TransactionalIdNotFound)?;
        Ok(self.ids[at].describe())
    }

    /// In the order of the ids, as the recordings have them; a broker promises none.
    pub(super) fn list(&self, states: &[CoordinatorState]) -> Vec<Listing> {
        let wanted =
            |metadata: &&TransactionMetadata| states.is_empty() || states.contains(&metadata.state());
        let mut all: Vec<_> = self.ids.iter().filter(wanted).map(TransactionMetadata::list).collect();
        all.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        all
    }

    fn named(&self, id: &TransactionalId) -> Result<usize, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        self.position(id).ok_or(ErrorCode::InvalidProducerIdMapping)
    }

    /// Where this id is. What is asked about has nearly always been added of late.
    pub(super) fn position(&self, id: &TransactionalId) -> Option<usize> {
        self.ids.iter().rposition(|metadata| metadata.id() == id)
    }

    pub(super) fn draw_id(&mut self) -> ProducerId {
        let drawn = self.next_producer_id;
        self.next_producer_id = ProducerId(drawn.0 + 1);
        drawn
    }
}

fn check_producer(metadata: &TransactionMetadata, producer: Producer) -> Result<(), ErrorCode> {
    if producer.id != metadata.producer().id {
        Err(ErrorCode::InvalidProducerIdMapping)
    } else if producer.epoch != metadata.producer().epoch {
        Err(ErrorCode::ProducerFenced)
    } else {
        Ok(())
    }
}
