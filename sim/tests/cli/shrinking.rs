//! What fails is made smaller.

#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use crate::support::start;
use crate::support::{KEPT, code, fences, first_failure, held, json, refused, stdout, text, twophase, with};

/// How it prints as small as it gets.
#[track_caller]
fn is_small(printed: &str) {
    let faults = "\n    crash sink-0 before its 1st commit request, restart it at once\n";
    let ends = printed.split_once("1 fault of ").and_then(|(_, rest)| rest.split_once(faults));
    let counts = ends.map(|(counts, _)| counts).unwrap_or_else(|| panic!("{printed}"));
    assert!(counts.contains(", 1 record of ") && counts.contains(", 1 sink of "), "{printed}");
}

#[test]
fn a_sweep_that_fails_says_the_smallest_schedule_that_still_does() {
    let words = ["run", "--subject", "fences-before-committing", "--seeds", "0..20"];
    let output = twophase(&words);
    let printed = stdout(&output);
    assert_eq!(code(&output), 2, "{printed}");
    assert!(printed.contains("\n  smallest schedule that still fails: 1 fault of "), "{printed}");
    is_small(&printed);
    let all = json(&stdout(&twophase(&[&words[..], &["--json"]].concat())));
    let smallest = &all["failures"][0]["smallest"];
    assert_eq!(smallest["records"], 1);
    assert!(smallest["records_found"].as_u64() > Some(1), "{smallest}");
    assert_eq!(smallest["schedule"]["faults"][0]["at"], "sink-0/1/end_txn.commit#1/before");
    let off = stdout(&twophase(&[&words[..], &["--shrink-budget", "0"]].concat()));
    assert!(off.contains("FAIL  lost") && !off.contains("smallest"), "{off}");
}

#[test]
fn one_seed_can_be_shown_and_saved_as_small_as_it_gets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("small.json");
    let output = twophase(&with(&fences(), &["--shrink", "--save", text(&path)]));
    let printed = stdout(&output);
    assert_eq!(code(&output), 2, "{printed}");
    assert!(
        printed.starts_with("seed ") && printed.contains(", shrunk, of fences-before-committing"),
        "{printed}"
    );
    assert!(printed.contains("job          records 1,"), "{printed}");
    is_small(&printed);
    let again = stdout(&twophase(&["replay", text(&path)]));
    assert!(again.contains("as the file expects: lost in W4"), "{again}");
    assert!(held(&["run", "--seed", "1", "--shrink"]).contains("\nok   "), "what holds is shown as it is");
}

#[test]
fn a_saved_schedule_is_made_smaller_beside_itself_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (file, beside) = (directory.path().join("1.json"), directory.path().join("1.shrunk.json"));
    twophase(&with(&fences(), &["--save", text(&file)]));
    let output = twophase(&["shrink", text(&file)]);
    let printed = stdout(&output);
    assert_eq!(code(&output), 2, "{printed}");
    is_small(&printed);
    assert!(printed.contains(&format!("replay {}", text(&beside))), "{printed}");
    let again = stdout(&twophase(&["replay", text(&beside)]));
    assert!(again.contains("as the file expects: lost in W4"), "{again}");

    let before = std::fs::read_to_string(&beside).unwrap();
    assert!(refused(&["shrink", text(&file)]).contains("1.shrunk.json: exists already"));
    assert!(refused(&["shrink", text(&file), "--save", text(&file)]).contains("exists already"));
    assert_eq!(std::fs::read_to_string(&beside).unwrap(), before);
}

#[test]
fn only_what_fails_is_shrunk() {
    let directory = tempfile::tempdir().unwrap();
    let (file, beside) = (directory.path().join("7.json"), directory.path().join("7.shrunk.json"));
    held(&["run", "--seed", "7", "--save", text(&file)]);
    let said = refused(&["shrink", text(&file)]);
    assert!(said.contains("7.json: does not fail") && said.contains("expected"), "{said}");
    assert!(refused(&["shrink", "no/such/file"]).contains("cannot read it"));
    assert!(!beside.exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_shrink_saves_the_smallest_so_far() {
    use std::io::{BufRead, BufReader};

    let directory = tempfile::tempdir().unwrap();
    let (file, beside) = (directory.path().join("stuck.json"), directory.path().join("stuck.shrunk.json"));
    // Each play of it takes long, so that it is nowhere near its end.
    let subject = "takes-committed-for-failure";
    let seed = first_failure(subject)["seed"].to_string();
    twophase(&["run", "--subject", subject, "--seed", &seed, "--json", "--save", text(&file)]);
    let mut child = start(&["shrink", text(&file), "--shrink-budget", "600"]);
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it says how far it is");
    assert!(line.starts_with("shrinking ") && line.contains(" of "), "{line}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130);
    assert!(stdout(&output).contains("shrinking was interrupted"), "{}", stdout(&output));
    assert!(beside.exists());
}

#[test]
fn what_is_shrunk_is_drawn_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kept.json");
    let kept = std::fs::read_to_string(KEPT).unwrap();
    std::fs::write(&file, kept.replace("\"orders\"", "\"fences-before-committing\"")).unwrap();
    let output = twophase(&["shrink", text(&file)]);
    let page = directory.path().join("kept.shrunk.html");
    assert!(stdout(&output).contains(&format!("  timeline {}\n", text(&page))), "{}", stdout(&output));
    assert!(std::fs::read_to_string(&page).unwrap().starts_with("<!doctype html>"));
}
