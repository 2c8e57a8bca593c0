//! What it is given: words, files and schedules, right and wrong.

#[cfg(unix)]
use crate::support::start;
use crate::support::{KEPT, code, held, json, refused, stdout, text, twophase};

#[test]
fn a_wrong_command_line_is_one_line_and_exit_1() {
    for (words, says) in [
        (&["run", "--seeds", "9..3"][..], "did you mean 3..9?"),
        (&["run", "--seeds", "5..5"], "holds no seed"),
        (&["run", "--seed", "0xZZ"], "expected a number"),
        (&["run", "--seed", "1", "--seeds", "1..2"], "contradict each other"),
        (&["run", "--output", "new"], "expected a single seed"),
        (&["run", "--save", "new", "--seeds", "0..9"], "expected a single seed"),
        (&["run", "--seed", "1", "--save", "new", "--output", "new"], "expected two files"),
        (&["run", "--subject", "kafak"], "did you mean kafka?"),
        (&["run", "--records", "0"], "'--records <N>'"),
        (&["run", "--jobs", "0"], "'--jobs <N>'"),
        (&["run", "--settings", "sound"], "safe, unsafe"),
        (&["digest"], "--seeds <A..B>"),
        (&["run", "--shrink"], "expected a single seed"),
        (&["run", "--shrink-budget", "soon"], "'--shrink-budget <SECONDS>'"),
        (&["replay"], "<FILE>"),
        (&["shrink"], "<FILE>"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let said = refused(words);
        assert!(said.contains(says), "{words:?}: {said}");
    }
}

#[test]
fn help_and_version_are_no_error() {
    assert!(held(&["--help"]).contains("Exit codes"));
    assert!(held(&["run", "--help"]).contains("--settings"));
    assert!(held(&["--version"]).starts_with("twophase "));
}

#[test]
fn a_bad_input_is_one_line_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    for (path, says) in [
        (text(&empty), "is empty"),
        (text(directory.path()), "is a directory"),
        ("no/such/file", "cannot read it"),
    ] {
        let said = refused(&["run", "--input", path]);
        assert!(said.contains(path) && said.contains(says) && said.contains("expected"), "{said}");
    }
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let mine = directory.path().join("mine");
    std::fs::write(&mine, "mine").unwrap();
    for flag in ["--output", "--save"] {
        let said = refused(&["run", "--seed", "1", flag, text(&mine)]);
        assert!(said.contains("exists already"), "{said}");
    }
    let nowhere = directory.path().join("no/such/directory/file");
    let said = refused(&["run", "--seed", "1", "--output", text(&nowhere)]);
    assert!(said.contains("cannot be written"), "{said}");
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_schedule_that_cannot_be_played_says_where_and_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let (file, bad) = (directory.path().join("7.json"), directory.path().join("bad.json"));
    held(&["run", "--seed", "7", "--save", text(&file)]);
    let good = std::fs::read_to_string(&file).unwrap();
    for (broken, says) in [
        (good[..good.len() / 2].to_owned(), "ends in the middle"),
        (good.replace("\"format\": 1", "\"format\": 2"), "has format 2; expected format 1"),
        (good.replace("\"heal_at\"", "\"heel_at\""), "unknown field `heel_at`"),
        (format!("{good}]"), "trailing characters"),
        (good.replace("\"kafka\"", "\"kafkaesque\""), "subject 'kafkaesque' is not known"),
        (good.replace("\"partitions\": ", "\"partitions\": 9"), "settings.partitions is 9"),
        ("\u{0}\u{1}".to_owned(), ":1:1:"),
    ] {
        std::fs::write(&bad, broken).unwrap();
        let said = refused(&["replay", text(&bad)]);
        assert!(said.contains("bad.json") && said.contains(says), "{says}: {said}");
        assert!(said.contains("expected"), "{said}");
    }
    std::fs::write(&bad, [0xff, 0xfe]).unwrap();
    assert!(refused(&["replay", text(&bad)]).contains("bad.json:1:1: the byte 0xff is no UTF-8; expected"));
    assert!(refused(&["replay", text(directory.path())]).contains("cannot read it"));
}

#[test]
fn a_file_of_a_test_is_replayed_where_its_subject_is_known_and_otherwise_says_whose_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["replay", "show", "shrink"] {
        let said = refused(&[command, KEPT]);
        let line = format!("replay it with TWOPHASE_REPLAY={KEPT} cargo test orders_arrive_exactly_once");
        assert!(
            said.contains("belongs to the test orders_arrive_exactly_once") && said.contains(&line),
            "{said}"
        );
        assert!(said.contains("subject 'orders' is not known"), "{said}");
    }
    let (file, kept) = (directory.path().join("kept.json"), std::fs::read_to_string(KEPT).unwrap());
    let of = |subject| kept.replace("\"subject\": \"orders\"", &format!("\"subject\": \"{subject}\""));
    std::fs::write(&file, of("fences-before-committing")).unwrap();
    let output = twophase(&["replay", text(&file)]);
    assert_eq!(code(&output), 2);
    assert!(stdout(&output).contains("as the file expects: lost in W4"), "{}", stdout(&output));
    std::fs::write(&file, of("kafka")).unwrap();
    let mended = held(&["replay", text(&file)]);
    assert!(
        mended.contains("the file expects lost in W4; found held") && !mended.contains("stale"),
        "{mended}"
    );
    std::fs::write(&file, of("kafka").replace("commit#1", "commit#9")).unwrap();
    let stale = held(&["replay", text(&file)]);
    assert!(stale.contains("stale: it no longer gets where it was made for"), "{stale}");
}

#[test]
fn a_schedule_at_the_edge_of_what_is_allowed_is_played_to_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let (file, edge) = (directory.path().join("11.json"), directory.path().join("edge.json"));
    held(&["run", "--seed", "11", "--save", text(&file)]);
    let good = json(&std::fs::read_to_string(&file).unwrap());
    for (name, value) in [
        ("checkpoint_interval", "1ms"),
        ("checkpoint_timeout", "1ms"),
        ("heartbeat_interval", "1ms"),
        ("heartbeat_timeout", "1ms"),
        ("restart_delay", "1ms"),
        ("retry_backoff", "1ms"),
        ("transaction_timeout", "1ms"),
        ("request_timeout", "1ms"),
        ("sweep_interval", "1ms"),
        ("checkpoint_interval", "1h"),
        ("transaction_timeout", "1h"),
        ("heal_at", "1h"),
    ] {
        let mut schedule = good.clone();
        set(&mut schedule, name, value);
        std::fs::write(&edge, schedule.to_string()).unwrap();
        let output = twophase(&["replay", text(&edge), "--json"]);
        assert!([0, 2, 3].contains(&code(&output)), "{name} = {value}: {output:?}");
    }
}

/// Sets every field of this name.
fn set(within: &mut serde_json::Value, name: &str, value: &str) {
    for (field, old) in within.as_object_mut().into_iter().flatten() {
        match field == name {
            true => *old = value.into(),
            false => set(old, name, value),
        }
    }
}

#[test]
fn subjects_are_listed_one_a_line_and_each_can_be_run() {
    let listed = held(&["subjects"]);
    assert!(listed.starts_with("kafka "), "{listed}");
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        let (name, expected) = (words.next().expect("a name"), words.next().expect("what is expected"));
        assert!(["correct", "broken"].contains(&expected), "{line}");
        let output = twophase(&["run", "--subject", name, "--seed", "1", "--json"]);
        assert!([0, 2, 3].contains(&code(&output)), "{line}");
        assert_eq!(json(&stdout(&output))["subject"], name);
    }
}

/// `| head`.
#[cfg(unix)]
#[test]
fn a_reader_who_goes_away_is_no_error() {
    let mut child = start(&["digest", "--seeds", "0..100000000"]);
    let mut reader = child.stdout.take().expect("it is piped");
    std::io::Read::read_exact(&mut reader, &mut [0; 2]).expect("there are digests");
    drop(reader);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((code(&output), output.stderr.as_slice()), (0, &b""[..]));
}
