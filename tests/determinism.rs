//! One digest for each seed, wherever it is played; and a digest that means something.

use std::collections::BTreeSet;
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase::Payload;
use twophase_sim::fault::Fault;
use twophase_sim::{Generator, Keep, Schedule, Seed, Subject, Sweep, Threads, play, subjects};

/// The seeds whose digests are written down.
const PINNED: Range<u64> = 0..200;

/// How many seeds must differ from each other: as many as are bearable in this build.
const DISTINCT: u64 = if cfg!(debug_assertions) { 2_000 } else { 10_000 };

fn kafka() -> Subject {
    subjects::named("kafka").expect("the correct job is there")
}

fn schedule(seed: u64) -> Schedule {
    Generator::default().schedule(Seed(seed)).expect("made-up records can always be read")
}

fn digest(schedule: Schedule) -> u64 {
    play(&kafka(), &Arc::new(schedule), Keep::default()).digest
}

fn lines(digests: impl IntoIterator<Item = (Seed, u64)>) -> String {
    digests.into_iter().map(|(seed, digest)| format!("{seed} {digest:016x}\n")).collect()
}

fn sweep(seeds: Range<u64>, jobs: usize, threads: Threads) -> Vec<(Seed, u64)> {
    let subject = kafka();
    let mut sweep = Sweep::new(&subject, Generator::default(), seeds);
    (sweep.jobs, sweep.threads) = (jobs, threads);
    sweep.digests(&AtomicBool::new(false)).expect("made-up records can always be read")
}

/// What was written down; the release builds, sandboxed and bare, are compared with the same file.
fn golden() -> &'static str {
    include_str!("golden/digests.txt")
}

#[test]
fn at_least_two_hundred_seeds_are_pinned() {
    assert!(golden().lines().count() as u64 >= PINNED.end);
}

#[test]
fn a_seed_played_alone_has_the_digest_that_was_written_down() {
    // From the last to the first: nothing is left over from the history before.
    let mut alone: Vec<_> = PINNED.rev().map(|seed| (Seed(seed), digest(schedule(seed)))).collect();
    alone.reverse();
    assert_eq!(lines(alone), golden());
}

#[test]
fn the_digest_does_not_depend_on_the_number_of_threads() {
    for (jobs, threads) in
        [(1, Threads::Fresh), (1, Threads::Shared), (3, Threads::Fresh), (8, Threads::Shared)]
    {
        assert_eq!(lines(sweep(PINNED, jobs, threads)), golden(), "{jobs} jobs, {threads:?}");
    }
}

#[test]
fn the_digest_does_not_depend_on_the_place_in_a_sweep() {
    let mut all = Vec::new();
    for seeds in [150..200, 1..77, 0..1, 77..150] {
        all.extend(sweep(seeds, 2, Threads::Fresh));
    }
    all.sort_unstable();
    assert_eq!(lines(all), golden());
}

/// Not a test of its own: what `another_process` runs, and otherwise the same promise once more.
#[test]
fn printed() {
    println!("digests\n{}", lines(sweep(PINNED, 2, Threads::Fresh)));
}

#[test]
fn another_process_gives_the_same_digests() {
    let this = std::env::current_exe().expect("a test is a program");
    let output =
        Command::new(this).args(["--exact", "printed", "--nocapture"]).output().expect("it starts again");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    assert!(output.status.success() && printed.contains(&format!("digests\n{}", golden())), "{printed}");
}

#[test]
fn as_many_seeds_as_many_digests() {
    let digests: BTreeSet<_> =
        sweep(0..DISTINCT, 2, Threads::Shared).into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(digests.len() as u64, DISTINCT);
}

/// The digest of each of a few seeds, before and after `change`; all must differ.
#[track_caller]
fn matters(what: &str, change: impl Fn(&mut Schedule)) {
    for seed in [1, 2, 5, 40] {
        let original = schedule(seed);
        let mut changed = original.clone();
        change(&mut changed);
        assert_ne!(original, changed, "{what}: nothing was changed in seed {seed}");
        assert_ne!(digest(original), digest(changed), "{what}: seed {seed} has the same digest");
    }
}

#[test]
fn one_byte_of_one_payload_changes_the_digest() {
    for at in [0, 7, 15] {
        matters("a byte of the first payload", |schedule| {
            let mut payload = schedule.input[0][0].to_vec();
            payload[at] ^= 1;
            schedule.input[0][0] = Payload::from(payload);
        });
    }
}

#[test]
fn two_records_that_change_places_change_the_digest() {
    matters("the first two records of a split", |schedule| schedule.input[0].swap(0, 1));
}

#[test]
fn two_faults_that_change_places_change_the_digest() {
    let crash = |sink: u16, millis| Fault::Crash {
        at: format!("sink-{sink}/1/send.ack#1/before").parse().expect("a site"),
        restart_after: Duration::from_millis(millis),
    };
    let with = |faults: Vec<Fault>| {
        let mut calm =
            schedule((0..).find(|seed| schedule(*seed).settings.parallelism > 1).expect("many do"));
        calm.faults = faults;
        calm.settings.transaction_timeout = Duration::from_secs(60);
        digest(calm)
    };
    assert_ne!(with(vec![crash(0, 9), crash(1, 40)]), with(vec![crash(0, 40), crash(1, 9)]));
    // Only what happens counts, not the order in which it was written down.
    assert_eq!(with(vec![crash(0, 9), crash(1, 40)]), with(vec![crash(1, 40), crash(0, 9)]));
}

#[test]
fn one_field_of_the_schedule_changes_the_digest() {
    let tick = Duration::from_micros(1);
    matters("transaction timeout", |schedule| {
        schedule.settings.transaction_timeout += Duration::from_millis(1);
    });
    matters("checkpoint interval", |schedule| schedule.settings.checkpoint_interval += tick);
    matters("heartbeat interval", |schedule| schedule.settings.heartbeat_interval += tick);
    matters("latency", |schedule| schedule.timing.latency.max += tick * 100);
    matters("the seed of all delays", |schedule| schedule.timing.seed.0 ^= 1);
    matters("markers", |schedule| schedule.broker.markers.min += Duration::from_millis(1));
    // Early, because a job that ends before it is repaired does not care.
    matters("heal_at", |schedule| schedule.heal_at = tick);
    matters("partitions", |schedule| schedule.settings.partitions += 1);
}
