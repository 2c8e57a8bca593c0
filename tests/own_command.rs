//! `twophase_sim::cli` gives a job of one's own the whole command: run as a person would run it, as an example.

use std::process::{Command, Output};

/// As it is typed, through cargo, which passes the exit code on.
fn run(name: &str, words: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.arg("--").args(words).output().expect("it starts")
}

/// What it prints, and its exit code.
fn said(name: &str, words: &[&str]) -> (String, i32) {
    let output = run(name, words);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (text, output.status.code().expect("it is not killed"))
}

#[test]
fn a_correct_job_has_the_whole_command() {
    for (words, says) in [
        (&["run", "--seeds", "0..20"][..], "ok   20 seeds"),
        (&["run", "--seed", "7", "--twice"], "digest"),
        (&["run", "--seeds", "0..20", "--json"], "\"exit\": 0"),
        (&["digest", "--seeds", "0..3"], "2 "),
        (&["subjects"], "correct"),
        (&["--help"], "Exit codes"),
    ] {
        let (text, code) = said("exactly_once", words);
        assert_eq!(code, 0, "{words:?}: {text}");
        assert!(text.contains(says), "{words:?}: {text}");
    }
}

#[test]
fn a_broken_job_is_found_saved_replayed_and_shrunk() {
    let directory = std::env::temp_dir().join(format!("twophase-own-command-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("it is new");
    let file = directory.join("failure.json");
    let path = file.to_str().expect("temporary paths are text");
    let (text, code) = said("first_seed", &["run", "--seeds", "0..50"]);
    assert!(code == 2 && text.contains("FAIL  lost"), "{code}: {text}");
    let line = text.lines().find(|line| line.contains("replay ")).expect("it says how to play it again");
    let seed = line.rsplit(' ').next().expect("by its number");
    let (text, code) = said("first_seed", &["run", "--seed", seed, "--save", path]);
    assert!(code == 2 && file.exists(), "{code}: {text}");
    let (text, code) = said("first_seed", &["replay", path]);
    assert!(text.contains("lost"), "{code}: {text}");
    let (text, code) = said("first_seed", &["shrink", path]);
    assert!(text.contains("smallest schedule"), "{code}: {text}");
    std::fs::remove_dir_all(&directory).expect("it is ours");
}

/// It knows the subject: one of its own, of that name.
#[test]
fn what_a_failing_test_kept_is_replayed_by_the_command_of_the_same_job() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/sim/tests/data/saved.json");
    let (text, code) = said("first_seed", &["replay", kept]);
    assert!(code == 2 && text.contains("as the file expects: lost in W4"), "{code}: {text}");
    let (text, code) = said("exactly_once", &["replay", kept]);
    assert!(code == 0 && text.contains("the file expects lost in W4; found held"), "mended, {code}: {text}");
}

#[test]
fn what_is_typed_wrong_is_refused_in_one_line_that_says_what_was_expected() {
    for (words, says) in [
        (&["run", "--subject", "nobody"][..], "expected"),
        (&["run", "--seeds", "9..3"], "did you mean 3..9?"),
        (&["replay", "no/such/file"], "cannot read it"),
    ] {
        let output = run("exactly_once", words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{words:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(says), "{words:?}: {text}");
    }
}
