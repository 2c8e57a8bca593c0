//! A stranger's code has a fresh thread for each history: the standard `HashMap` keeps its keys for each thread, so on one
//! that has played before, a sink that iterates over one sees another order.
#![cfg(madsim)] // without the sandbox the standard library draws other keys for each play

mod strangers;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase_sim::{
    Generator, HANG_TIMEOUT, Keep, Schedule, Seed, Simulation, Subject, Sweep, Threads, play, play_twice,
};

const SEEDS: std::ops::Range<u64> = 0..30;

/// Sleeps for as long as the first key says that it comes to.
#[expect(clippy::disallowed_types, reason = "this is what a stranger's code may do")]
fn iterates() -> Subject {
    strangers::meddling(|_| {
        let map: std::collections::HashMap<u64, ()> = (0..64).map(|key| (key, ())).collect();
        Duration::from_micros(map.keys().next().copied().unwrap_or_default())
    })
}

fn schedule(seed: u64) -> Arc<Schedule> {
    Arc::new(Generator::default().schedule(Seed(seed)).expect("made-up records can always be read"))
}

fn sweep(jobs: usize, threads: Threads) -> Vec<u64> {
    let subject = iterates();
    let mut sweep = Sweep::new(&subject, Generator::default(), SEEDS);
    (sweep.jobs, sweep.threads) = (jobs, threads);
    let digests = sweep.digests(&AtomicBool::new(false)).expect("made-up records can always be read");
    digests.into_iter().map(|(_, digest)| digest).collect()
}

fn each(digest: impl FnMut(u64) -> u64) -> Vec<u64> {
    SEEDS.map(digest).collect()
}

#[test]
fn whatever_plays_a_sink_that_iterates_over_a_hash_map_gives_it_the_same_order() {
    let subject = iterates();
    let by_hand = each(|seed| play(&subject, &schedule(seed), Keep::default()).digest);
    assert_eq!(by_hand, each(|seed| play(&subject, &schedule(seed), Keep::default()).digest), "once more");
    let twice = |seed| play_twice(&subject, &schedule(seed), Keep::default(), HANG_TIMEOUT);
    let twice = each(|seed| {
        let (outcome, difference) = twice(seed).expect("threads can be started");
        assert_eq!(difference, None);
        outcome.digest
    });
    assert_eq!(by_hand, twice, "by --twice, replay and a single seed");
    for jobs in [1, 3] {
        assert_eq!(by_hand, sweep(jobs, Threads::Fresh), "in a sweep on {jobs} threads");
    }
}

#[test]
fn on_a_thread_that_has_played_before_the_order_is_another() {
    let (fresh, shared) = (sweep(1, Threads::Fresh), sweep(1, Threads::Shared));
    assert_eq!(fresh[0], shared[0], "the first history on it is on a fresh thread");
    assert_ne!(fresh, shared);
}

#[test]
fn a_simulation_uses_fresh_threads_for_all_its_seeds_and_for_those_it_plays_again() {
    let report = Simulation::of(iterates()).seeds(0..301).run();
    report.assert_exactly_once();
    assert_eq!(report.summary().replayed, 4);
}
