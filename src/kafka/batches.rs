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
    /// In the order of their partitions. There are few.
    lanes: SmallVec<[Lane; 1]>,
    /// What is full and waits for its turn. That is rare: whoever adds a record sends what it fills.
    ready: VecDeque<Batch>,
}

impl Batches {
    /// Cuts batches of `size` records; 0 counts as 1.
    pub(super) fn new(size: usize) -> Self {
        Batches { size: size.max(1), lanes: SmallVec::new(), ready: VecDeque::new() }
    }

    /// Adds a record. The one that fills a batch hands it out.
    #[inline(always)] // so that a record which is a batch is moved once
    pub(super) fn add(&mut self, partition: Partition, record: Record) -> Option<Batch> {
        let size = self.size;
        let lane = match self.lanes.iter_mut().find(|lane| lane.partition == partition) {
            Some(lane) => lane,
            None => self.open_lane(partition),
        };
        if size == 1 {
            return Some(lane.number(record.into()));
        }
        lane.waiting.push(record);
        (lane.waiting.len() >= size).then(|| lane.cut())
    }

    #[cold]
    fn open_lane(&mut self, partition: Partition) -> &mut Lane {
        let place = self.lanes.partition_point(|lane| lane.partition < partition);
        self.lanes.insert(place, Lane { partition, next: Sequence(0), waiting: Vec::new() });
        &mut self.lanes[place]
    }

    /// Queues a batch that cannot be sent yet.
    pub(super) fn queue(&mut self, batch: Batch) {
        self.ready.push_back(batch);
    }

    /// Makes everything ready that waits.
    pub(super) fn flush(&mut self) {
        for lane in self.lanes.iter_mut().filter(|lane| !lane.waiting.is_empty()) {
            self.ready.push_back(lane.cut());
        }
    }

    /// The batches that are ready, in the order in which they became so.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Batch> {
        self.ready.iter()
    }

    /// Whether no batch is ready.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// The next batch that is ready.
    pub(super) fn first(&self) -> Option<&Batch> {
        self.ready.front()
    }

    /// Takes the next batch that is ready.
    pub(super) fn pop(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// Forgets what was not sent: nothing of an aborted transaction may follow its end (known bug P-07).
    pub(super) fn clear(&mut self) {
        self.ready.clear();
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

    fn add(batches: &mut Batches, partition: u32, offset: u64) {
        let id = RecordId { split: Split(0), offset: SourceOffset(offset) };
        if let Some(full) = batches.add(Partition(partition), Record { id, payload: Default::default() }) {
            batches.queue(full);
        }
    }

    #[test]
    fn a_full_batch_is_ready_and_the_rest_waits_for_a_flush() {
        let mut batches = Batches::new(2);
        (0..3).for_each(|offset| add(&mut batches, 1, offset));
        assert_eq!(batches.ready().count(), 1);
        batches.flush();
        let cut: Vec<_> = batches.ready().map(|batch| (batch.base, batch.records.len())).collect();
        assert_eq!(cut, [(Sequence(0), 2), (Sequence(2), 1)]);
    }

    #[test]
    fn each_partition_numbers_by_itself() {
        let mut batches = Batches::new(1);
        for partition in [0, 1, 0] {
            add(&mut batches, partition, 0);
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
        (0..3).for_each(|offset| add(&mut batches, 0, offset));
        batches.clear();
        batches.flush();
        assert_eq!(batches.pop(), None);
    }
}
