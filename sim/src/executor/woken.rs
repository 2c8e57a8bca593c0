//! The tasks that were woken by others than the world, in the order of waking.
//!
//! Nearly always that is one: a task puts something into a queue, and whoever waits at its other end is polled next. So the
//! first stands in one word, which is swapped in and out, and only where it is not alone a list is locked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::TaskId;

/// None, one, or a list of several.
#[derive(Default)]
pub(super) struct Woken {
    /// [`NONE`], one more than the number of the only one, or [`SEVERAL`].
    first: AtomicUsize,
    /// All of them, if they are several. Held by whoever makes one to several, or takes several out.
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
        self.first.store(NONE, Ordering::Release);
        to.append(&mut all);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// All that were woken.
    fn taken(woken: &Woken) -> Vec<usize> {
        let mut taken = vec![TaskId(100)];
        woken.take(&mut taken);
        assert_eq!(taken.remove(0), TaskId(100), "behind what was there");
        taken.into_iter().map(|task| task.0).collect()
    }

    #[test]
    fn however_many_were_woken_they_are_taken_out_once_and_in_that_order() {
        let woken = Woken::default();
        for count in [0, 1, 2, 5, 1, 0, 3] {
            assert!(!woken.is_any());
            (0..count).for_each(|task| woken.push(TaskId(task)));
            assert_eq!(woken.is_any(), count > 0);
            assert_eq!(taken(&woken), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_one_that_is_alone_is_taken_out_alone() {
        let woken = Woken::default();
        assert_eq!(woken.take_only(), None);
        woken.push(TaskId(7));
        assert_eq!(woken.take_only(), Some(TaskId(7)));
        woken.push(TaskId(8));
        woken.push(TaskId(9));
        assert_eq!(woken.take_only(), None);
        assert_eq!(taken(&woken), [8, 9]);
    }

    #[test]
    fn nothing_is_left_of_what_was_cleared() {
        for count in [1, 3] {
            let woken = Woken::default();
            (0..count).for_each(|task| woken.push(TaskId(task)));
            woken.clear();
            assert!(!woken.is_any());
            for task in [7, 8] {
                woken.push(TaskId(task));
            }
            assert_eq!(taken(&woken), [7, 8]);
        }
    }

    /// Outside of a sandbox a stranger's code may have threads.
    #[test]
    fn none_is_lost_if_several_threads_wake_while_they_are_taken_out() {
        const EACH: usize = 2_000;
        let (woken, mut taken) = (Woken::default(), Vec::new());
        std::thread::scope(|scope| {
            let wake = |thread| {
                let woken = &woken;
                move || (0..EACH).for_each(|task| woken.push(TaskId(thread * EACH + task)))
            };
            let threads = [0, 1, 2].map(|thread| scope.spawn(wake(thread)));
            while !threads.iter().all(|thread| thread.is_finished()) {
                woken.take(&mut taken);
            }
        });
        woken.take(&mut taken);
        for thread in 0..3 {
            let its = taken.iter().map(|task| task.0).filter(|task| task / EACH == thread);
            assert!(its.eq(thread * EACH..(thread + 1) * EACH), "each thread's in their order");
        }
    }
}
