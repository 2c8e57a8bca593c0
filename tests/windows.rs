//! One hand-written plot for each crash window: a calm job, one fault at the very place, and nothing is lost.
//!
//! Sites count from 1 within one life of a process. In a calm life a sink's first `init` opens the transaction
//! that its first checkpoint pre-commits, the second one opens the next behind the barrier, and its first `ack`
//! and `commit` are of that checkpoint.

#[path = "support/by_hand.rs"]
mod by_hand;

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase_sim::fault::Fault;
use twophase_sim::{Anomaly, Finding, Keep, Outcome, Schedule, Verdict, Window, is_safe, play};

use by_hand::{millis, named, site};

const RECORDS: usize = 40;

/// The process dies there and is back soon.
fn crash(at: &str) -> Fault {
    back_after(at, millis(5))
}

fn back_after(at: &str, restart_after: Duration) -> Fault {
    Fault::Crash { at: site(at), restart_after }
}

fn play_correct(schedule: Schedule) -> Outcome {
    let keep = Keep { output: true, ..Keep::default() };
    play(&named("kafka"), &Arc::new(schedule), keep)
}

/// All of the faults strike, one of them in this window, and every record comes out once.
fn assert_nothing_is_lost_in(window: Window, faults: Vec<Fault>) {
    let schedule = Schedule { faults, ..Schedule::calm() };
    assert!(is_safe(&schedule));
    let outcome = play_correct(schedule);
    assert_eq!(outcome.unstruck, 0, "every fault finds its place");
    assert!(outcome.windows.has(window), "{:?}", outcome.windows);
    assert_eq!(outcome.verdict, Verdict::Held);
    assert_eq!(outcome.output.map(|output| output.len()), Some(RECORDS));
}

#[test]
fn a_job_that_nothing_strikes_enters_no_window() {
    let outcome = play_correct(Schedule::calm());
    assert_eq!(outcome.verdict, Verdict::Vacuous);
    assert_eq!(outcome.restarts, 0);
    assert_eq!(outcome.output.map(|output| output.len()), Some(RECORDS));
}

/// W1: the open transaction is aborted, and its records are sent again.
#[test]
fn a_crash_before_pre_commit_duplicates_nothing() {
    assert_nothing_is_lost_in(Window::W1, vec![crash("sink-0/1/produce#3/applied")]);
}

/// W2: it is pre-committed, and nobody knows; it must be aborted all the same.
#[test]
fn a_crash_between_pre_commit_and_ack_duplicates_nothing() {
    assert_nothing_is_lost_in(Window::W2, vec![crash("sink-0/1/init#2/sent")]);
}

/// W3: the other sink may have acknowledged too, or not; both must come to the same end.
#[test]
fn a_crash_between_ack_and_complete_is_settled_alike_on_every_sink() {
    assert_nothing_is_lost_in(Window::W3, vec![crash("sink-0/1/send.ack#1/sent")]);
}

/// W3, seen from the coordinator: all have acknowledged, and the write that would complete it never leaves.
#[test]
fn a_coordinator_that_dies_before_the_write_completes_nothing() {
    // The first write takes over and draws the incarnation; the second would complete checkpoint 1.
    assert_nothing_is_lost_in(Window::W3, vec![crash("coord-0/1/put#2/before")]);
}

/// W4: the checkpoint completed, the commit was never sent.
#[test]
fn a_crash_between_complete_and_commit_loses_nothing() {
    assert_nothing_is_lost_in(Window::W4, vec![crash("sink-0/1/end_txn.commit#1/before")]);
}

/// W5: the broker has committed, and the sink died before it heard of it.
#[test]
fn a_crash_between_commit_and_its_answer_duplicates_nothing() {
    assert_nothing_is_lost_in(Window::W5, vec![crash("sink-0/1/end_txn.commit#1/applied")]);
}

/// W6: the commit of the restore is under way when the restore itself is cut off.
#[test]
fn a_crash_during_restore_is_followed_by_the_same_restore() {
    let faults = vec![crash("sink-0/1/end_txn.commit#1/before"), crash("sink-0/2/end_txn.commit#1/sent")];
    assert_nothing_is_lost_in(Window::W6, faults);
}

/// W7: the old process goes on writing to its transaction while its replacement starts.
#[test]
fn a_zombie_that_goes_on_writing_duplicates_nothing() {
    let zombie = Fault::Zombie {
        at: site("sink-0/1/produce#3/received"),
        replaced_after: millis(10),
        wakes_after: millis(0),
    };
    assert_nothing_is_lost_in(Window::W7, vec![zombie]);
}

/// The sink is away for longer than the transaction timeout, behind the promise and before the commit.
fn outliving(protocol: Protocol) -> Schedule {
    let mut schedule = Schedule { protocol, ..Schedule::calm() };
    schedule.settings.transaction_timeout = millis(300);
    schedule.faults = vec![back_after("sink-0/1/end_txn.commit#1/before", millis(600))];
    assert!(!is_safe(&schedule));
    schedule
}

/// W8: the promise outlives the transaction. No code repairs that; it must not pass for green.
#[test]
fn a_promise_that_outlives_the_transaction_timeout_is_reported_as_lost() {
    // The older protocol says "fenced", which does not tell whether it was committed: the sink cannot know.
    let outcome = play_correct(outliving(Protocol::V1));
    assert!(outcome.windows.has(Window::W8), "{:?}", outcome.windows);
    let Verdict::Failed(Finding { anomaly, window, .. }) = outcome.verdict else {
        panic!("{:?}", outcome.verdict)
    };
    assert_eq!((anomaly, window), (Anomaly::Lost, Some(Window::W8)));
}

/// W8, where the broker tells that the transaction was aborted: the job stops and says so.
#[test]
fn a_job_that_learns_of_the_timeout_stops_instead_of_going_on() {
    let outcome = play_correct(outliving(Protocol::V2));
    assert!(outcome.windows.has(Window::W8), "{:?}", outcome.windows);
    assert!(matches!(outcome.verdict, Verdict::FailStop(_)), "{:?}", outcome.verdict);
}
