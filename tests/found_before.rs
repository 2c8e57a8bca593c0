//! The schedules that a fuzzer has found, as `fuzz/README.md` tells, or a sweep: of a correct job that was blamed, nearly
//! always. They are kept as files, which mean the same when seeds and the bytes of a fuzzer mean something else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use twophase_sim::{Expectation, Keep, Saved, play, subjects};

#[test]
fn what_a_fuzzer_has_found_ends_as_its_file_says() {
    replay("fuzz/found/schedules");
}

#[test]
fn what_a_sweep_has_found_ends_as_its_file_says() {
    replay("tests/data/found");
}

fn replay(directory: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut replayed = 0;
    for entry in fs::read_dir(directory).expect("it is there") {
        let file = entry.expect("a directory can be read to its end").path();
        let saved = Saved::read(&file).unwrap_or_else(|error| panic!("{error}"));
        let subject = subjects::named(&saved.subject).expect("a correct subject comes along");
        let outcome = play(&subject, &Arc::new(saved.schedule), Keep::default());
        let found = Expectation::from(&outcome.verdict);
        assert_eq!(found, saved.expected, "{}: {:?}", file.display(), outcome.verdict);
        replayed += 1;
    }
    assert!(replayed > 0);
}
