//! Schedules as proptest draws and shrinks them.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use twophase_sim::fault::FaultKind;
use twophase_sim::{Expected, Keep, Safety, Schedule, Subject, Window, is_safe, play, strategies, subjects};

/// Draws the same each time.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(strategies::config(cases), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn named(name: &str) -> Subject {
    subjects::named(name).expect("it is there")
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

#[test]
fn experiment() {
    for subject in subjects::all().into_iter().filter(|s| s.expected != Expected::Correct) {
        let t = std::time::Instant::now();
        let s = shrunk(&subject, 1000);
        eprintln!("{:32} {:?} {:?}", subject.name, s.map(|(w, s)| (w.lines().next().unwrap().to_owned(), s.faults.len(), s.records(), s.settings.parallelism)), t.elapsed());
    }
}
