//! What will happen, ordered by time.

/// Things to come. Ties are broken by the order of scheduling: the only order that a reader of a trace can
/// see for himself.
///
/// A few dozen things are under way at a time, and most of what is scheduled comes before most of what waits: messages
/// take milliseconds, timers seconds. So a sorted list beats a heap: the next one is taken off its end, and a new one
/// steps over the few that come before it.
pub(crate) struct Queue<T> {
    /// The latest first.
    order: Vec<Key>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    scheduled: u64,
}

/// When, in which order of scheduling, and in which slot: one number, so that two of them compare at once.
type Key = u128;

const SLOT_BITS: u32 = 24;
const ORDER_BITS: u32 = 40;

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue {
            order: Vec::with_capacity(64),
            slots: Vec::with_capacity(64),
            free: Vec::with_capacity(64),
            scheduled: 0,
        }
    }

    /// `what` will happen at `time`.
    pub(crate) fn push(&mut self, time: u64, what: T) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(what);
                slot
            }
            None => self.grow(what),
        };
        self.scheduled += 1;
        let key = Key::from(time) << 64 | Key::from(self.scheduled << SLOT_BITS | u64::from(slot));
        let mut at = self.order.len();
        self.order.push(key);
        while at > 0 && self.order[at - 1] < key {
            self.order[at] = self.order[at - 1];
            at -= 1;
        }
        self.order[at] = key;
    }

    #[cold]
    fn grow(&mut self, what: T) -> u32 {
        let slot = self.slots.len();
        assert!(slot < 1 << SLOT_BITS && self.scheduled < 1 << ORDER_BITS, "a history ends before that");
        self.slots.push(Some(what));
        slot as u32
    }

    /// The next thing to happen, and when.
    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        let key = self.order.pop()?;
        let slot = key as u32 & ((1 << SLOT_BITS) - 1);
        let what = self.slots[slot as usize].take().expect("what is in the order is in its slot");
        self.free.push(slot);
        Some(((key >> 64) as u64, what))
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

    #[test]
    fn what_is_scheduled_meanwhile_falls_into_its_place() {
        let mut queue = Queue::new();
        let (mut now, mut seen) = (0, Vec::new());
        queue.push(0, 0_u32);
        while let Some((time, what)) = queue.pop() {
            assert!(time >= now);
            now = time;
            seen.push(what);
            if what < 60 {
                queue.push(now + u64::from(what) * 7 % 11, what * 2 + 1);
                queue.push(now + 5, what * 2 + 2);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..=120).collect::<Vec<_>>());
    }
}
