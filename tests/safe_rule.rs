//! The safe rule, term by term: what each term stands for really eats into the transaction timeout, one
//! notch below what it needs records are lost, and the rule asks for more than that.

use std::sync::Arc;
use std::time::Duration;

use twophase_sim::fault::Fault;
use twophase_sim::schedule::{Schedule, Span};
use twophase_sim::site::Site;
use twophase_sim::{Generator, Keep, SafeRule, Seed, Verdict, Window, is_safe, play, safe_rule, subjects};

const NOTCH: Duration = Duration::from_millis(1);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn site(text: &str) -> Site {
    text.parse().expect("the sites of this file are well-formed")
}

/// Two sinks, four splits, nothing that takes long, and nothing that goes wrong.
fn quick() -> Schedule {
    let generator = Generator { records: Some(40), calm: true, ..Generator::default() };
    let mut schedule = generator.schedule(Seed(1)).expect("made-up records can always be read");
    let splits: Vec<_> = schedule.input.concat().chunks(10).map(<[_]>::to_vec).collect();
    schedule.input = splits;
    let settings = &mut schedule.settings;
    (settings.parallelism, settings.splits, settings.partitions) = (2, 4, 2);
    (settings.batch, settings.queue, settings.chained) = (1, 1, false);
    (settings.checkpoints_in_flight, settings.checkpoint_failures) = (1, 100);
    settings.checkpoint_interval = millis(20);
    settings.checkpoint_timeout = millis(200);
    settings.checkpoint_pause = Duration::ZERO;
    settings.heartbeat_interval = millis(10);
    settings.heartbeat_timeout = millis(100);
    settings.restart_delay = millis(5);
    settings.restart_delay_max = millis(5);
    settings.retry_backoff = millis(1);
    schedule.timing.latency = Span::millis(1, 1);
    schedule.timing.store = Span::millis(1, 1);
    schedule.timing.pace = Span::millis(2, 2);
    schedule.timing.request_timeout = millis(30);
    schedule.broker.sweep_interval = millis(1);
    schedule.broker.sweep_phase = Duration::ZERO;
    schedule.broker.markers = Span::millis(1, 1);
    schedule.heal_at = Duration::from_secs(3);
    schedule
}

fn verdict(schedule: &Schedule, timeout: Duration) -> Verdict {
    let mut schedule = schedule.clone();
    schedule.settings.transaction_timeout = timeout;
    let subject = subjects::named("kafka").expect("the correct job is there");
    play(&subject, &Arc::new(schedule), Keep::default()).verdict
}

/// The shortest transaction timeout, in whole milliseconds, with which this schedule holds.
fn threshold(schedule: &Schedule) -> Duration {
    let holds = |millis: u64| {
        matches!(verdict(schedule, Duration::from_millis(millis)), Verdict::Held | Verdict::Vacuous)
    };
    let (mut loses, mut enough) = (1, safe_rule(schedule).needed().as_millis() as u64 + 1);
    assert!(holds(enough), "inside the rule nothing is lost");
    assert!(!holds(loses), "a timeout of one millisecond is never enough");
    while enough - loses > 1 {
        let middle = loses.midpoint(enough);
        if holds(middle) { enough = middle } else { loses = middle }
    }
    millis(enough)
}

/// `more` needs a longer timeout than `less`, as `term` says; one notch below what it needs, it loses; and the
/// rule asks for no less.
fn assert_term_counts(term: fn(&SafeRule) -> Duration, less: &Schedule, more: &Schedule) {
    let (before, after) = (threshold(less), threshold(more));
    assert!(term(&safe_rule(more)) > term(&safe_rule(less)));
    assert!(after > before, "the timeout that is enough grows with the term: {before:?} then {after:?}");

    let at = verdict(more, after - NOTCH);
    match &at {
        Verdict::FailStop(_) => {} // the broker still told, so the job said so instead of losing them in silence
        Verdict::Failed(finding) => {
            assert!(finding.window == Some(Window::W8) || finding.window.is_none(), "{finding:?}")
        }
        _ => panic!("one notch below, something must be wrong: {at:?}"),
    }
    assert!(after <= safe_rule(more).needed());
}

#[test]
fn s_the_first_transaction_waits_until_all_tasks_run() {
    let less = quick();
    let mut more = quick();
    // The same mean, but a sink that is lucky has long been writing when the unlucky one begins.
    more.timing.latency = Span::millis(1, 26);
    more.timing.request_timeout = millis(200);
    more.settings.checkpoint_timeout = millis(1_000);
    more.settings.heartbeat_timeout = millis(1_000);
    let mut slow = less.clone();
    slow.settings = more.settings.clone();
    slow.timing.request_timeout = millis(200);
    assert_term_counts(|rule| rule.start, &slow, &more);
}

#[test]
fn p_a_transaction_lasts_from_one_checkpoint_to_the_next() {
    let mut more = quick();
    more.settings.checkpoint_interval = millis(400);
    more.timing.pace = Span::millis(60, 60);
    let mut less = more.clone();
    less.settings.checkpoint_interval = millis(210);
    assert_term_counts(|rule| rule.checkpoints, &less, &more);
}

#[test]
fn f_a_lost_notice_leaves_the_commit_to_the_next_checkpoint() {
    let mut less = quick();
    less.timing.pace = Span::millis(60, 60);
    less.settings.checkpoint_interval = millis(250);
    let mut more = less.clone();
    more.faults = vec![Fault::Lose { at: site("coord-0/1/send.complete#1/sent") }];
    assert_term_counts(|rule| rule.checkpoints + rule.outages, &less, &more);
}

#[test]
fn a_checkpoint_that_succeeds_may_take_its_whole_timeout() {
    let mut less = quick();
    less.settings.checkpoint_timeout = millis(100);
    // A barrier waits behind what its source has read ahead.
    let mut more = quick();
    more.settings.checkpoint_timeout = millis(600);
    more.settings.queue = 10;
    more.timing.latency = Span::millis(4, 4);
    more.timing.pace = Span::millis(0, 0);
    assert_term_counts(|rule| rule.checkpoint_timeout + rule.start + rule.delivery, &less, &more);
}

#[test]
fn d_the_last_write_the_notice_and_the_commit_take_their_time() {
    let less = quick();
    let mut more = quick();
    more.timing.store = Span::millis(90, 90);
    more.timing.request_timeout = millis(150);
    let mut patient = less.clone();
    patient.timing.request_timeout = millis(150);
    assert_term_counts(|rule| rule.delivery, &patient, &more);
}

#[test]
fn o_an_outage_after_the_promise_delays_the_commit() {
    let crash = |restart_after| {
        let mut schedule = quick();
        let at = site("sink-0/1/end_txn.commit#1/before");
        schedule.faults = vec![Fault::Crash { at, restart_after }];
        schedule
    };
    assert_term_counts(|rule| rule.outages, &crash(millis(5)), &crash(millis(700)));
}

#[test]
fn o_outages_add_up() {
    let crash = |life| Fault::Crash {
        at: site(&format!("sink-0/{life}/end_txn.commit#1/before")),
        restart_after: millis(300),
    };
    let mut once = quick();
    once.faults = vec![crash(1)];
    let mut twice = quick();
    twice.faults = vec![crash(1), crash(2)];
    assert_term_counts(|rule| rule.outages + rule.checkpoints, &once, &twice);
}

#[test]
fn j_a_broker_whose_clock_is_ahead_times_out_early() {
    let failover = |clock_ahead| {
        let mut schedule = quick();
        schedule.timing.pace = Span::millis(10, 10);
        schedule.faults = vec![Fault::CoordinatorFailover { at: millis(60), lasts: millis(2), clock_ahead }];
        schedule
    };
    assert_term_counts(|rule| rule.clocks, &failover(millis(0)), &failover(millis(500)));
}

#[test]
fn the_generator_draws_inside_the_rule_unless_asked_otherwise() {
    let safe = Generator::default();
    let anywhere = Generator { safety: twophase_sim::Safety::Unsafe, ..Generator::default() };
    let unsafe_ones = (0..200).filter(|seed| {
        assert!(is_safe(&safe.schedule(Seed(*seed)).unwrap()), "seed {seed}");
        !is_safe(&anywhere.schedule(Seed(*seed)).unwrap())
    });
    assert!(unsafe_ones.count() > 150);
}
