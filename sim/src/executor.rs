//! The futures of all processes, and which of them want to be polled.
//!
//! A task is polled only when it was woken, and dropped at once when its process dies. Nothing here knows
//! what the futures wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::world::Pid;

/// A future of some process.
pub(crate) type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which task; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId(usize);

/// The tasks that were woken, in the order of waking.
#[derive(Default)]
struct Woken(Mutex<Vec<TaskId>>);

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
            self.woken.0.lock().expect("nobody panics while waking").push(self.task);
        }
    }
}

struct Task {
    process: Pid,
    future: TaskFuture,
    waker: Waker,
    queued: Arc<TaskWaker>,
}

/// All tasks of a history.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: Vec<Option<Task>>,
    woken: Arc<Woken>,
}

impl Executor {
    /// Adds a task; it wants to be polled.
    pub(crate) fn spawn(&mut self, process: Pid, future: TaskFuture) {
        let task = TaskId(self.tasks.len());
        let queued = Arc::new(TaskWaker { task, queued: AtomicBool::new(false), woken: self.woken.clone() });
        let waker = Waker::from(queued.clone());
        waker.wake_by_ref();
        self.tasks.push(Some(Task { process, future, waker, queued }));
    }

    /// Moves those that were woken since the last call to the end of `ready`.
    pub(crate) fn take_woken(&self, ready: &mut Vec<TaskId>) {
        ready.append(&mut self.woken.0.lock().expect("nobody panics while waking"));
    }

    /// Whose task it is; `None` if it has ended.
    pub(crate) fn process(&self, task: TaskId) -> Option<Pid> {
        self.tasks[task.0].as_ref().map(|task| task.process)
    }

    /// Polls it once. A finished task is dropped; so is one whose poll panics, which goes on to the caller.
    pub(crate) fn poll(&mut self, id: TaskId) {
        let Some(mut task) = self.tasks[id.0].take() else {
            return;
        };
        task.queued.queued.store(false, Ordering::Relaxed);
        let poll = task.future.as_mut().poll(&mut Context::from_waker(&task.waker));
        if poll == Poll::Pending {
            self.tasks[id.0] = Some(task);
        }
    }

    /// Drops all futures of a process, in the order they were spawned.
    pub(crate) fn kill(&mut self, process: Pid) {
        for slot in &mut self.tasks {
            if slot.as_ref().is_some_and(|task| task.process == process) {
                *slot = None;
            }
        }
    }
}
