//! What futures of processes wait for: one slot for each wait, reused.

use std::task::Waker;

/// Which wait. The generation tells a reused slot from the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitId {
    slot: u32,
    generation: u32,
}

enum State<T> {
    Free,
    Waiting(Waker),
    Over(T),
}

struct Slot<T> {
    generation: u32,
    state: State<T>,
}

/// All waits of a history; each ends with a `T`.
pub(crate) struct Waits<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Waits<T> {
    pub(crate) fn new() -> Self {
        Waits { slots: Vec::with_capacity(16), free: Vec::new() }
    }

    /// A new wait, to be woken like this.
    pub(crate) fn start(&mut self, waker: Waker) -> WaitId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, state: State::Free });
            self.slots.len() as u32 - 1
        });
        let entry = &mut self.slots[slot as usize];
        entry.state = State::Waiting(waker);
        WaitId { slot, generation: entry.generation }
    }

    /// It is over. Returns whether anybody was still waiting.
    pub(crate) fn end(&mut self, id: WaitId, with: T) -> bool {
        let entry = &mut self.slots[id.slot as usize];
        if entry.generation != id.generation {
            return false;
        }
        match std::mem::replace(&mut entry.state, State::Over(with)) {
            State::Waiting(waker) => {
                waker.wake();
                true
            }
            // The first answer counts; a second one finds nobody.
            first => {
                entry.state = first;
                false
            }
        }
    }

    /// How it ended, if it has; the wait is gone then. Otherwise it will be woken like this.
    pub(crate) fn poll(&mut self, id: WaitId, waker: &Waker) -> Option<T> {
        let entry = &mut self.slots[id.slot as usize];
        assert_eq!(entry.generation, id.generation, "a wait is polled only while it lasts");
        match &mut entry.state {
            State::Waiting(old) => {
                old.clone_from(waker);
                None
            }
            _ => match self.release(id) {
                State::Over(with) => Some(with),
                _ => unreachable!("a wait that lasts is not free"),
            },
        }
    }

    /// Nobody waits for it any longer.
    pub(crate) fn forget(&mut self, id: WaitId) {
        if self.slots[id.slot as usize].generation == id.generation {
            self.release(id);
        }
    }

    fn release(&mut self, id: WaitId) -> State<T> {
        let entry = &mut self.slots[id.slot as usize];
        entry.generation += 1;
        self.free.push(id.slot);
        std::mem::replace(&mut entry.state, State::Free)
    }
}
