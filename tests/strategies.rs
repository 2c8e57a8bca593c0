//! Schedules as proptest draws and shrinks them.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use twophase_sim::fault::FaultKind;
use twophase_sim::{Keep, Schedule, Subject, Window, is_safe, play, strategies, subjects};

fn named(name: &str) -> Subject {
    subjects::named(name).expect("it is there")
}

proptest! {
    #![proptest_config(strategies::config(300))]

    #[test]
    fn the_correct_sink_commits_exactly_once_whatever_the_schedule(schedule in strategies::schedules()) {
        strategies::check(&named("kafka"), &schedule)?;
    }

    #[test]
    fn so_does_one_that_sends_again(schedule in strategies::schedules_for(&named("sends-again"))) {
        strategies::check(&named("sends-again"), &schedule)?;
    }
}

/// Draws the same each time.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(strategies::config(cases), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Schedules as they are drawn.
fn drawn(subject: &Subject, count: usize) -> Vec<Schedule> {
    let (mut runner, strategy) = (runner(1), strategies::schedules_for(subject));
    let draw = |_| strategy.new_tree(&mut runner).expect("nothing is rejected").current();
    (0..count).map(draw).collect()
}

/// What proptest says of this subject, and what it has shrunk the first schedule that fails to.
fn shrunk(subject: &Subject, cases: u32) -> Option<(String, Schedule)> {
    let property = |schedule: Schedule| strategies::check(subject, &schedule);
    match runner(cases).run(&strategies::schedules_for(subject), property) {
        Err(TestError::Fail(said, schedule)) => Some((said.to_string(), schedule)),
        Err(TestError::Abort(why)) => panic!("nothing is rejected: {why}"),
        Ok(()) => None,
    }
}

/// Each with a mistake of another kind, in another part of a job.
const SHRUNK: [(&str, &str); 8] = [
    ("forgets-to-fence", "stuck in W1"),
    ("fences-before-committing", "lost in W4"),
    ("forgets-failed-commits", "lost in W4"),
    ("shares-names-with-zombies", "lost in W7"),
    ("new-sequence-on-retry", "duplicate in W1"),
    ("overwrites-the-head", "duplicate in W5"),
    ("commits-by-name", "unfenced in W1"),
    ("remembers-one-abort", "aborted-read in W1"),
];

#[test]
fn proptest_alone_shrinks_a_broken_subject_to_a_fault_or_two() {
    for (name, how) in SHRUNK {
        let (said, schedule) = shrunk(&named(name), 300).unwrap_or_else(|| panic!("{name} is not found"));
        assert!(said.starts_with(&format!("{name}: {how}")), "{said}");
        assert!(said.contains("why"), "{said}");
        assert!((1..=2).contains(&schedule.faults.len()), "{name}: {:?}", schedule.faults);
        assert!(is_safe(&schedule), "{name}");
    }
}

/// Were it shrunk along, nearly every step would be another history.
#[test]
fn the_seed_of_the_delays_stays_while_the_rest_shrinks() {
    let mut tree = strategies::schedules().new_tree(&mut runner(1)).expect("nothing is rejected");
    let (before, mut steps) = (tree.current(), 0);
    while tree.simplify() {
        assert_eq!(tree.current().timing.seed, before.timing.seed);
        assert_eq!(tree.current().check(), Ok(()));
        steps += 1;
    }
    let least = tree.current();
    assert!(steps > 10, "{steps}");
    assert_eq!((least.faults.len(), least.records(), least.settings.parallelism), (0, 1, 1));
}

#[test]
fn what_is_drawn_is_safe_and_reaches_every_window_with_every_kind_of_fault() {
    let subject = named("kafka");
    let (mut windows, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for schedule in drawn(&subject, 600) {
        assert!(is_safe(&schedule) && schedule.check().is_ok());
        let outcome = play(&subject, &Arc::new(schedule), Keep::default());
        windows.extend(outcome.windows.iter());
        let struck = FaultKind::ALL.into_iter().zip(outcome.struck);
        kinds.extend(struck.filter(|(_, times)| *times > 0).map(|(kind, _)| kind));
    }
    let with_a_crash = Window::ALL.into_iter().filter(|window| *window != Window::W8);
    assert_eq!(windows, with_a_crash.collect());
    assert_eq!(kinds, FaultKind::ALL.into_iter().collect());
}

#[test]
fn schedules_for_a_subject_are_such_as_it_can_play() {
    let pool = named("kafka-v2-pool");
    for schedule in drawn(&pool, 100) {
        assert_eq!((Some(schedule.protocol), Some(schedule.naming)), (pool.protocol, pool.naming));
    }
    let lines = ["a line", "another", "a third"];
    for schedule in drawn(&named("kafka").input(lines.to_vec()), 100) {
        assert!(schedule.input.iter().flatten().all(|record| lines.iter().any(|line| record == line)));
    }
    let unsafe_ones = drawn(&named("forgives-timeouts"), 100);
    assert!(unsafe_ones.iter().any(|schedule| !is_safe(schedule)));
}

#[test]
fn a_schedule_that_cannot_be_played_fails_with_what_is_wrong() {
    let mut schedule = Schedule::calm();
    schedule.settings.partitions = 0;
    let failed = strategies::check(&named("kafka"), &schedule);
    let said = failed.expect_err("no partition is too few").to_string();
    assert!(
        said.ends_with("the schedule cannot be played: settings.partitions is 0; expected 1 to 64"),
        "{said}"
    );
}
