//! The futures of all processes, and which of them want to be polled.
//!
//! A task is polled only when it was woken, and dropped at once when its process dies. Nothing here knows
//! what the futures wait for.

mod woken;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, Arc};
use std::task::{Context, Poll, Wake, Waker};

use crate::memory::Room;
use crate::quiet::{Panic, guarded, guarded_within};
use crate::wall::Who;
use crate::world::Pid;
use woken::Woken;

/// A future of some process.
pub(crate) type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which task; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId(usize);

/// Which waker. Two with the same one wake the same task, as long as one of them exists; those of tasks exist until
/// the history is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WakerId(usize, usize);

impl WakerId {
    /// That of no waker.
    pub(crate) const NONE: WakerId = WakerId(0, 0);

    #[inline]
    pub(crate) fn of(waker: &Waker) -> Self {
        WakerId(waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }
}

/// Puts its task among the woken, once until the task is polled.
struct TaskWaker {
    task: TaskId,
    queued: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.woken.push(self.task);
        }
    }
}

/// A future, whose it is, and what wakes it.
pub(crate) struct Task {
    pub(crate) process: Pid,
    /// The same, for the pulse.
    pub(crate) who: Who,
    /// Until it has ended.
    future: Option<TaskFuture>,
    waker: Waker,
    queued: Arc<TaskWaker>,
}

/// All tasks of a history.
pub(crate) struct Executor {
    tasks: Vec<Task>,
    wakers: Wakers,
}

/// What they leave to the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    tasks: Room<Task>,
    wakers: Option<Wakers>,
}

/// Not more wakers than this are kept: as many as an ordinary history needs.
const MOST_SPARE: usize = 64;

/// Wakers for tasks to come.
#[derive(Default)]
struct Wakers {
    woken: Arc<Woken>,
    /// Those of tasks of earlier histories.
    spare: Vec<Arc<TaskWaker>>,
}

impl Wakers {
    /// One for this task.
    fn next(&mut self, task: TaskId) -> Arc<TaskWaker> {
        if let Some(mut spare) = self.spare.pop() {
            if let Some(waker) = Arc::get_mut(&mut spare) {
                (waker.task, waker.queued) = (task, AtomicBool::new(false));
                return spare;
            }
        }
        Arc::new(TaskWaker { task, queued: AtomicBool::new(false), woken: self.woken.clone() })
    }

    /// With those of the tasks of a history that is over. If anybody has kept one, none is used again: he could wake a
    /// task of the next history.
    fn leave(&mut self, tasks: impl Iterator<Item = Task>) -> Option<Wakers> {
        let mut spare = std::mem::take(&mut self.spare); // of which nobody has had one since
        for mut waker in tasks.map(|Task { queued, .. }| queued) {
            Arc::get_mut(&mut waker)?;
            spare.push(waker);
        }
        spare.truncate(MOST_SPARE);
        self.woken.clear();
        Some(Wakers { woken: self.woken.clone(), spare })
    }
}

impl Task {
    /// Which waker wakes it.
    #[inline]
    pub(crate) fn waker(&self) -> WakerId {
        WakerId::of(&self.waker)
    }

    /// Polls it once, unless it has ended; for whoever is guarded himself. A task that has finished or panicked is
    /// dropped, which may panic once more; the first panic is told.
    #[inline(always)]
    pub(crate) fn poll(&mut self) -> Result<(), Panic> {
        let Some(future) = &mut self.future else {
            return Ok(());
        };
        self.queued.queued.store(false, Ordering::Relaxed);
        match guarded_within(|| future.as_mut().poll(&mut Context::from_waker(&self.waker))) {
            Ok(Poll::Pending) => Ok(()),
            Ok(Poll::Ready(())) => self.remove(),
            Err(panic) => {
                let _ = self.remove();
                Err(panic)
            }
        }
    }

    #[cold]
    fn remove(&mut self) -> Result<(), Panic> {
        let future = self.future.take();
        guarded(|| drop(future))
    }
}

impl Executor {
    pub(crate) fn new(rooms: Rooms) -> Self {
        Executor { tasks: rooms.tasks.vector(16), wakers: rooms.wakers.unwrap_or_default() }
    }

    /// Drops what is left. What they leave to those of another history.
    pub(crate) fn leave(mut self) -> Rooms {
        self.clear();
        let mut tasks = std::mem::take(&mut self.tasks);
        let wakers = self.wakers.leave(tasks.drain(..));
        Rooms { tasks: Room::of(tasks), wakers }
    }

    /// Adds a task; it wants to be polled.
    pub(crate) fn spawn(&mut self, (process, who): (Pid, Who), future: TaskFuture) {
        let task = TaskId(self.tasks.len());
        let queued = self.wakers.next(task);
        let waker = Waker::from(queued.clone());
        waker.wake_by_ref();
        self.tasks.push(Task { process, who, future: Some(future), waker, queued });
    }

    /// This task; `None` if it has ended.
    #[inline]
    pub(crate) fn task(&self, task: TaskId) -> Option<&Task> {
        let task = &self.tasks[task.0];
        task.future.is_some().then_some(task)
    }

    /// The same, to be polled.
    #[inline]
    pub(crate) fn task_mut(&mut self, task: TaskId) -> &mut Task {
        &mut self.tasks[task.0]
    }

    /// Moves these, which the world has woken, to the end of `ready`, but those that are to be polled already; then those
    /// that were woken by others since the last call.
    pub(crate) fn wake(&self, woken: &mut Vec<TaskId>, ready: &mut Vec<TaskId>) {
        ready.extend(
            woken.drain(..).filter(|task| !self.tasks[task.0].queued.queued.swap(true, Ordering::Relaxed)),
        );
        self.wakers.woken.take(ready);
    }

    /// The one that was woken by others since, if it is the only one: it is to be polled, or among the ready.
    #[inline]
    pub(crate) fn take_only(&self) -> Option<TaskId> {
        self.wakers.woken.take_only()
    }

    /// Whether a task was woken since, not by the world.
    #[inline]
    pub(crate) fn has_woken(&self) -> bool {
        self.wakers.woken.is_any()
    }

    /// Drops all futures of a process, in the order they were spawned, also if one of them panics over it. The
    /// first panic is told.
    pub(crate) fn kill(&mut self, process: Pid) -> Result<(), Panic> {
        let mut told = Ok(());
        for task in self.tasks.iter_mut().filter(|task| task.process == process) {
            let dropped = guarded(|| drop(task.future.take()));
            told = told.and(dropped);
        }
        told
    }

    /// Drops what is left when the history is over. Whoever panics now is no longer judged: it would have panicked
    /// when it was killed, too, and no process was.
    fn clear(&mut self) {
        for task in &mut self.tasks {
            let _ = guarded(|| drop(task.future.take()));
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Mutex;

    use super::*;
    use crate::site::Name;

    /// An executor with one task, which keeps its waker, polled once.
    fn executor(rooms: Rooms, kept: &Arc<Mutex<Option<Waker>>>) -> Executor {
        let (mut executor, kept) = (Executor::new(rooms), kept.clone());
        let keep = poll_fn(move |cx| {
            *kept.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        });
        executor.spawn((Pid(0), Name::COORDINATOR.into()), Box::pin(keep));
        let mut ready = Vec::new();
        executor.wake(&mut Vec::new(), &mut ready);
        assert_eq!(ready, [TaskId(0)], "it wants to be polled");
        executor.task_mut(TaskId(0)).poll().expect("it does not panic");
        executor
    }

    #[test]
    fn a_waker_that_somebody_has_kept_wakes_no_task_of_a_later_history() {
        let (kept, other) = (Arc::default(), Arc::default());
        let later = executor(executor(Rooms::default(), &kept).leave(), &other);
        kept.lock().unwrap().take().expect("it was kept").wake();
        assert!(!later.has_woken());
        other.lock().unwrap().take().expect("it was kept").wake();
        assert!(later.has_woken());
    }

    #[test]
    fn a_waker_that_nobody_has_kept_serves_again() {
        let (kept, other) = (Arc::default(), Arc::default());
        let earlier = executor(Rooms::default(), &kept);
        let place = WakerId::of(&kept.lock().unwrap().take().expect("it was kept"));
        let later = executor(earlier.leave(), &other);
        assert_eq!(later.tasks[0].waker(), place);
    }
}
