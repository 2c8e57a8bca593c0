//! The transactions of a history, as one who sees everything knows them: who wrote what into which, how far
//! each came, and how it ended. The checker judges by it, and the windows are read off it.
//!
//! What is durable is taken from the broker and the store. Only which checkpoint a transaction belongs to,
//! and what a sink has been told, is taken from its notes.

mod empty;
mod restores;
mod transaction;

use std::slice;

use twophase::kafka::protocol::{Marker, Produce, Producer, Request, Response};
use twophase::{CheckpointId, Fact, Incarnation, Life, Partition, RecordId, TransactionalId};

use crate::coverage::{Window, Windows};
use crate::event::{Actor, Event, What};
use crate::memory::Room;
use crate::per_record::{self, PerRecord};
use crate::sight::Sight;
use crate::site::Name;
use crate::whereabouts::Whereabouts;
use empty::Empties;
use restores::Restores;
pub(crate) use transaction::Transaction;
use transaction::bit;

/// The label of an acknowledgement, the one message that says how far a transaction has come.
pub(crate) const ACK: &str = "ack";

/// All transactions of a history.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    transactions: Vec<Transaction>,
    /// Where the newest of each producer is.
    whereabouts: Whereabouts,
    /// How many of them, from the oldest on, are past: most that is learnt is of the others, and they are few.
    past: usize,
    /// Those that have no record yet.
    empties: Empties,
    /// The transaction into which each record of the input went last: nearly always the only one.
    newest: PerRecord<Option<u32>>,
    /// Into which others a record went before, and where records went that are not of the input; in the order of arrival.
    others: Vec<(RecordId, u32)>,
    /// The transaction that was written to last.
    last: usize,
    restores: Restores,
    /// The newest durable checkpoint.
    completed: Option<CheckpointId>,
    pub(crate) windows: Windows,
    /// What there is to go by.
    pub(crate) sight: Sight,
    steps: u64,
}

/// What a ledger leaves to that of the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    transactions: Room<Transaction>,
    newest: per_record::Rooms<Option<u32>>,
    others: Room<(RecordId, u32)>,
}

impl Ledger {
    /// An empty one, for splits of these lengths.
    pub(crate) fn new(splits: impl Iterator<Item = usize>, sight: Sight, rooms: Rooms) -> Self {
        Ledger {
            transactions: rooms.transactions.vector(32),
            newest: PerRecord::new(splits, None, rooms.newest),
            others: rooms.others.vector(64), // after a failure some records are written again
            sight,
            ..Ledger::default()
        }
    }

    pub(crate) fn leave(self) -> Rooms {
        Rooms {
            transactions: Room::of(self.transactions),
            newest: self.newest.leave(),
            others: Room::of(self.others),
        }
    }

    pub(crate) fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Into which transactions a record went, oldest first.
    pub(crate) fn carriers(&self, record: RecordId) -> impl DoubleEndedIterator<Item = &Transaction> + Clone {
        let others = self.others.iter().filter(move |(known, _)| *known == record).map(|(_, at)| at);
        let all = others.chain(self.newest.get(record).into_iter().flatten());
        all.map(|at| &self.transactions[*at as usize])
    }

    /// When this sink began its newest restore.
    pub(crate) fn restored_at(&self, sink: Name) -> Option<u64> {
        self.restores.began(sink)
    }

    /// The transaction in which this producer wrote this record.
    #[inline(always)]
    pub(crate) fn written_by(&self, record: RecordId, producer: Producer) -> Option<&Transaction> {
        let newest = &self.transactions[(*self.newest.get(record)?)? as usize];
        match newest.producer == producer {
            true => Some(newest),
            false => self.written_before_by(record, producer),
        }
    }

    #[cold]
    fn written_before_by(&self, record: RecordId, producer: Producer) -> Option<&Transaction> {
        self.carriers(record).rev().find(|carrier| carrier.producer == producer)
    }

    /// The newest transaction that this producer wrote.
    pub(crate) fn of(&self, producer: Producer) -> Option<&Transaction> {
        self.position(producer).map(|at| &self.transactions[at])
    }

    /// The transaction into which a batch was written last.
    pub(crate) fn written_last(&self) -> Option<&Transaction> {
        self.transactions.get(self.last)
    }

    /// One more event, also of those that are not shown to it.
    pub(crate) fn step(&mut self) {
        self.steps += 1;
    }

    /// How many events there were.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn see(&mut self, event: &Event<'_>) {
        match event.what {
            What::Applied { request, response, changed, .. } => match (request, response) {
                (Request::Produce(batch), Response::Produce(Ok(_))) if changed => {
                    self.written(event.who, batch);
                }
                _ => self.decided(event.who, (request, response), changed),
            },
            What::Noted(fact) => self.noted(event.who, fact),
            What::Crashed => {
                if let Actor::Process { name, life, .. } = event.who {
                    self.crashed(name, life);
                }
            }
            What::Sent { label: ACK, .. } => self.acknowledged(event.who),
            What::Put { head, version: Some(_) } => {
                // Taking over and starting anew write the head too, with the checkpoint that was there.
                let completed = head.completed.as_ref().map(|completed| completed.id);
                if let Some(newer) = completed.filter(|_| completed > self.completed) {
                    self.sight.add(Sight::DURABLE);
                    self.completed = completed;
                    self.durable(newer);
                }
            }
            What::MarkerWritten { partition, id, producer, marker } => {
                self.marked(partition, id, producer, marker);
            }
            What::TimedOut { id } => self.timed_out(id),
            _ => {}
        }
    }

    /// A marker was written.
    #[inline]
    pub(crate) fn marked(
        &mut self,
        partition: Partition,
        id: &TransactionalId,
        producer: Producer,
        marker: Marker,
    ) {
        self.empties.marked(id, producer, partition);
        if let Some(transaction) = self.ended_by(id, producer, marker) {
            transaction.written_on |= bit(partition);
        }
    }

    /// A batch was written.
    #[inline(always)]
    pub(crate) fn written(&mut self, who: Actor, batch: &Produce) {
        let Actor::Process { name, life, current } = who else {
            return;
        };
        if let (Some(id), Some(producer)) = (&batch.id, batch.producer) {
            let at = match self.goes_into(producer, batch.partition) {
                Some(at) => at,
                None => self.open(id, producer, batch.partition, (name, life, current)),
            };
            self.last = at;
            batch.records.iter().for_each(|record| self.carry(record.id, at as u32));
            let transaction = &mut self.transactions[at];
            transaction.partitions |= bit(batch.partition);
            transaction.records += batch.records.len() as u32;
            self.acted(at, current);
        }
        self.asked(who, None);
    }

    #[inline(always)]
    fn carry(&mut self, record: RecordId, at: u32) {
        match self.newest.get_mut(record) {
            Some(newest) => {
                if let Some(before) = newest.replace(at) {
                    self.others.push((record, before));
                }
            }
            None => self.others.push((record, at)),
        }
    }

    /// Anything else was asked and answered: transactions were opened or ended, or nothing was.
    #[inline(always)]
    pub(crate) fn decided(&mut self, who: Actor, told: (&Request, &Response), changed: bool) {
        let Actor::Process { current, .. } = who else {
            return;
        };
        if changed {
            self.change(current, told);
        }
        let ending = match told.0 {
            Request::EndTxn { producer, .. } => Some(*producer),
            _ => None,
        };
        self.asked(who, ending);
    }

    fn change(&mut self, current: bool, (request, response): (&Request, &Response)) {
        match (request, response) {
            (Request::AddPartitions { id, producer, .. }, Response::AddPartitions(Ok(answers))) => {
                let added = answers.iter().filter(|(_, answer)| answer.is_ok());
                let added = added.fold(0, |all, (partition, _)| all | bit(*partition));
                match self.position(*producer).map(|at| &mut self.transactions[at]) {
                    Some(open) if open.decided.is_none() => open.partitions |= added,
                    _ => self.empties.add(id, *producer, added),
                }
            }
            (Request::EndTxn { producer, marker, .. }, Response::EndTxn(Ok(_))) => {
                if self.empties.end(*producer, *marker) {
                    return;
                }
                if let Some(at) = self.position(*producer) {
                    self.past = self.past.min(at); // by a broker that decides twice
                    self.transactions[at].decide(*marker);
                    self.acted(at, current);
                }
            }
            // Whoever takes a name over aborts what is open under it (KIP-98).
            (Request::InitProducerId(init), _) => {
                if let Some(id) = &init.id {
                    self.empties.abort(id);
                    let open = |open: &Transaction| open.decided.is_none() && open.id == *id;
                    for at in self.past..self.transactions.len() {
                        if open(&self.transactions[at]) {
                            self.transactions[at].decide(Marker::Abort);
                            self.acted(at, current);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Somebody changed this transaction. If he is a zombie, that is window 7.
    fn acted(&mut self, at: usize, current: bool) {
        if !current && self.transactions[at].records > 0 {
            self.windows.enter(Window::W7);
            self.transactions[at].decided_in = Some(Window::W7);
        }
    }

    fn position(&self, producer: Producer) -> Option<usize> {
        self.transactions.iter().rposition(|transaction| transaction.producer == producer)
    }

    /// The transaction that this producer goes on with. Under the older protocol one epoch can carry several, one after
    /// the other. But where one that is decided waits for its marker, what still arrives joins it and shares its end.
    #[inline(always)]
    fn goes_into(&mut self, producer: Producer, partition: Partition) -> Option<usize> {
        let at = self.place(producer)?;
        self.transactions[at].takes(partition).then_some(at)
    }

    /// As [`position`](Self::position). Whoever opens another one says so, and what fits is the newest.
    #[inline(always)]
    fn place(&mut self, producer: Producer) -> Option<usize> {
        let at = self.whereabouts.of(producer.id);
        match self.transactions.get(at) {
            Some(transaction) if transaction.producer == producer => Some(at),
            _ => self.search(producer),
        }
    }

    #[cold]
    fn search(&mut self, producer: Producer) -> Option<usize> {
        let at = self.position(producer)?;
        self.whereabouts.set(producer.id, at);
        Some(at)
    }

    #[cold]
    fn open(
        &mut self,
        id: &TransactionalId,
        producer: Producer,
        partition: Partition,
        (writer, life, current): (Name, Life, bool),
    ) -> usize {
        self.restores.end(writer, life, current); // also if nobody says so: what is written now is new
        let is_newest = self.restores.is_by(writer, life).unwrap_or(current);
        let (decided, partitions) = self.empties.first_record(producer, partition);
        self.whereabouts.set(producer.id, self.transactions.len());
        self.transactions.push(Transaction {
            id: id.clone(),
            producer,
            writer,
            life,
            opened: self.steps,
            records: 0,
            checkpoint: None,
            acknowledged: false,
            promised: false,
            blind: !self.sight.has(Sight::BOUND) || !self.sight.has(Sight::SINKS),
            abandoned: !is_newest, // no checkpoint will ever count on what a zombie opens
            decided,
            partitions,
            written_on: 0,
            told: false,
            told_at_snapshot: false,
            owed: false,
            timed_out: false,
            struck_in: None,
            decided_in: None,
        });
        self.transactions.len() - 1
    }

    /// The newest transaction under this name that this marker can be for. Of KIP-890 the marker carries the
    /// epoch after the transaction's, and so does the marker of a fence. It must have been decided like that: a
    /// marker itself decides nothing, and a repeated one may come when the next transaction is open.
    fn ended_by(
        &mut self,
        id: &TransactionalId,
        producer: Producer,
        marker: Marker,
    ) -> Option<&mut Transaction> {
        let matches = |transaction: &Transaction| {
            transaction.id == *id
                && transaction.producer.id == producer.id
                && transaction.producer.epoch <= producer.epoch
                && transaction.decided == Some(marker)
        };
        self.transactions.iter_mut().rev().find(|transaction| matches(transaction))
    }

    /// Of a sink that notes nothing it is taken that it knows how a transaction ended when it asks for something
    /// else: it does one thing after the other.
    #[inline(always)]
    fn asked(&mut self, who: Actor, ending: Option<Producer>) {
        if !self.sight.has(Sight::SINKS) {
            self.goes_on(who, ending);
        }
    }

    #[cold]
    fn goes_on(&mut self, who: Actor, ending: Option<Producer>) {
        let Actor::Process { name, life, .. } = who else {
            return;
        };
        for transaction in self.present_mut().filter(|one| one.is_by(name, life)) {
            transaction.told |= transaction.decided.is_some() && ending != Some(transaction.producer);
        }
    }

    /// A process says something of itself.
    #[inline(always)]
    pub(crate) fn noted(&mut self, who: Actor, fact: &Fact) {
        if let Actor::Process { name, life, current } = who {
            self.sight.note(fact);
            match fact {
                Fact::PreCommitted(..)
                | Fact::Acknowledged(_)
                | Fact::Committed(_)
                | Fact::Indistinct(_)
                | Fact::Restoring(..)
                | Fact::Restored => self.learn(name, life, current, fact),
                _ => {}
            }
        }
    }

    /// It says how far one of its transactions has come.
    #[inline(never)]
    fn learn(&mut self, name: Name, life: Life, current: bool, fact: &Fact) {
        match fact {
            Fact::PreCommitted(checkpoint, id) => {
                for transaction in self.present_mut().filter(|one| one.writer == name) {
                    transaction.told_at_snapshot = transaction.told;
                }
                if let Some(transaction) = self.mine(name, life, id) {
                    transaction.checkpoint = Some(*checkpoint);
                }
            }
            Fact::Acknowledged(checkpoint) => {
                for transaction in self.present_mut().filter(|open| open.is_by(name, life)) {
                    transaction.acknowledged |= transaction.checkpoint == Some(*checkpoint);
                }
            }
            Fact::Committed(id) | Fact::Indistinct(id) => {
                for transaction in self.present_mut().filter(|open| open.id == *id) {
                    transaction.told |= transaction.decided.is_some();
                }
            }
            Fact::Restoring(incarnation, _) => self.restoring(name, (*incarnation, life)),
            Fact::Restored => self.restores.end(name, life, current),
            _ => {}
        }
    }

    /// An acknowledgement has left. It follows the snapshot, so it is for all that is pre-committed by now. (Who is struck
    /// as it leaves does not live to note it.)
    #[inline(never)]
    pub(crate) fn acknowledged(&mut self, who: Actor) {
        let Actor::Process { name, life, .. } = who else {
            return;
        };
        for transaction in self.present_mut().filter(|open| open.is_by(name, life)) {
            transaction.acknowledged |= transaction.checkpoint.is_some();
        }
    }

    fn mine(&mut self, name: Name, life: Life, id: &TransactionalId) -> Option<&mut Transaction> {
        let mine = |open: &&mut Transaction| open.is_by(name, life) && open.id == *id;
        self.transactions.iter_mut().rev().find(mine)
    }

    /// A checkpoint became durable. Everything that was pre-committed up to it is promised now, unless its
    /// writer has begun anew since: then another incarnation took that checkpoint.
    #[cold]
    fn durable(&mut self, checkpoint: CheckpointId) {
        for transaction in &mut self.transactions[self.past..] {
            let covered = transaction.checkpoint.is_some_and(|id| id <= checkpoint);
            let newly = !transaction.promised && covered && !transaction.abandoned;
            transaction.promised |= newly;
            transaction.owed = transaction.promised && !transaction.told_at_snapshot;
            if newly && transaction.timed_out {
                transaction.decided_in = Some(Window::W8);
                self.windows.enter(Window::W8);
            }
        }
        self.past += self.present_mut().take_while(|oldest| oldest.is_past()).count();
    }

    /// Those of which anything may still be learnt.
    #[inline]
    fn present_mut(&mut self) -> slice::IterMut<'_, Transaction> {
        self.transactions[self.past..].iter_mut()
    }

    /// A sink was struck down: in which windows, its transactions tell.
    #[cold]
    fn crashed(&mut self, name: Name, life: Life) {
        let restores = self.restores.is_under_way(name) && self.restores.is_by(name, life) == Some(true);
        if restores && self.owes(name) {
            self.windows.enter(Window::W6);
        }
        let mine = |open: &&mut Transaction| open.is_by(name, life) && !open.abandoned;
        for transaction in self.transactions.iter_mut().filter(mine) {
            if let Some(window) = transaction.window_now() {
                transaction.struck_in = Some(window);
                self.windows.enter(window);
            }
        }
    }

    /// The oldest transaction that keeps a restore from being over: it was promised, and that restore has not
    /// come past it.
    pub(crate) fn unsettled(&self) -> Option<&Transaction> {
        let mut all = self.transactions.iter();
        all.find(|one| one.promised && !one.told && self.restores.is_under_way(one.writer))
    }

    /// Whether something is left for this sink's restore to settle.
    fn owes(&self, name: Name) -> bool {
        let mut mine = self.transactions.iter().filter(|open| open.writer == name && open.records > 0);
        mine.any(|open| open.decided.is_none() || open.promised && !open.told)
    }

    /// A new incarnation of a sink begins. The one before ended at the latest now.
    fn restoring(&mut self, name: Name, by: (Incarnation, Life)) {
        if !self.restores.begin(name, by, self.steps) {
            return;
        }
        let mine = |open: &&mut Transaction| open.writer == name && !open.abandoned;
        for transaction in self.transactions.iter_mut().filter(mine) {
            if let Some(window) = transaction.window_now().filter(|_| transaction.struck_in.is_none()) {
                transaction.struck_in = Some(window);
                self.windows.enter(window);
            }
            transaction.abandoned |= !transaction.promised;
            transaction.told &= !transaction.owed; // it did know, but that is gone with its memory
        }
    }

    #[cold]
    fn timed_out(&mut self, id: &TransactionalId) {
        self.empties.abort(id);
        let undecided = |open: &&mut Transaction| open.id == *id && open.decided.is_none();
        for transaction in self.transactions.iter_mut().filter(undecided) {
            transaction.timed_out = true;
            transaction.decide(Marker::Abort);
            if transaction.promised {
                transaction.decided_in = Some(Window::W8);
                self.windows.enter(Window::W8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use twophase::kafka::protocol::{ProducerEpoch, ProducerId, Sequence};
    use twophase::{Record, SourceOffset, Split};

    use super::*;

    const SINK: Actor =
        Actor::Process { name: Name { role: twophase::Role::Sink, index: 0 }, life: Life(1), current: true };

    fn producer(id: i64) -> Producer {
        Producer { id: ProducerId(id), epoch: ProducerEpoch(0) }
    }

    fn batch(id: i64, offset: u64) -> Produce {
        let record = RecordId { split: Split(0), offset: SourceOffset(offset) };
        Produce {
            id: Some(TransactionalId::new(format!("t{id}"))),
            producer: Some(producer(id)),
            partition: Partition(0),
            base_sequence: Sequence(0),
            transactional: true,
            records: Record { id: record, payload: "a".into() }.into(),
            version: 11,
        }
    }

    #[test]
    fn each_batch_goes_into_the_newest_transaction_of_its_producer() {
        let mut ledger = Ledger::new([9].into_iter(), Sight::default(), Rooms::default());
        // (The two are looked for in one place.)
        for (offset, id) in (0..).zip([1, 9, 1]) {
            ledger.written(SINK, &batch(id, offset));
        }
        let records =
            |ledger: &Ledger| ledger.transactions().iter().map(|one| one.records).collect::<Vec<_>>();
        assert_eq!(records(&ledger), [2, 1]);

        let id = TransactionalId::new("t1");
        let end =
            Request::EndTxn { id: id.clone(), producer: producer(1), marker: Marker::Commit, version: 4 };
        ledger.decided(SINK, (&end, &Response::EndTxn(Ok(None))), true);
        ledger.marked(Partition(0), &id, producer(1), Marker::Commit);
        for (offset, id) in (3..).zip([1, 1, 9]) {
            ledger.written(SINK, &batch(id, offset));
        }
        assert_eq!(
            records(&ledger),
            [2, 2, 2],
            "under the older protocol the next one is of the same producer"
        );
    }

    /// A broker that does not verify takes it there, also if nothing was written on that partition before.
    #[test]
    fn a_batch_on_a_partition_that_was_added_belongs_to_what_is_aborted_until_the_marker_is_there() {
        let id = TransactionalId::new("t1");
        let add = |partitions: &[u32]| {
            let partitions: Vec<_> = partitions.iter().copied().map(Partition).collect();
            let answers = partitions.iter().map(|partition| (*partition, Ok(()))).collect();
            let request =
                Request::AddPartitions { id: id.clone(), producer: producer(1), partitions, version: 3 };
            (request, Response::AddPartitions(Ok(answers)))
        };
        let end =
            Request::EndTxn { id: id.clone(), producer: producer(1), marker: Marker::Abort, version: 3 };
        for added in [vec![add(&[0, 1])], vec![add(&[0]), add(&[1])]] {
            let mut ledger = Ledger::new([9].into_iter(), Sight::default(), Rooms::default());
            ledger.decided(SINK, (&added[0].0, &added[0].1), true);
            ledger.written(SINK, &batch(1, 0));
            added[1..].iter().for_each(|(request, response)| ledger.decided(SINK, (request, response), true));
            ledger.decided(SINK, (&end, &Response::EndTxn(Ok(None))), true);

            let on_the_other = |offset| Produce { partition: Partition(1), ..batch(1, offset) };
            ledger.written(SINK, &on_the_other(1));
            assert_eq!(ledger.transactions().len(), 1);
            ledger.marked(Partition(1), &id, producer(1), Marker::Abort);
            ledger.written(SINK, &on_the_other(2));
            let all: Vec<_> = ledger.transactions().iter().map(|one| (one.records, one.decided)).collect();
            assert_eq!(all, [(2, Some(Marker::Abort)), (1, None)], "behind the marker nobody ends it");
        }
    }

    /// A coordinator that does not know of the newer life yet starts the older one, and a deposed one starts the newer.
    #[test]
    fn the_newest_restore_is_that_of_the_newest_incarnation_whichever_life_began_last() {
        let life = |life| Actor::Process { name: Name::sink(0), life: Life(life), current: life == 2 };
        let restoring = |incarnation| Fact::Restoring(Incarnation(incarnation), None);
        let mut ledger = Ledger::new([9].into_iter(), Sight::default(), Rooms::default());
        ledger.noted(life(1), &restoring(4));
        let restored = ledger.restored_at(Name::sink(0));
        ledger.written(life(1), &batch(1, 0));
        ledger.step();
        ledger.noted(life(2), &restoring(3));
        assert_eq!(ledger.restored_at(Name::sink(0)), restored);
        ledger.written(life(2), &batch(2, 1));
        let abandoned =
            |ledger: &Ledger| ledger.transactions().iter().map(|one| one.abandoned).collect::<Vec<_>>();
        assert_eq!(abandoned(&ledger), [false, true], "checkpoints are those of the newest incarnation");

        ledger.noted(life(2), &restoring(5));
        assert_ne!(ledger.restored_at(Name::sink(0)), restored);
        assert_eq!(abandoned(&ledger), [true, true]);
    }
}
