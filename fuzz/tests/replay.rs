//! What the fuzzers start from and what they have found, on the stable toolchain and without libFuzzer.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use twophase_fuzz::TARGETS;

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new(); // nothing was found for this target
    };
    let paths = entries.map(|entry| entry.expect("a directory can be read to its end").path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

/// Replays all of `kind`, and returns how many there are for each target.
fn replay(kind: &str) -> Vec<usize> {
    let mut failed = Vec::new();
    let numbers = TARGETS.map(|(name, target)| {
        let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(name));
        for file in &files {
            let bytes = fs::read(file).expect("a file that is listed can be read");
            if catch_unwind(|| target(&bytes)).is_err() {
                failed.push(format!("{}", file.display()));
            }
        }
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
fn whatever_a_fuzzer_has_found_stays_mended() {
    replay("found");
}
