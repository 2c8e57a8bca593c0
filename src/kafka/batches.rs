//! Records on their way out: a queue for each partition, cut into numbered batches.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::protocol::{Records, Sequence};
use crate::{Partition, Record};

/// One numbered batch. It keeps its number for as long as it is repeated, so that a partition leader can tell
/// a repetition from new records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) partition: Partition,
    pub(super) base: Sequence,
    pub(super) records: Records,
}

/// What waits for one partition, and the number its next record gets.
#[derive(Debug)]
struct Lane {
    partition: Partition,
    next: Sequence,
    waiting: Vec<Record>,
}

/// The queues of one producer.
#[derive(Debug)]
pub(super) struct Batches {
    size: usize,
    /// By their partitions. There are few.
    lanes: SmallVec<[Lane; 1]>,
    /// The next batch that is ready.
    first: Option<Batch>,
    /// Those behind it. There are rarely any: who adds a record sends what it makes ready.
    later: VecDeque<Batch>,
}

impl Batches {
    /// Cuts batches of `size` records; 0 counts as 1.
    pub(super) fn new(size: usize) -> Self {
        Batches { size: size.max(1), lanes: SmallVec::new(), first: None, later: VecDeque::new() }
    }

    /// Queues a record; the one that fills a batch makes it ready.
    #[inline]
    pub(super) fn add(&mut self, partition: Partition, record: Record) {
        let known = self.lanes.binary_search_by_key(&partition, |lane| lane.partition);
        let place = known.unwrap_or_else(|place| self.open_lane(place, partition));
        if self.size > 1 {
            return self.fill(place, record);
        }
        let batch = self.lanes[place].number(record.into());
        self.make_ready(batch);
    }

    #[cold]
    fn open_lane(&mut self, place: usize, partition: Partition) -> usize {
        self.lanes.insert(place, Lane { partition, next: Sequence(0), waiting: Vec::new() });
        place
    }

    fn fill(&mut self, place: usize, record: Record) {
        let lane = &mut self.lanes[place];
        lane.waiting.push(record);
        if lane.waiting.len() >= self.size {
            let batch = lane.cut();
            self.make_ready(batch);
        }
    }

    #[inline]
    fn make_ready(&mut self, batch: Batch) {
        match self.first {
            None => self.first = Some(batch),
            Some(_) => self.later.push_back(batch),
        }
    }

    /// Makes everything ready that waits.
    pub(super) fn flush(&mut self) {
        for place in 0..self.lanes.len() {
            if !self.lanes[place].waiting.is_empty() {
                let batch = self.lanes[place].cut();
                self.make_ready(batch);
            }
        }
    }

    /// The batches that are ready, in the order in which they became so.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Batch> {
        self.first.iter().chain(&self.later)
    }

    /// Whether no batch is ready.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The next batch that is ready.
    #[inline]
    pub(super) fn first(&self) -> Option<&Batch> {
        self.first.as_ref()
    }

    /// Takes the next batch that is ready.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Batch> {
        let first = self.first.take();
        if !self.later.is_empty() {
            self.first = self.later.pop_front();
        }
        first
    }

    /// Forgets what was not sent: nothing of an aborted transaction may follow its end (known bug P-07).
    pub(super) fn clear(&mut self) {
        self.first = None;
        self.later.clear();
        self.lanes.iter_mut().for_each(|lane| lane.waiting.clear());
    }

    /// Numbers from 0 again, under a new epoch (PC-13).
    pub(super) fn renumber(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.next = Sequence(0));
    }
}

impl Lane {
    fn cut(&mut self) -> Batch {
        let records = self.waiting.drain(..).collect(); // the length is known: one allocation, the queue keeps its own
        self.number(records)
    }

    #[inline]
    fn number(&mut self, records: Records) -> Batch {
        let base = self.next;
        self.next = base.plus(records.len());
        Batch { partition: self.partition, base, records }
    }
}

impl Sequence {
    /// The number `count` records later; behind `i32::MAX` comes 0.
    #[inline]
    pub fn plus(self, count: usize) -> Self {
        Sequence(((self.0 as usize + count) & i32::MAX as usize) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordId, SourceOffset, Split};

    fn record(offset: u64) -> Record {
        Record { id: RecordId { split: Split(0), offset: SourceOffset(offset) }, payload: Default::default() }
    }

    #[test]
    fn a_full_batch_is_ready_and_the_rest_waits_for_a_flush() {
        let mut batches = Batches::new(2);
        (0..3).for_each(|offset| batches.add(Partition(1), record(offset)));
        assert_eq!(batches.ready().count(), 1);
        batches.flush();
        let cut: Vec<_> = batches.ready().map(|batch| (batch.base, batch.records.len())).collect();
        assert_eq!(cut, [(Sequence(0), 2), (Sequence(2), 1)]);
    }

    #[test]
    fn each_partition_numbers_by_itself() {
        let mut batches = Batches::new(1);
        for partition in [0, 1, 0] {
            batches.add(Partition(partition), record(0));
        }
        let bases: Vec<_> = batches.ready().map(|batch| batch.base.0).collect();
        assert_eq!(bases, [0, 0, 1]);
    }

    #[test]
    fn numbers_wrap_to_zero() {
        assert_eq!(Sequence(i32::MAX).plus(1), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 1).plus(3), Sequence(1));
    }

    #[test]
    fn what_was_cleared_is_never_sent() {
        let mut batches = Batches::new(2);
        (0..3).for_each(|offset| batches.add(Partition(0), record(offset)));
        batches.clear();
        batches.flush();
        assert_eq!(batches.pop(), None);
    }
}
