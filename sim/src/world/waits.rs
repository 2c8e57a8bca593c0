//! What futures of processes wait for: one slot for each wait, reused.

use std::task::Waker;

use super::bells::{self, NEVER};
use super::life::Made;
use crate::executor::{TaskId, WakerId};
use crate::memory::Room;

/// Which wait. The generation tells a reused slot from the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// A wait that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) wait: WaitId,
    /// Whose waker is known already.
    pub(crate) by: WakerId,
}

/// Who goes on when a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sleeper {
    /// The task that was polled when it began, as nearly always.
    Task(TaskId),
    /// Something within a task that has a waker of its own.
    Other,
    /// Nobody was being polled when it began, and nobody has looked at it since.
    Nobody,
}

pub(super) struct Slot<T> {
    generation: u32,
    /// The next one that is free, if this one is.
    next: u32,
    sleeper: Sleeper,
    /// For what it is.
    made: Made,
    /// How it ended.
    over: Option<T>,
    /// Of [`Sleeper::Other`], until it wakes it.
    waker: Option<Waker>,
}

/// What they leave to the next history.
pub(super) type Rooms<T> = Room<Slot<T>>;

/// All waits of a history; each ends with a `T`.
///
/// Each step of a wait is a few instructions, and taken some 300 times in a history from several places: to call it would
/// cost as much as to do it. So they are always inlined.
pub(crate) struct Waits<T> {
    slots: Vec<Slot<T>>,
    /// One that is free, if any is, or the one behind the last.
    free: u32,
    /// The task that is being polled, or was last; nobody, while a process is set up or cleared away.
    polled: Option<(TaskId, WakerId)>,
}

impl<T> Waits<T> {
    pub(crate) fn new(room: Rooms<T>) -> Self {
        Waits { slots: room.vector(32), free: 0, polled: None }
    }

    /// Their room, for those of another history.
    pub(crate) fn leave(self) -> Rooms<T> {
        Room::of(self.slots)
    }

    /// This task is being polled, with this waker.
    #[inline]
    pub(crate) fn polls(&mut self, task: Option<(TaskId, WakerId)>) {
        self.polled = task;
    }

    /// A new wait for what comes of this call. It begins at once, so it is the task that is being polled that will be
    /// woken, unless another one looks at it.
    #[inline(always)]
    pub(crate) fn start(&mut self, made: Made) -> Asked {
        let (sleeper, by) = match self.polled {
            Some((task, by)) => (Sleeper::Task(task), by),
            None => (Sleeper::Nobody, WakerId::NONE),
        };
        Asked { wait: self.start_with(made, sleeper), by }
    }

    /// This wait, which has begun just now.
    pub(crate) fn begun(&self, wait: WaitId) -> Asked {
        Asked { wait, by: self.polled.map_or(WakerId::NONE, |(_, by)| by) }
    }

    /// This wait, if it lasts, or the next one in its slot; or a new one. No fault strikes at its end, and it will be woken
    /// like this.
    #[inline]
    pub(crate) fn go_on(&mut self, before: Option<WaitId>, waker: &Waker) -> WaitId {
        let Some(mut wait) = before else {
            return self.start_for(waker);
        };
        let entry = &mut self.slots[wait.slot as usize];
        assert_eq!(entry.generation, wait.generation, "a wait is polled only while it lasts");
        if entry.over.take().is_some() {
            entry.generation += 1;
            wait.generation = entry.generation;
        }
        self.wake_by(wait.slot, waker);
        wait
    }

    /// A new wait for something at which no fault strikes, to be woken like this.
    #[inline]
    pub(crate) fn start_for(&mut self, waker: &Waker) -> WaitId {
        let wait = self.start_with(Made::NONE, Sleeper::Nobody);
        self.wake_by(wait.slot, waker);
        wait
    }

    #[inline(always)]
    fn start_with(&mut self, made: Made, sleeper: Sleeper) -> WaitId {
        let slot = self.free;
        if slot as usize >= self.slots.len() {
            return self.start_in_new_slot(made, sleeper);
        }
        let entry = &mut self.slots[slot as usize];
        self.free = entry.next;
        (entry.made, entry.sleeper) = (made, sleeper);
        WaitId { slot, generation: entry.generation }
    }

    #[cold]
    fn start_in_new_slot(&mut self, made: Made, sleeper: Sleeper) -> WaitId {
        let (slot, generation) = (self.slots.len() as u32, NEVER + 1);
        self.free = slot + 1;
        self.slots.push(Slot { generation, next: 0, sleeper, made, over: None, waker: None });
        WaitId { slot, generation }
    }

    /// From now on it is this one that is woken.
    #[inline]
    fn wake_by(&mut self, slot: u32, waker: &Waker) {
        let entry = &mut self.slots[slot as usize];
        entry.sleeper = match self.polled {
            Some((task, by)) if by == WakerId::of(waker) => {
                entry.waker = None;
                Sleeper::Task(task)
            }
            _ => {
                entry.waker = Some(waker.clone());
                Sleeper::Other
            }
        };
    }

    /// It is over. If a task waits for it, it is among the `woken` from now on.
    ///
    /// # Errors
    /// Nobody was waiting any more: the first end counts.
    #[inline(always)]
    pub(crate) fn end(&mut self, id: WaitId, with: T, woken: &mut Vec<TaskId>) -> Result<(), T> {
        let entry = &mut self.slots[id.slot as usize];
        if entry.generation != id.generation || entry.over.is_some() {
            return Err(with);
        }
        entry.over = Some(with);
        bells::ring(id);
        match entry.sleeper {
            Sleeper::Task(task) => woken.push(task),
            Sleeper::Other => entry.waker.take().into_iter().for_each(Waker::wake),
            Sleeper::Nobody => {}
        }
        Ok(())
    }

    /// How it ended, if it has, and what it was for; the wait is gone then. Otherwise it will be woken like this.
    #[inline(always)]
    pub(crate) fn poll(&mut self, id: WaitId, waker: &Waker) -> Option<(T, Made)> {
        let entry = &mut self.slots[id.slot as usize];
        assert_eq!(entry.generation, id.generation, "a wait is polled only while it lasts");
        let Some(with) = entry.over.take() else {
            self.wake_by(id.slot, waker);
            return None;
        };
        debug_assert!(entry.waker.is_none(), "it was woken");
        entry.generation += 1;
        entry.next = std::mem::replace(&mut self.free, id.slot);
        Some((with, entry.made))
    }

    /// Nobody waits for it any longer. Returns how it had ended, if it had.
    pub(crate) fn forget(&mut self, id: WaitId) -> Option<T> {
        let entry = &mut self.slots[id.slot as usize];
        if entry.generation != id.generation {
            return None;
        }
        entry.generation += 1;
        entry.waker = None;
        entry.next = std::mem::replace(&mut self.free, id.slot);
        entry.over.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::bells::BELLS_HUNG;

    #[test]
    fn a_bell_rings_for_its_wait_and_not_for_the_next_one_in_its_slot() {
        let mut waits = Waits::new(Rooms::default());
        let first = waits.start(Made::NONE).wait;
        assert!(bells::are_silent_for(first));
        assert_eq!(waits.end(first, 'a', &mut Vec::new()), Ok(()));
        assert_eq!(waits.end(first, 'b', &mut Vec::new()), Err('b'), "the first end counts");
        assert!(!bells::are_silent_for(first));
        assert_eq!(waits.poll(first, Waker::noop()).map(|(with, _)| with), Some('a'));
        let second = waits.start(Made::NONE).wait;
        assert_eq!(second.slot, first.slot);
        assert!(bells::are_silent_for(second));
    }

    #[test]
    fn a_wait_goes_on_while_it_lasts_and_then_as_the_next_one_in_its_slot() {
        let mut waits = Waits::new(Rooms::default());
        let first = waits.go_on(None, Waker::noop());
        assert_eq!(waits.go_on(Some(first), Waker::noop()), first);
        assert_eq!(waits.end(first, 'a', &mut Vec::new()), Ok(()));
        let second = waits.go_on(Some(first), Waker::noop());
        assert!(second.slot == first.slot && bells::are_silent_for(second));
        assert_eq!(waits.end(first, 'b', &mut Vec::new()), Err('b'), "it is over");
        assert_eq!(waits.forget(second), None);
    }

    #[test]
    fn a_wait_without_a_bell_is_never_called_silent() {
        let mut waits = Waits::<char>::new(Rooms::default());
        let all: Vec<_> = (0..=BELLS_HUNG).map(|_| waits.start(Made::NONE).wait).collect();
        assert!(bells::are_silent_for(all[BELLS_HUNG - 1]));
        assert!(!bells::are_silent_for(all[BELLS_HUNG]));
    }
}
