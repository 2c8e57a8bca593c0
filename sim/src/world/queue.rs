//! What will happen, ordered by time.

use crate::memory::Room;

/// Things to come. Ties are broken by the order of scheduling: the only order that a reader of a trace can
/// see for himself.
///
/// A few dozen things are under way at a time, and most of what is scheduled comes before most of what waits: messages
/// take milliseconds, timers seconds. So a sorted list beats a heap: the next one is taken off its end, and a new one
/// goes behind the few that come before it. What is to happen is copied on the way, so it had better be small.
pub(crate) struct Queue<T> {
    /// The latest first.
    order: Vec<(u64, T)>,
}

impl<T: Copy> Queue<T> {
    pub(crate) fn new(room: Room<(u64, T)>) -> Self {
        Queue { order: room.vector(64) }
    }

    /// Its room, for that of another history.
    pub(crate) fn leave(self) -> Room<(u64, T)> {
        Room::of(self.order)
    }

    /// `what` will happen at `time`, after all that was scheduled for then before.
    #[inline]
    pub(crate) fn push(&mut self, time: u64, what: T) {
        self.order.push((time, what));
        let mut left = &mut self.order[..];
        while let [earlier @ .., place] = left {
            match earlier.last() {
                Some(next) if next.0 <= time => *place = *next,
                _ => return *place = (time, what),
            }
            left = earlier;
        }
    }

    /// Whether nothing will ever happen again.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The next thing to happen, and when. (Not an option: its tag would be one more question after every step.)
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub(crate) fn pop(&mut self) -> (u64, T) {
        let last = self.order.len() - 1;
        let next = self.order[last];
        self.order.truncate(last);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scheduled_first_happens_first_at_one_time() {
        let mut queue = Queue::new(Room::default());
        for (time, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            queue.push(time, what);
        }
        let order = [(); 4].map(|()| queue.pop());
        assert!(queue.is_empty());
        assert_eq!(order, [(1, 'a'), (1, 'b'), (2, 'c'), (2, 'd')]);
    }

    #[test]
    fn what_is_scheduled_meanwhile_falls_into_its_place() {
        let mut queue = Queue::new(Room::default());
        let (mut now, mut seen) = (0, Vec::new());
        queue.push(0, 0_u32);
        while !queue.is_empty() {
            let (time, what) = queue.pop();
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
