//! The command, and what is common to all that is asked of it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) const FLIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/flights.csv");

/// As a failing test keeps it: `sim/tests/keep.rs` writes such files.
pub(crate) const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/saved.json");

pub(crate) fn twophase(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_twophase"))
        .args(words)
        .env_remove("CARGO") // not through cargo, so that it calls itself by its path
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it is not killed")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it prints text")
}

/// What it prints if all goes well.
pub(crate) fn held(words: &[&str]) -> String {
    let output = twophase(words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{words:?}: {complaint}\n{}", stdout(&output));
    stdout(&output)
}

/// The one line it says about what it was given.
pub(crate) fn refused(words: &[&str]) -> String {
    let output = twophase(words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(code(&output), 1, "{words:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
    assert!(said.starts_with("error: "), "{words:?}: {said}");
    assert!(stdout(&output).is_empty(), "{words:?}");
    said
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

pub(crate) fn json(printed: &str) -> serde_json::Value {
    serde_json::from_str(printed).expect("what --json prints is JSON")
}

pub(crate) fn sorted(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// What a small number of seeds shows first of this subject.
pub(crate) fn first_failure(subject: &str) -> serde_json::Value {
    let all = json(&stdout(&twophase(&[
        "run",
        "--subject",
        subject,
        "--seeds",
        "0..100",
        "--shrink-budget",
        "0",
        "--json",
    ])));
    all["failures"][0].clone()
}

/// A mistake that needs one crash and one record, with the first seed that shows it.
pub(crate) fn fences() -> Vec<String> {
    let seed = first_failure("fences-before-committing")["seed"].to_string();
    ["run", "--subject", "fences-before-committing", "--seed", &seed].map(str::to_owned).to_vec()
}

pub(crate) fn with<'a>(words: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    words.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[cfg(unix)]
pub(crate) fn start(words: &[&str]) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_twophase"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}
