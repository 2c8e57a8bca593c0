//! The tasks that were woken (`sim/src/executor/woken.rs`), with loom's atomics and locks in place of those of the
//! standard library: a test is played in every order in which its threads can meet, up to so many preemptions.

use loom::{sync, thread};
use woken::Woken;

#[path = "../src/executor/woken.rs"]
mod woken;

/// As the executor has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TaskId(usize);

/// All that were woken.
fn taken(woken: &Woken) -> Vec<usize> {
    let mut taken = vec![TaskId(100)];
    woken.take(&mut taken);
    assert_eq!(taken.remove(0), TaskId(100), "behind what was there");
    taken.into_iter().map(|TaskId(task)| task).collect()
}

#[test]
fn however_many_were_woken_they_are_taken_out_once_and_in_that_order() {
    loom::model(|| {
        let woken = Woken::default();
        for count in [0, 1, 2, 5, 1, 0, 3] {
            assert!(!woken.is_any());
            (0..count).for_each(|task| woken.push(TaskId(task)));
            assert_eq!(woken.is_any(), count > 0);
            assert_eq!(taken(&woken), (0..count).collect::<Vec<_>>());
        }
    });
}

#[test]
fn only_one_that_is_alone_is_taken_out_alone() {
    loom::model(|| {
        let woken = Woken::default();
        assert_eq!(woken.take_only(), None);
        woken.push(TaskId(7));
        assert_eq!(woken.take_only(), Some(TaskId(7)));
        woken.push(TaskId(8));
        woken.push(TaskId(9));
        assert_eq!(woken.take_only(), None);
        assert_eq!(taken(&woken), [8, 9]);
    });
}

#[test]
fn nothing_is_left_of_what_was_cleared() {
    loom::model(|| {
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
    });
}

#[test]
fn none_is_lost_if_another_thread_wakes_while_they_are_taken_out() {
    each_is_taken_once_and_in_its_order([3, 0], 2);
}

#[test]
fn none_is_lost_if_several_threads_wake_while_they_are_taken_out() {
    each_is_taken_once_and_in_its_order([2, 1], 2);
}

/// How often a thread may give way where it could go on. Each mistake that was planted needs at most these, and this takes
/// seconds; without a bound, which was played too, it takes ten minutes.
const PREEMPTIONS: usize = 3;

/// Two threads wake so many tasks, while they are taken out so many times.
fn each_is_taken_once_and_in_its_order(woken_by: [usize; 2], times: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(move || {
        let woken = sync::Arc::new(Woken::default());
        let tasks = |thread: usize| (0..woken_by[thread]).map(move |task| 10 * thread + task);
        let wakes = [0, 1].map(|thread| {
            let (woken, tasks) = (woken.clone(), tasks(thread));
            thread::spawn(move || tasks.for_each(|task| woken.push(TaskId(task))))
        });
        let mut taken: Vec<usize> = (0..times).flat_map(|_| self::taken(&woken)).collect();
        wakes.into_iter().for_each(|thread| thread.join().expect("it only wakes"));
        taken.extend(self::taken(&woken));
        for thread in [0, 1] {
            let its = taken.iter().copied().filter(|task| task / 10 == thread);
            assert!(its.eq(tasks(thread)), "those of thread {thread}, in their order, are not in {taken:?}");
        }
    });
}
