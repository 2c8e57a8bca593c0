//! What the protocol itself cannot survive: scenarios that are expected to fail, and do. Beside each stands what keeps
//! it from happening. `docs/cells.md` has all cells, safe and unsafe, from many more runs.

#[path = "support/by_hand.rs"]
mod by_hand;

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase_sim::fault::Fault;
use twophase_sim::schedule::Span;
use twophase_sim::{Anomaly, Finding, Keep, Schedule, Simulation, Subject, Verdict, is_safe, play, subjects};

use by_hand::{millis, named, site};

/// The calm job with one sink, so that what is late meets its next transaction.
fn calm(protocol: Protocol, naming: Naming) -> Schedule {
    let mut schedule = Schedule { protocol, naming, ..Schedule::calm() };
    schedule.input = vec![schedule.input.concat()];
    (schedule.settings.parallelism, schedule.settings.splits) = (1, 1);
    schedule
}

/// The same history, with a request that is late by all half milliseconds up to 60: a transaction lasts about 20.
fn swept(calm: &Schedule, late: impl Fn(Duration) -> Vec<Fault>) -> Vec<Schedule> {
    let all = (1..120).map(|half_millis| Duration::from_micros(half_millis * 500));
    all.map(|by| Schedule { faults: late(by), ..calm.clone() }).collect()
}

/// How those end that do not hold.
fn failures(subject: &Subject, schedules: Vec<Schedule>) -> Vec<Verdict> {
    let verdicts = schedules.into_iter().map(|one| play(subject, &Arc::new(one), Keep::default()).verdict);
    verdicts.filter(|verdict| !matches!(verdict, Verdict::Held | Verdict::Vacuous)).collect()
}

/// There are some, and all of this kind.
fn assert_all(failures: &[Verdict], anomaly: Anomaly) {
    let is = |verdict: &Verdict| matches!(verdict, Verdict::Failed(Finding { anomaly: found, .. }) if *found == anomaly);
    assert!(!failures.is_empty(), "it is expected to fail");
    assert!(failures.iter().all(is), "{failures:?}");
}

/// The request that opened the first transaction arrives once more. It says nothing that tells it from a takeover, and
/// between pre-commit and commit there are a few milliseconds for it to fall into.
fn init_repeated(protocol: Protocol) -> Vec<Schedule> {
    let all = swept(&calm(protocol, Naming::PerTransaction), |after| {
        vec![Fault::Repeat { at: site("sink-0/1/init#1/sent"), after }]
    });
    assert!(!all.iter().any(is_safe), "the safe rule knows of it");
    all
}

#[test]
fn under_the_older_protocol_a_late_repeated_init_loses_records() {
    assert_all(&failures(&named("kafka"), init_repeated(Protocol::V1)), Anomaly::Lost);
}

/// The commit of what was aborted is refused there, so the job gives up honestly.
#[test]
fn under_the_newer_protocol_a_late_repeated_init_ends_the_job() {
    let failures = failures(&named("kafka"), init_repeated(Protocol::V2));
    assert!(!failures.is_empty(), "it is expected to fail");
    assert!(failures.iter().all(|verdict| matches!(verdict, Verdict::FailStop(_))), "{failures:?}");
}

/// The commit of the first transaction arrives once more, when its name is in use again.
fn commit_repeated(protocol: Protocol) -> Vec<Schedule> {
    swept(&calm(protocol, Naming::Pool), |after| {
        vec![Fault::Repeat { at: site("sink-0/1/end_txn.commit#1/sent"), after }]
    })
}

/// The commit of the first transaction is so late that its retry has long been answered.
fn commit_delayed(protocol: Protocol) -> Vec<Schedule> {
    let mut calm = calm(protocol, Naming::Pool);
    calm.timing.request_timeout = millis(10);
    swept(&calm, |by| vec![Fault::Delay { at: site("sink-0/1/end_txn.commit#1/sent"), by }])
}

#[test]
fn under_the_older_protocol_a_late_commit_ends_the_next_transaction_of_a_producer_without_a_new_init() {
    let reuses = named("reuses-producers");
    assert_all(&failures(&reuses, commit_repeated(Protocol::V1)), Anomaly::Premature);
    assert_all(&failures(&reuses, commit_delayed(Protocol::V1)), Anomaly::Premature);
}

#[test]
fn a_new_init_keeps_a_late_commit_from_the_next_transaction() {
    assert_eq!(failures(&named("kafka"), commit_repeated(Protocol::V1)), []);
    assert_eq!(failures(&named("kafka"), commit_delayed(Protocol::V1)), []);
}

#[test]
fn the_newer_protocol_keeps_a_late_commit_from_the_next_transaction_without_any_init() {
    let reuses = named("reuses-producers");
    assert_eq!(failures(&reuses, commit_repeated(Protocol::V2)), []);
    assert_eq!(failures(&reuses, commit_delayed(Protocol::V2)), []);
}

/// A sink dies when a batch has left it. The next incarnation aborts the transaction, and then the batch arrives.
fn produce_delayed(protocol: Protocol, verification: bool) -> Vec<Schedule> {
    let mut calm = calm(protocol, Naming::PerTransaction);
    calm.broker.verification = verification;
    let all = swept(&calm, |by| {
        let at = site("sink-0/1/produce#3/sent");
        vec![Fault::Delay { at: at.clone(), by }, Fault::Crash { at, restart_after: millis(5) }]
    });
    assert!(all.iter().all(is_safe), "it need not be, for a client that fences");
    all
}

/// KIP-890: under an epoch that is still good, it opens a transaction that no coordinator knows of.
#[test]
fn under_the_older_protocol_a_late_batch_behind_an_abort_is_never_ended() {
    let unverified = produce_delayed(Protocol::V1, false);
    assert_all(&failures(&subjects::without_fencing(), unverified), Anomaly::Stuck);
}

#[test]
fn leaders_that_verify_refuse_a_late_batch_behind_an_abort() {
    assert_eq!(failures(&subjects::without_fencing(), produce_delayed(Protocol::V1, true)), []);
}

#[test]
fn the_newer_protocol_refuses_a_late_batch_behind_an_abort_without_verification() {
    assert_eq!(failures(&subjects::without_fencing(), produce_delayed(Protocol::V2, false)), []);
}

#[test]
fn a_fence_shuts_out_a_late_batch_where_leaders_do_not_verify() {
    assert_eq!(failures(&named("kafka"), produce_delayed(Protocol::V1, false)), []);
}

/// Nothing was written on its partition before, which still takes it between the decision and the marker. Whoever aborted dies
/// of it, and nobody comes back to that name.
#[test]
fn a_late_batch_in_front_of_the_marker_of_an_abort_is_aborted_with_it() {
    let mut calm = calm(Protocol::V1, Naming::PerTransaction);
    calm.settings.partitions = 3; // the third batch is the first on the last one
    calm.broker.verification = false;
    calm.broker.markers = Span::millis(20, 20);
    let late = swept(&calm, |by| {
        let (batch, abort) = (site("sink-0/1/produce#3/sent"), site("sink-0/2/init#1/sent"));
        let crash = |at| Fault::Crash { at, restart_after: millis(5) };
        vec![Fault::Delay { at: batch.clone(), by }, crash(batch), crash(abort)]
    });
    assert_eq!(failures(&named("kafka"), late), []);
}

/// As brokers before Kafka 3.6.
fn unverified(subject: Subject) -> Simulation {
    Simulation::of(subject).protocol(Protocol::V1).verification(false)
}

#[test]
fn the_correct_job_survives_whatever_is_drawn_where_leaders_do_not_verify() {
    unverified(named("kafka")).seeds(0..5_000).run().assert_exactly_once();
}

#[test]
fn a_job_that_does_not_fence_is_found_where_leaders_do_not_verify() {
    unverified(subjects::without_fencing()).run().assert_finds(Anomaly::Stuck);
}
