//! One hand-written history for each kind of anomaly: the subject that is one mistake away from correct raises it,
//! and the correct job, struck by the very same, holds.

#[path = "support/by_hand.rs"]
mod by_hand;

use std::sync::Arc;

use twophase::naming::Naming;
use twophase_sim::fault::Fault;
use twophase_sim::{Anomaly, Expected, Keep, Schedule, Verdict, Window, is_safe, play};

use by_hand::{millis, named, site};

/// Who fails, under what, and what is said of it.
struct Scenario {
    subject: &'static str,
    schedule: Schedule,
    window: Option<Window>,
    record: Option<&'static str>,
    transaction: Option<&'static str>,
}

fn struck_by<const N: usize>(faults: [Fault; N]) -> Schedule {
    Schedule { faults: faults.into(), ..Schedule::calm() }
}

/// The process dies there and is back soon.
fn crash(at: &str) -> Fault {
    Fault::Crash { at: site(at), restart_after: millis(5) }
}

/// The scenario of each kind. One that is new does not compile until it has its own.
///
/// Sites count from 1 within one life of a process. A sink's first transaction is the one of checkpoint 1.
fn scenario(anomaly: Anomaly) -> Scenario {
    match anomaly {
        // The batch is written, nobody is told, and what is sent again looks like another one.
        Anomaly::Duplicate => Scenario {
            subject: "new-sequence-on-retry",
            schedule: struck_by([Fault::Lose { at: site("sink-0/1/produce#3/answered") }]),
            window: Some(Window::W1),
            record: Some("s0:1"),
            transaction: Some("t0-i1-1"),
        },
        // No fault: a footer is written behind every checkpoint.
        Anomaly::Invented => Scenario {
            subject: "ends-with-a-footer",
            schedule: struck_by([]),
            window: Some(Window::W5),
            record: Some("s0:18446744073709551615"),
            transaction: Some("t0-i1-1"),
        },
        // The restart aborts what both sinks have open. One of the two aborts is forgotten.
        Anomaly::AbortedRead => Scenario {
            subject: "remembers-one-abort",
            schedule: struck_by([crash("sink-0/1/produce#3/applied")]),
            window: Some(Window::W1),
            record: Some("s0:1"),
            transaction: Some("t0-i1-1"),
        },
        // The leader is back, and has not read yet what is open.
        Anomaly::UndecidedRead => Scenario {
            subject: "reads-past-open",
            schedule: struck_by([Fault::BrokerRestart { at: millis(15), lasts: millis(3) }]),
            window: Some(Window::W1),
            record: Some("s0:0"),
            transaction: Some("t0-i1-1"),
        },
        // No fault: each barrier commits, and its checkpoint is not complete by then.
        Anomaly::Premature => Scenario {
            subject: "commits-at-barrier",
            schedule: struck_by([]),
            window: Some(Window::W2),
            record: Some("s0:0"),
            transaction: Some("t0-i1-1"),
        },
        // No fault: each flush begins with the last record.
        Anomaly::Reordered => Scenario {
            subject: "flushes-backwards",
            schedule: struck_by([]),
            window: Some(Window::W5),
            record: Some("s3:7"),
            transaction: Some("t1-i1-1"),
        },
        // An acknowledgement is lost, so checkpoint 2 does not complete, and then a sink dies. The restore repeats the
        // commit of checkpoint 1, whose name the third transaction has by now.
        Anomaly::Unfenced => {
            let unheard = Fault::Lose { at: site("sink-1/1/send.ack#2/sent") };
            let schedule = struck_by([unheard, crash("sink-0/1/produce#20/applied")]);
            let mut schedule = Schedule { naming: Naming::Pool, ..schedule };
            schedule.settings.checkpoint_interval = millis(10);
            Scenario {
                subject: "commits-by-name",
                schedule,
                window: Some(Window::W1),
                record: None,
                transaction: Some("t0-i1-1"),
            }
        }
        // What is promised is aborted by the fence that comes before its commit.
        Anomaly::Lost => Scenario {
            subject: "fences-before-committing",
            schedule: struck_by([crash("sink-0/1/end_txn.commit#1/before")]),
            window: Some(Window::W4),
            record: Some("s0:0"),
            transaction: Some("t0-i1-1"),
        },
        // No state names what was open before the first checkpoint, so nobody ends it.
        Anomaly::Stuck => Scenario {
            subject: "forgets-to-fence",
            schedule: struck_by([crash("sink-0/1/produce#3/applied")]),
            window: Some(Window::W1),
            record: None,
            transaction: Some("t0-i1-1"),
        },
        // One sink never hears of its last checkpoint. The next one, for its sake, finds nothing at the other.
        Anomaly::Panicked => Scenario {
            subject: "asserts-something-pends",
            schedule: struck_by([Fault::Lose { at: site("coord-0/1/send.complete#3/sent") }]),
            window: None,
            record: None,
            transaction: None,
        },
        // A commit that is not answered is tried again after a millisecond that never passes.
        Anomaly::Hung => Scenario {
            subject: "polls-the-clock",
            schedule: struck_by([Fault::Lose { at: site("sink-0/1/end_txn.commit#1/answered") }]),
            window: None,
            record: None,
            transaction: None,
        },
    }
}

/// The subject raises it as stated, and the correct job, struck by the very same, holds.
fn assert_raised_and_survived(anomaly: Anomaly) {
    let Scenario { subject, schedule, window, record, transaction } = scenario(anomaly);
    assert!(is_safe(&schedule), "nothing here is beyond repair");
    let schedule = Arc::new(schedule);

    let outcome = play(&named(subject), &schedule, Keep::default());
    assert_eq!(outcome.unstruck, 0, "every fault finds its place");
    let Verdict::Failed(finding) = outcome.verdict else { panic!("{subject}: {:?}", outcome.verdict) };
    assert_eq!((finding.anomaly, finding.window), (anomaly, window), "{}", finding.detail);
    assert_eq!(finding.record.map(|record| record.to_string()).as_deref(), record);
    assert_eq!(finding.transaction.as_ref().map(|id| id.as_str()), transaction);

    let outcome = play(&named("kafka"), &schedule, Keep { output: true, ..Keep::default() });
    assert_eq!(outcome.unstruck, 0, "it is struck by the same");
    assert!(matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous), "{:?}", outcome.verdict);
    assert_eq!(outcome.output.map(|output| output.len()), Some(schedule.records()));
}

#[test]
fn every_scenario_shows_its_subject_as_the_subject_says_of_itself() {
    for anomaly in Anomaly::ALL {
        let Scenario { subject, window, .. } = scenario(anomaly);
        assert_eq!(named(subject).expected, Expected::Broken(anomaly, window), "{subject}");
    }
}

#[test]
fn a_batch_that_is_numbered_anew_is_a_duplicate() {
    assert_raised_and_survived(Anomaly::Duplicate);
}

#[test]
fn a_footer_is_invented() {
    assert_raised_and_survived(Anomaly::Invented);
}

#[test]
fn a_forgotten_abort_is_an_aborted_read() {
    assert_raised_and_survived(Anomaly::AbortedRead);
}

#[test]
fn a_leader_that_knows_of_nothing_open_allows_undecided_reads() {
    assert_raised_and_survived(Anomaly::UndecidedRead);
}

#[test]
fn a_commit_at_the_barrier_is_premature() {
    assert_raised_and_survived(Anomaly::Premature);
}

#[test]
fn a_flush_from_the_top_of_a_stack_is_reordered() {
    assert_raised_and_survived(Anomaly::Reordered);
}

#[test]
fn a_repeated_commit_that_ends_the_next_transaction_is_unfenced() {
    assert_raised_and_survived(Anomaly::Unfenced);
}

#[test]
fn a_promise_that_is_fenced_before_its_commit_is_lost() {
    assert_raised_and_survived(Anomaly::Lost);
}

#[test]
fn a_transaction_that_nobody_ends_is_stuck() {
    assert_raised_and_survived(Anomaly::Stuck);
}

#[test]
fn a_notice_that_finds_nothing_to_commit_makes_an_assertion_panic() {
    assert_raised_and_survived(Anomaly::Panicked);
}

#[test]
fn a_loop_around_the_clock_is_hung() {
    assert_raised_and_survived(Anomaly::Hung);
}
