//! A frame that lets something slip would make every recording agree.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::read::Recording;
use super::{Failed, NotCovered, Parent, Played, first_difference};

/// Answers each line with itself. A line with `unknown` is not covered.
fn echo(schedule: &[Value]) -> Result<Vec<Value>, NotCovered> {
    match schedule.iter().find_map(|line| line.get("unknown")) {
        Some(operation) => Err(NotCovered(operation.as_str().unwrap_or("?").to_owned())),
        None => Ok(schedule.to_vec()),
    }
}

/// A parent with these files.
fn parent(test: &str, files: &[(&str, &str)]) -> Parent {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recordings").join(test);
    let _ = fs::remove_dir_all(&path);
    for (file, text) in files {
        let file = path.join(file);
        fs::create_dir_all(file.parent().expect("a file lies in a directory")).unwrap();
        fs::write(file, text).unwrap();
    }
    Parent { path, named: true }
}

fn judge(parent: &Parent) -> Result<String, String> {
    let judged = parent.judge("echo", &["echo", "other"], echo);
    judged.map_err(|Failed { told, details }| told + &details)
}

#[track_caller]
fn assert_fails(parent: &Parent, part: &str) {
    let told = judge(parent).expect_err("a folder that does not conform");
    assert!(told.contains(part), "{told}");
}

const GOOD: &str = "{\"a\": 1}\n{\"b\": 2}\n";

#[test]
fn a_folder_that_agrees_gets_one_line() {
    let parent = parent("agrees", &[("echo/schedules/d1.jsonl", GOOD), ("echo/traces/d1.jsonl", GOOD)]);
    assert_eq!(judge(&parent).unwrap(), "1 of 1 schedules agree");
}

#[test]
fn the_first_line_that_differs_is_shown() {
    let trace = "{\"a\": 1}\n{\"b\": 3}\n";
    let parent = parent("differs", &[("echo/schedules/d1.jsonl", GOOD), ("echo/traces/d1.jsonl", trace)]);
    assert_fails(&parent, "0 of 1 schedules agree; these do not: d1");
    assert_fails(&parent, "line 2 of the trace\n  expected  {\"b\":3}\n  got       {\"b\":2}");
}

#[test]
fn a_trace_that_goes_on_differs() {
    assert!(first_difference(&[json!(1), json!(2)], &[json!(1)]).unwrap().contains("nothing more"));
    assert!(first_difference(&[json!(1)], &[json!(1), json!(2)]).unwrap().contains("nothing more"));
}

#[test]
fn what_is_not_covered_is_listed_and_does_not_count() {
    let unknown = "{\"unknown\": \"fly\"}\n";
    let files = [
        ("echo/schedules/d1.jsonl", GOOD),
        ("echo/traces/d1.jsonl", GOOD),
        ("echo/schedules/d2.jsonl", unknown),
        ("echo/traces/d2.jsonl", ""),
    ];
    assert_eq!(
        judge(&parent("not-covered", &files)).unwrap(),
        "1 of 1 schedules agree; not yet covered: d2 (fly)"
    );
    assert_fails(&parent("nothing-covered", &files[2..]), "nothing was compared");
}

#[test]
fn an_empty_or_half_folder_is_an_error() {
    let schedule = ("echo/schedules/d1.jsonl", GOOD);
    assert_fails(&parent("no-directories", &[("echo/README.md", "")]), "cannot read ");
    assert_fails(&parent("no-traces", &[schedule]), "cannot read ");
    let parent = parent("other-trace", &[schedule, ("echo/traces/d2.jsonl", GOOD)]);
    assert_fails(&parent, "schedule d1 has no trace");
    fs::remove_file(parent.path.join(schedule.0)).unwrap();
    fs::remove_file(parent.path.join("echo/traces/d2.jsonl")).unwrap();
    assert_fails(&parent, "holds no schedules");
}

#[test]
fn a_malformed_line_is_named_by_file_and_line() {
    for (test, bad) in
        [("malformed", "{\"a\": 1}\n{\"b\"\n"), ("blank", "{\"a\": 1}\n\n{}\n"), ("array", "{}\n[]\n")]
    {
        let parent = parent(test, &[("echo/schedules/d1.jsonl", bad), ("echo/traces/d1.jsonl", GOOD)]);
        assert_fails(&parent, "d1.jsonl: line 2: ");
    }
}

#[test]
fn a_file_that_would_be_skipped_is_an_error() {
    let parent = parent("skipped", &[("echo/schedules/d1.json", GOOD), ("echo/traces/d1.jsonl", GOOD)]);
    assert_fails(&parent, "d1.json: not a .jsonl file");
}

#[test]
fn a_named_parent_may_lack_a_folder_but_not_all() {
    let mut lacking = parent("lacking", &[("other/README.md", ""), ("stranger/README.md", "")]);
    assert!(judge(&lacking).unwrap().starts_with("absent from "));
    lacking.named = false;
    assert_fails(&lacking, "absent from ");
    assert_fails(&parent("stranger", &[("stranger/README.md", "")]), "holds none of echo, other");
    assert_fails(
        &Parent { path: lacking.path.join("nowhere"), named: true },
        "(from TWOPHASE_CONFORMANCE_DIR)",
    );
}

#[test]
fn a_panic_is_a_disagreement() {
    let recording = Recording { name: "d1".to_owned(), schedule: vec![], trace: vec![] };
    let Played::Differs(how) = recording.play(|_| panic!("no such luck")) else {
        panic!("a panic passed for something else");
    };
    assert_eq!(how, "panicked: no such luck");
}
