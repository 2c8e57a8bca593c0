//! What a partition leader knows of producers (Kafka `ProducerStateManager`): epochs, sequences, the batches a
//! repeated request is recognised by, what verification remembers, and which transactions are open here.

use twophase::kafka::protocol::{
    ErrorCode, LogOffset, Producer, ProducerEpoch, ProducerId, Protocol, Sequence,
};

use super::recent::{Recent, Span};
use super::{CoordinatorEpoch, MarkerWrite};
use crate::memory::Room;
use crate::whereabouts::Whereabouts;

/// What the leader of one partition knows of one producer (Kafka `ProducerStateEntry`).
#[derive(Clone, Debug)]
pub struct ProducerState {
    producer: Producer,
    coordinator_epoch: Option<CoordinatorEpoch>,
    open_from: Option<LogOffset>,
    recent: Recent,
}

impl ProducerState {
    /// Its id, and the newest epoch that a batch or a marker brought here.
    pub fn producer(&self) -> Producer {
        self.producer
    }

    /// The sequence of its last record in this epoch, if there is one.
    pub fn last_sequence(&self) -> Option<Sequence> {
        self.recent.last().map(|span| span.last).filter(|last| last.0 >= 0)
    }

    /// Of the last marker, if there was one.
    pub fn coordinator_epoch(&self) -> Option<CoordinatorEpoch> {
        self.coordinator_epoch
    }

    /// Where its open transaction begins here.
    pub fn open_from(&self) -> Option<LogOffset> {
        self.open_from
    }

    fn new(producer: Producer) -> Self {
        ProducerState { producer, coordinator_epoch: None, open_from: None, recent: Recent::default() }
    }

    /// A new epoch starts its sequences anew.
    fn enter(&mut self, epoch: ProducerEpoch) {
        if self.producer.epoch != epoch {
            self.producer.epoch = epoch;
            self.recent = Recent::default();
        }
    }
}

/// Remembered from the question to the coordinator until the first batch of the transaction, or a marker
/// (Kafka `VerificationStateEntry`).
///
/// Kafka's entry also holds a guard against a marker that is written between the coordinator's answer and the
/// append. Here the two are one step, so the guard could never be found broken, and is left out.
#[derive(Clone, Debug)]
struct Verification {
    producer: Producer,
    lowest: Sequence,
    protocol: Protocol,
}

impl Verification {
    fn lower(&mut self, epoch: ProducerEpoch, sequence: Sequence) {
        if epoch > self.producer.epoch {
            self.producer.epoch = epoch;
            self.lowest = sequence;
        } else if epoch == self.producer.epoch {
            self.lowest = self.lowest.min(sequence);
        }
    }
}

/// All producers of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Producers {
    /// By id.
    known: Vec<ProducerState>,
    /// Where they are.
    whereabouts: Whereabouts,
    /// Forgotten in memory; their batches are still in the log.
    forgotten: Vec<ProducerState>,
    verifying: Vec<Verification>,
    /// First offsets of open transactions. New ones begin at the end, so the order is ascending by itself.
    open: Vec<LogOffset>,
}

/// What they leave to those of the next history.
#[derive(Default)]
pub(super) struct Rooms {
    known: Room<ProducerState>,
    verifying: Room<Verification>,
    open: Room<LogOffset>,
}

impl Producers {
    /// With room for some, because each transaction may bring one.
    pub(super) fn new(rooms: Rooms) -> Self {
        Producers {
            known: rooms.known.vector(32),
            whereabouts: Whereabouts::default(),
            forgotten: Vec::new(),
            verifying: rooms.verifying.vector(8),
            open: rooms.open.vector(8),
        }
    }

    pub(super) fn leave(self) -> Rooms {
        Rooms { known: Room::of(self.known), verifying: Room::of(self.verifying), open: Room::of(self.open) }
    }

    pub(super) fn known(&self) -> &[ProducerState] {
        &self.known
    }

    /// Where the earliest open transaction begins.
    pub(super) fn first_open(&self) -> Option<LogOffset> {
        self.open.first().copied()
    }

    /// Whether exactly this producer has a transaction open here; if so, the coordinator need not be asked.
    pub(super) fn is_open(&self, producer: Producer) -> bool {
        self.find(producer.id).is_some_and(|known| known.open_from.is_some() && known.producer == producer)
    }

    /// Notes that the coordinator is about to be asked for a batch that starts at `sequence`.
    ///
    /// The note outlives a refusal of the batch: what starts higher is out of order until the lowest was
    /// written, so that a later batch in flight cannot overtake an earlier one.
    pub(super) fn verify(
        &mut self,
        producer: Producer,
        sequence: Sequence,
        protocol: Protocol,
    ) -> Result<(), ErrorCode> {
        self.check_epoch(producer)?;
        match self.verifying.iter_mut().find(|entry| entry.producer.id == producer.id) {
            Some(entry) => entry.lower(producer.epoch, sequence),
            None => self.verifying.push(Verification { producer, lowest: sequence, protocol }),
        }
        Ok(())
    }

    /// Remembers the next batch of a transaction that is open here, if it is that, and if no other has to come first.
    ///
    /// Whatever else is asked of a batch is so of this one: [`write`](Self::write) would come to the same.
    #[inline(always)]
    pub(super) fn go_on(&mut self, producer: Producer, batch: Span) -> bool {
        let Some(at) = self.place(producer.id) else {
            return false;
        };
        let known = &mut self.known[at];
        let goes_on = known.producer == producer
            && known.open_from.is_some()
            && known.recent.is_followed_by(batch.first)
            && self.verifying.is_empty();
        if goes_on {
            known.recent.push(batch);
        }
        goes_on
    }

    /// Remembers a client's batch, if it may be written. If this very batch was written before, and is among the last
    /// ones of its producer: at which offset.
    pub(super) fn write(
        &mut self,
        producer: Producer,
        batch: Span,
        transactional: bool,
    ) -> Result<Option<LogOffset>, ErrorCode> {
        let place = self.position(producer.id);
        let known = place.ok().map(|at| &self.known[at]);
        let written = self.judge(known, producer, batch, transactional)?;
        if written.is_none() {
            self.append_at(place, producer, batch, transactional);
        }
        Ok(written)
    }

    /// Whether a client's batch may be written, or where this very batch was.
    ///
    /// It is not asked whether the transaction that a repeated one was written in is still open, nor how that ended.
    fn judge(
        &self,
        known: Option<&ProducerState>,
        producer: Producer,
        batch: Span,
        transactional: bool,
    ) -> Result<Option<LogOffset>, ErrorCode> {
        let asked = self.verifying.iter().find(|entry| entry.producer.id == producer.id);
        let in_order = is_in_order(known, asked, producer, batch.first);
        // (What comes next is no repetition, so nobody need look for it.)
        if let Some(known) = known.filter(|known| !in_order && known.producer == producer) {
            if let Some(written) = known.recent.position(batch.first, batch.last) {
                return Ok(Some(written));
            }
        }
        check_epoch(known, producer)?;
        if !in_order || asked.is_some_and(|asked| batch.first > asked.lowest) {
            return Err(ErrorCode::OutOfOrderSequenceNumber);
        }
        match known {
            // A batch outside of transactions must not slip into the one that its producer has open.
            Some(known) if !transactional && known.open_from.is_some() => Err(ErrorCode::InvalidTxnState),
            _ => Ok(None),
        }
    }

    /// Refuses producers that a newer epoch has shut out here.
    pub(super) fn check_epoch(&self, producer: Producer) -> Result<(), ErrorCode> {
        check_epoch(self.find(producer.id), producer)
    }

    /// Remembers a batch that has passed the checks.
    pub(super) fn append(&mut self, producer: Producer, span: Span, transactional: bool) {
        self.append_at(self.position(producer.id), producer, span, transactional);
    }

    fn append_at(
        &mut self,
        place: Result<usize, usize>,
        producer: Producer,
        span: Span,
        transactional: bool,
    ) {
        let known = self.at(place, producer);
        known.recent.push(span);
        if !transactional {
            return;
        }
        if known.open_from.is_none() {
            known.open_from = Some(span.base);
            self.open.push(span.base);
        }
        self.verifying.retain(|entry| entry.producer.id != producer.id);
    }

    /// Ends what the producer has open here; answers where that began.
    ///
    /// Nothing need be open: repeated markers, and those of transactions that wrote nothing here, still bring
    /// their epochs.
    pub(super) fn end(&mut self, write: &MarkerWrite) -> Result<Option<LogOffset>, ErrorCode> {
        self.check_marker(write)?;
        // A V2 client that already verifies with the marker's epoch does so for its next transaction.
        self.verifying.retain(|entry| {
            entry.producer.id != write.producer.id
                || (entry.protocol == Protocol::V2 && entry.producer.epoch == write.producer.epoch)
        });
        let known = self.at(self.position(write.producer.id), write.producer);
        known.coordinator_epoch = Some(write.coordinator_epoch);
        let began = known.open_from.take();
        self.open.retain(|first| Some(*first) != began);
        Ok(began)
    }

    /// Whether a marker is still wanted.
    ///
    /// The epoch of a V2 marker is above that of all records it ends (KIP-890, KIP-1228), so an equal one is a
    /// repeat, and must not end the next transaction. A V1 marker can: nothing tells it from the right one.
    fn check_marker(&self, write: &MarkerWrite) -> Result<(), ErrorCode> {
        if write.producer.epoch.0 < 0 {
            return Err(ErrorCode::UnknownServerError);
        }
        let Some(known) = self.find(write.producer.id) else {
            return Ok(());
        };
        let late = write.producer.epoch < known.producer.epoch;
        let repeated = write.protocol == Protocol::V2
            && write.producer.epoch == known.producer.epoch
            && known.open_from.is_some();
        if late || repeated {
            Err(ErrorCode::InvalidProducerEpoch)
        } else if known.coordinator_epoch > Some(write.coordinator_epoch) {
            Err(ErrorCode::TransactionCoordinatorFenced)
        } else {
            Ok(())
        }
    }

    /// The leader starts again from its log: it knows the last batch of each producer, also of those that it had
    /// forgotten, and nothing of verification.
    pub(super) fn restart(&mut self) {
        for forgotten in std::mem::take(&mut self.forgotten).into_iter().rev() {
            if let Err(at) =
                self.known.binary_search_by_key(&forgotten.producer.id, |known| known.producer.id)
            {
                self.known.insert(at, forgotten);
            }
        }
        for known in &mut self.known {
            known.recent.keep_last();
        }
        self.verifying.clear();
    }

    /// The leader forgets every producer that has nothing open, as when `producer.id.expiration.ms` is short for a
    /// moment. Where it stays short, a leader that starts again would leave them out as well.
    pub(super) fn forget_idle(&mut self) {
        let (open, idle) =
            std::mem::take(&mut self.known).into_iter().partition(|known| known.open_from.is_some());
        self.known = open;
        self.forgotten.extend::<Vec<_>>(idle);
        self.verifying.clear();
    }

    fn find(&self, id: ProducerId) -> Option<&ProducerState> {
        self.position(id).ok().map(|at| &self.known[at])
    }

    /// The producer at this place, which enters this epoch; a new one, if it is where one belongs.
    fn at(&mut self, place: Result<usize, usize>, producer: Producer) -> &mut ProducerState {
        let at = place.unwrap_or_else(|at| {
            self.known.insert(at, ProducerState::new(producer));
            at
        });
        let known = &mut self.known[at];
        known.enter(producer.epoch);
        known
    }

    /// Where the producer with this id is.
    #[inline(always)]
    fn place(&mut self, id: ProducerId) -> Option<usize> {
        let at = self.whereabouts.of(id);
        match self.known.get(at) {
            Some(known) if known.producer.id == id => Some(at),
            _ => self.search(id),
        }
    }

    #[cold]
    fn search(&mut self, id: ProducerId) -> Option<usize> {
        let at = self.position(id).ok()?;
        self.whereabouts.set(id, at);
        Some(at)
    }

    /// Where the producer with this id is, or belongs. Ids rise, and who writes is nearly always among the newest.
    fn position(&self, id: ProducerId) -> Result<usize, usize> {
        match self.known.iter().rposition(|known| known.producer.id <= id) {
            Some(at) if self.known[at].producer.id == id => Ok(at),
            Some(older) => Err(older + 1),
            None => Err(0),
        }
    }
}

/// Whether a client's batch that starts at `first` comes next.
fn is_in_order(
    known: Option<&ProducerState>,
    asked: Option<&Verification>,
    producer: Producer,
    first: Sequence,
) -> bool {
    match known {
        Some(known) if known.producer.epoch == producer.epoch => known.recent.is_followed_by(first),
        Some(_) => first.0 == 0,
        // An unknown producer may have been forgotten, so any sequence could be its next one. Not so in V2: its
        // sequences start at 0 in every transaction, and a gap is a lost batch.
        None => first.0 == 0 || asked.is_none_or(|asked| asked.protocol == Protocol::V1),
    }
}

fn check_epoch(known: Option<&ProducerState>, producer: Producer) -> Result<(), ErrorCode> {
    match known {
        Some(known) if producer.epoch < known.producer.epoch => Err(ErrorCode::InvalidProducerEpoch),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_that_are_looked_for_in_one_place_are_told_apart() {
        let mut producers = Producers::new(Rooms::default());
        let [one, other, stranger] =
            [1, 9, 17].map(|id| Producer { id: ProducerId(id), epoch: ProducerEpoch(0) });
        let batch =
            |at: u32| Span { first: Sequence(at as i32), last: Sequence(at as i32), base: LogOffset(0) };
        for producer in [one, other] {
            assert_eq!(producers.write(producer, batch(0), true), Ok(None));
        }
        for at in 1..4 {
            assert!(producers.go_on(one, batch(at)) && producers.go_on(other, batch(at)), "{at}");
        }
        assert!(!producers.go_on(one, batch(3)), "that was before");
        assert!(!producers.go_on(stranger, batch(4)));
    }
}
