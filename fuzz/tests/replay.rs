//! What the fuzzers start from and what they have found, on the stable toolchain and without libFuzzer.
//!
//! Schedules that were found are files, which `tests/found_before.rs` of the whole project replays.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use twophase_fuzz::starts::{self, Starts};
use twophase_fuzz::{Case, Operations, TARGETS};
use twophase_sim::is_safe;

fn files(directory: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)) else {
        return Vec::new(); // nothing was found for this target
    };
    let paths = entries.map(|entry| entry.expect("a directory can be read to its end").path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn bytes(file: &Path) -> Vec<u8> {
    fs::read(file).expect("a file that is listed can be read")
}

/// Gives all bytes of `kind` to their targets, and returns how many there are for each.
fn replay(kind: &str) -> Vec<usize> {
    let mut failed = Vec::new();
    let numbers = TARGETS.map(|(name, target)| {
        let files = files(&format!("{kind}/{name}"));
        let fails = |file: &&PathBuf| catch_unwind(|| target(&bytes(file))).is_err();
        failed.extend(files.iter().filter(fails).cloned());
        files.len()
    });
    assert!(failed.is_empty(), "these fail, as told above: {failed:#?}");
    numbers.to_vec()
}

#[test]
fn every_start_of_the_fuzzers_passes() {
    let numbers = replay("corpus");
    assert!(numbers.iter().all(|number| *number > 10), "{numbers:?}");
}

#[test]
fn whatever_bytes_a_fuzzer_has_found_pass_now() {
    replay("found");
}

/// They are written again where bytes have come to mean something else, or a seed another schedule.
#[test]
fn the_starts_are_those_that_the_example_writes() {
    for (name, starts) in starts::all() {
        let written = files(&format!("corpus/{name}"));
        let written: Starts = written.iter().map(|file| (file_name(file), bytes(file))).collect();
        let names = |starts: &Starts| starts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&written), names(&starts), "{name}: run the example seed_corpus");
        assert!(written == starts, "{name} has changed: run the example seed_corpus");
    }
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Bytes of all lengths, which look like nothing.
fn noise() -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..2_000).map(move |number| (0..number % 400).map(|_| next()).collect())
}

#[test]
fn no_bytes_are_rejected() {
    let mut operations = 0;
    for bytes in noise() {
        let Case { schedule, .. } = Case::from_bytes(&bytes);
        assert_eq!(schedule.check(), Ok(()), "{bytes:?}");
        assert!(is_safe(&schedule), "{bytes:?}");
        operations += Operations::from_bytes(&bytes).len();
    }
    assert!(operations > 10_000, "{operations}");
}

#[test]
fn noise_passes_too() {
    for bytes in noise().step_by(20) {
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }
}
