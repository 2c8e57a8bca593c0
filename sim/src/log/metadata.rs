//! What the coordinator keeps for one transactional id, and the steps that change it.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use smallvec::SmallVec;
use twophase::kafka::protocol::{
    CoordinatorState, Description, ErrorCode, Listing, Marker, Producer, ProducerEpoch, ProducerId, Protocol,
};
use twophase::{Partition, Timestamp, TransactionalId};

/// The timeout of an id that never times out (KIP-939): Kafka stores the largest number of milliseconds.
pub(super) const UNLIMITED: Duration = Duration::from_millis(i32::MAX as u64);

/// The last epoch a client can be given. One more exists, for the marker that ends its transaction.
const LAST_EPOCH: ProducerEpoch = ProducerEpoch(i16::MAX - 1);

/// One transactional id at the coordinator (Kafka `TransactionMetadata`).
#[derive(Clone, Debug)]
pub struct TransactionMetadata {
    id: TransactionalId,
    stored: Stored,
    memory: Memory,
}

/// The record in the transaction log: what survives the coordinator.
#[derive(Clone, Debug)]
struct Stored {
    producer: Producer,
    timeout: Duration,
    state: CoordinatorState,
    partitions: SmallVec<[Partition; 4]>,
    /// Stays after the end, until the next begin or initialisation.
    started: Option<Timestamp>,
    /// Of the last end; its markers carry it.
    protocol: Protocol,
}

/// What is gone when the coordinator dies.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// The epoch before the last raise, for who repeats the request that raised it.
    last_epoch: Option<ProducerEpoch>,
    /// The producer id before the last step, for who repeats the request that changed it.
    previous_id: Option<ProducerId>,
    /// The producer id that takes over when the markers are written.
    next_id: Option<ProducerId>,
    /// In a Prepare state: where the marker is still missing.
    unmarked: SmallVec<[Partition; 4]>,
}

/// In as few words as hold it: it is hashed after each request that is about it. What there is not is -1, as Kafka stores
/// it.
impl Hash for TransactionMetadata {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Stored { producer, timeout, state, partitions, started, protocol } = &self.stored;
        let Memory { last_epoch, previous_id, next_id, unmarked } = &self.memory;
        let id = |id: Option<ProducerId>| id.map_or(u64::MAX, |id| id.0 as u64);
        let epoch = |epoch: Option<ProducerEpoch>| {
            epoch.map_or(u64::from(u16::MAX), |epoch| u64::from(epoch.0 as u16))
        };
        let kinds = (*state as u64) << 4 | *protocol as u64;
        let lengths = (partitions.len() as u64) << 40 | (unmarked.len() as u64) << 52;
        self.id.hash(hasher);
        hasher.write_u64(epoch(Some(producer.epoch)) | epoch(*last_epoch) << 16 | kinds << 32 | lengths);
        hasher.write_u64(producer.id.0 as u64);
        hasher.write_u64(timeout.as_secs() << 30 ^ u64::from(timeout.subsec_nanos())); // below 2^30 of them
        hasher.write_u64(started.map_or(u64::MAX, |started| started.0));
        hasher.write_u64(id(*previous_id));
        hasher.write_u64(id(*next_id));
        for partition in partitions {
            hasher.write_u32(partition.0);
        }
        for partition in unmarked {
            hasher.write_u32(partition.0);
        }
    }
}

/// What happens to epoch and id when a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raise {
    /// V1, asked for by the client: the epoch stays.
    No,
    /// V2: the next epoch; after [`LAST_EPOCH`] the new id takes over at the end.
    Epoch { next_id: Option<ProducerId> },
    /// V1, by takeover or timeout: the next epoch, and nobody may claim to have asked for it.
    Fence,
}

impl TransactionMetadata {
    /// An id that nobody used before.
    pub(super) fn new(id: TransactionalId, producer_id: ProducerId, timeout: Duration) -> Self {
        let producer = Producer { id: producer_id, epoch: ProducerEpoch(0) };
        TransactionMetadata {
            id,
            stored: Stored {
                producer,
                timeout,
                state: CoordinatorState::Empty,
                partitions: SmallVec::new(),
                started: None,
                protocol: Protocol::V1,
            },
            memory: Memory::default(),
        }
    }

    /// The name.
    pub fn id(&self) -> &TransactionalId {
        &self.id
    }

    /// Where it stands.
    pub fn state(&self) -> CoordinatorState {
        self.stored.state
    }

    /// The newest producer under this name.
    pub fn producer(&self) -> Producer {
        self.stored.producer
    }

    /// When the open or the last transaction began; `None` if nothing did since the initialisation.
    pub fn started(&self) -> Option<Timestamp> {
        self.stored.started
    }

    /// Whether a transaction is open, or decided and not yet ended everywhere.
    pub fn is_unfinished(&self) -> bool {
        self.stored.state == CoordinatorState::Ongoing || self.is_ending()
    }

    /// Whether the decision is stored and markers are missing. Nearly every request is told to come again.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.stored.state, CoordinatorState::PrepareCommit | CoordinatorState::PrepareAbort)
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.stored.producer.epoch >= LAST_EPOCH
    }

    pub(super) fn contains(&self, partition: Partition) -> bool {
        self.stored.partitions.contains(&partition)
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.stored.protocol
    }

    pub(super) fn last_epoch(&self) -> Option<ProducerEpoch> {
        self.memory.last_epoch
    }

    pub(super) fn unmarked(&self) -> &[Partition] {
        &self.memory.unmarked
    }

    /// Whether `epoch` is the one before the stored one. It is not asked what raised it.
    pub(super) fn follows(&self, epoch: ProducerEpoch) -> bool {
        epoch.0.checked_add(1) == Some(self.stored.producer.epoch.0)
    }

    /// Whether `producer` is who this one took over from when the epochs of its id were used up.
    pub(super) fn follows_exhausted(&self, producer: Producer) -> bool {
        self.memory.previous_id == Some(producer.id) && producer.epoch >= LAST_EPOCH
    }

    /// The same, asked by an end: exactly the last epoch, and nothing raised since.
    pub(super) fn follows_overflow(&self, producer: Producer) -> bool {
        self.follows_exhausted(producer)
            && producer.epoch == LAST_EPOCH
            && self.stored.producer.epoch == ProducerEpoch(0)
    }

    /// Strictly later than start and timeout; an id under external two-phase commit never is.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        let deadline = self.stored.started.map(|started| started.after(self.stored.timeout));
        self.stored.state == CoordinatorState::Ongoing
            && self.stored.timeout != UNLIMITED
            && deadline.is_some_and(|deadline| deadline < now)
    }

    /// Begins anew without a transaction. Whether that changes anything: to repeat it does not.
    pub(super) fn initialise(
        &mut self,
        producer: Producer,
        last: Option<ProducerEpoch>,
        timeout: Duration,
    ) -> bool {
        let has_begun = self.stored.state == CoordinatorState::Empty && self.stored.started.is_none();
        let is_repeat = (self.stored.producer, self.stored.timeout) == (producer, timeout)
            && (self.memory.last_epoch, self.memory.previous_id) == (last, Some(producer.id));
        if has_begun && is_repeat {
            return false;
        }
        self.remember_id();
        self.memory.last_epoch = last;
        self.stored.producer = producer;
        self.stored.timeout = timeout;
        self.stored.state = CoordinatorState::Empty;
        self.stored.started = None;
        true
    }

    /// Adds partitions. The first ones, even none, start the clock.
    pub(super) fn add(&mut self, partitions: &[Partition], now: Timestamp) {
        self.remember_id();
        if self.stored.state != CoordinatorState::Ongoing {
            self.stored.state = CoordinatorState::Ongoing;
            self.stored.started = Some(now);
        }
        for &partition in partitions {
            if let Err(at) = self.stored.partitions.binary_search(&partition) {
                self.stored.partitions.insert(at, partition);
            }
        }
    }

    /// Stores the decision. From here on only markers move this id.
    ///
    /// # Errors
    /// `UnknownServerError` when no epoch is left: 32767 is a marker's, and who uses it all the same can be
    /// ended by V1 only.
    pub(super) fn prepare(&mut self, marker: Marker, raise: Raise, now: Timestamp) -> Result<(), ErrorCode> {
        if raise != Raise::No {
            let before = self.stored.producer.epoch;
            let raised = before.0.checked_add(1).ok_or(ErrorCode::UnknownServerError)?;
            self.stored.producer.epoch = ProducerEpoch(raised);
            self.memory.last_epoch = (raise != Raise::Fence).then_some(before);
        }
        self.remember_id();
        self.memory.next_id = match raise {
            Raise::Epoch { next_id } => next_id,
            Raise::No | Raise::Fence => None,
        };
        self.stored.protocol = match raise {
            Raise::Epoch { .. } => Protocol::V2,
            Raise::No | Raise::Fence => Protocol::V1,
        };
        if self.stored.state != CoordinatorState::Ongoing {
            self.stored.started = Some(now); // an abort of nothing
        }
        self.stored.state = match marker {
            Marker::Commit => CoordinatorState::PrepareCommit,
            Marker::Abort => CoordinatorState::PrepareAbort,
        };
        self.memory.unmarked = SmallVec::from_slice(&self.stored.partitions);
        Ok(())
    }

    /// What the client of an end is told to use from now on; the id changes before it can be seen here.
    pub(super) fn successor(&self) -> Producer {
        match self.memory.next_id {
            Some(id) => Producer { id, epoch: ProducerEpoch(0) },
            None => self.stored.producer,
        }
    }

    /// One marker is written. Not stored: a new coordinator writes all of them again.
    pub(super) fn marked(&mut self, partition: Partition) {
        self.memory.unmarked.retain(|unmarked| *unmarked != partition);
        self.complete_if_marked();
    }

    /// Completes the transaction when no marker is missing.
    pub(super) fn complete_if_marked(&mut self) {
        let complete = match self.stored.state {
            CoordinatorState::PrepareCommit => CoordinatorState::CompleteCommit,
            CoordinatorState::PrepareAbort => CoordinatorState::CompleteAbort,
            _ => return,
        };
        if self.memory.unmarked.is_empty() {
            self.remember_id();
            self.stored.producer = self.successor();
            self.memory.next_id = None;
            self.stored.state = complete;
            self.stored.partitions.clear();
        }
    }

    /// Read back from the transaction log by a new coordinator.
    pub(super) fn reload(&mut self) {
        self.memory = Memory::default();
        if self.is_ending() {
            self.memory.unmarked = SmallVec::from_slice(&self.stored.partitions);
        }
    }

    /// How a decided transaction ends.
    pub(super) fn decision(&self) -> Option<Marker> {
        match self.stored.state {
            CoordinatorState::PrepareCommit => Some(Marker::Commit),
            CoordinatorState::PrepareAbort => Some(Marker::Abort),
            _ => None,
        }
    }

    pub(super) fn describe(&self) -> Description {
        let partitions = if self.is_ending() { &self.memory.unmarked } else { &self.stored.partitions };
        Description {
            state: self.stored.state,
            producer: self.stored.producer,
            timeout: self.stored.timeout,
            started: self.stored.started.is_some(),
            partitions: partitions.clone(),
        }
    }

    pub(super) fn list(&self) -> Listing {
        Listing { id: self.id.clone(), producer: self.stored.producer.id, state: self.stored.state }
    }

    /// Every step stores the id from before it, also a step that changes none: so the trace of a change is lost
    /// with the second step after it.
    fn remember_id(&mut self) {
        self.memory.previous_id = Some(self.stored.producer.id);
    }
}
