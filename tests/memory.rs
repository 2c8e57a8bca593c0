//! The memory of a sweep does not grow with the number of its seeds.
#![cfg(target_os = "linux")] // where a process can read its own peak

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use twophase_sim::{Generator, Sweep, Threads, subjects};

/// As many as are bearable in this build; both show everything that a sweep can be in need of.
const FEW: u64 = if cfg!(debug_assertions) { 100 } else { 2_000 };
const MANY: u64 = FEW * 10;

/// What differs from sweep to sweep without any growth.
const SLACK: u64 = 2 << 20;

/// The most memory this process has had so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it tells the peak");
    let kilobytes = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    kilobytes.expect("a number of kB") << 10
}

fn sweep(seeds: Range<u64>, threads: Threads) {
    let subject = subjects::named("kafka").expect("the correct job is there");
    let mut sweep = Sweep::new(&subject, Generator::default(), seeds.clone());
    sweep.threads = threads;
    let summary = sweep.run(&AtomicBool::new(false), &|_| {}).expect("made-up records can always be read");
    assert_eq!(summary.seeds, seeds.end - seeds.start);
}

/// One test, because all tests of a file share one process.
#[test]
fn ten_times_as_many_seeds_need_no_more_memory() {
    for threads in [Threads::Fresh, Threads::Shared] {
        sweep(0..FEW, threads);
        let after_few = peak();
        sweep(FEW..MANY, threads);
        let after_many = peak();
        assert!(
            after_many < after_few + SLACK && after_many < 200 << 20,
            "{threads:?}: {after_few} bytes after {FEW} seeds, {after_many} after {MANY}"
        );
    }
}
