//! The tasks that were woken by others than the world, in the order of waking.
//!
//! Nearly always that is one: a task puts something into a queue, and whoever waits at its other end is polled next. So the
//! first stands in one word, which is swapped in and out, and only where it is not alone a list is locked.
//!
//! In the sandbox one thread does all of it; without, a stranger's code may have others that wake. `sim/tests/woken.rs`
//! plays every order in which they can meet, and has the other tests of this file.

use super::TaskId;
use super::sync::Mutex;
use super::sync::atomic::{AtomicUsize, Ordering};

/// None, one, or a list of several.
#[derive(Default)]
pub(super) struct Woken {
    /// [`NONE`], one more than the number of the only one, or [`SEVERAL`].
    first: AtomicUsize,
    /// All of them, if they are several. Held by whoever makes one to several, or several to none.
    all: Mutex<Vec<TaskId>>,
}

const NONE: usize = 0;
const SEVERAL: usize = usize::MAX;

impl Woken {
    /// Whether there are any.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        self.first.load(Ordering::Acquire) != NONE
    }

    /// One more, behind all others. From any thread.
    #[inline]
    pub(super) fn push(&self, TaskId(task): TaskId) {
        if !self.swap(NONE, task + 1) {
            self.push_behind(TaskId(task));
        }
    }

    #[cold]
    fn push_behind(&self, task: TaskId) {
        let mut all = self.all.lock().expect("nobody panics while waking");
        // Whoever takes them out may do so at any time in between.
        loop {
            match self.first.load(Ordering::Acquire) {
                NONE if self.swap(NONE, task.0 + 1) => return,
                NONE => {}
                SEVERAL => return all.push(task),
                only => {
                    if self.swap(only, SEVERAL) {
                        return all.extend([TaskId(only - 1), task]);
                    }
                }
            }
        }
    }

    /// Takes the only one out, if it is one.
    #[inline]
    pub(super) fn take_only(&self) -> Option<TaskId> {
        let first = self.first.load(Ordering::Acquire);
        let is_one = first != NONE && first != SEVERAL && self.swap(first, NONE);
        is_one.then(|| TaskId(first - 1))
    }

    /// Moves all of them to the end of these.
    pub(super) fn take(&self, to: &mut Vec<TaskId>) {
        match self.take_only() {
            Some(only) => to.push(only),
            None if self.is_any() => self.take_all(to),
            None => {}
        }
    }

    #[cold]
    fn take_all(&self, to: &mut Vec<TaskId>) {
        let mut all = self.all.lock().expect("nobody panics while waking");
        // Whoever looked before the lock may have seen one that came after another look: it is here what it is now.
        match self.first.swap(NONE, Ordering::AcqRel) {
            NONE => {}
            SEVERAL => to.append(&mut all),
            only => to.push(TaskId(only - 1)),
        }
    }

    /// There are none.
    pub(super) fn clear(&self) {
        let mut all = self.all.lock().expect("nobody panics while waking");
        self.first.store(NONE, Ordering::Release);
        all.clear();
    }

    fn swap(&self, found: usize, put: usize) -> bool {
        self.first.compare_exchange(found, put, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
