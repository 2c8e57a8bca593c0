//! What will happen, ordered by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things to come. Ties are broken by the order of scheduling: the only order that a reader of a trace can
/// see for himself.
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    slots: Vec<Option<T>>,
    free: Vec<usize>,
    scheduled: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue {
            heap: BinaryHeap::with_capacity(64),
            slots: Vec::with_capacity(64),
            free: Vec::new(),
            scheduled: 0,
        }
    }

    /// `what` will happen at `time`.
    pub(crate) fn push(&mut self, time: u64, what: T) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(what);
                slot
            }
            None => {
                self.slots.push(Some(what));
                self.slots.len() - 1
            }
        };
        self.scheduled += 1;
        self.heap.push(Reverse((time, self.scheduled, slot)));
    }

    /// The next thing to happen, and when.
    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        let Reverse((time, _, slot)) = self.heap.pop()?;
        let what = self.slots[slot].take().expect("a slot in the heap is filled");
        self.free.push(slot);
        Some((time, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scheduled_first_happens_first_at_one_time() {
        let mut queue = Queue::new();
        for (time, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            queue.push(time, what);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [(1, 'a'), (1, 'b'), (2, 'c'), (2, 'd')]);
    }
}
