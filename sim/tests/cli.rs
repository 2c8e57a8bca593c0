//! What people and scripts meet: printed lines, files, and exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

const FLIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/flights.csv");

fn twophase(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_twophase"))
        .args(words)
        .env_remove("CARGO") // not through cargo, so that it calls itself by its path
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it is not killed")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it prints text")
}

/// What it prints if all goes well.
fn held(words: &[&str]) -> String {
    let output = twophase(words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{words:?}: {complaint}\n{}", stdout(&output));
    stdout(&output)
}

/// The one line it says about what it was given.
fn refused(words: &[&str]) -> String {
    let output = twophase(words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(code(&output), 1, "{words:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
    assert!(said.starts_with("error: "), "{words:?}: {said}");
    assert!(stdout(&output).is_empty(), "{words:?}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

fn json(printed: &str) -> serde_json::Value {
    serde_json::from_str(printed).expect("what --json prints is JSON")
}

fn sorted(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

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

/// The check of everything also runs this bare, where the last lines have to be there.
#[test]
fn a_report_ends_with_what_turns_the_sandbox_on_where_it_is_off() {
    let printed = held(&["run", "--seeds", "0..20"]);
    let last: Vec<_> = printed.lines().rev().take(4).collect();
    if twophase_sim::SANDBOXED {
        assert!(!printed.contains("virtualised"), "{printed}");
        return;
    }
    assert!(
        last[3].starts_with("note: standard clocks, entropy and threads were not virtualised"),
        "{printed}"
    );
    let lines =
        [r#"  rustdocflags = ["--cfg", "madsim"]"#, r#"  rustflags = ["--cfg", "madsim"]"#, "  [build]"];
    assert_eq!(last[..3], lines, "{printed}");
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

/// As a failing test keeps it: `sim/tests/keep.rs` writes such files.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/saved.json");

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

#[test]
fn a_saved_schedule_plays_as_its_seed_did() {
    let directory = tempfile::tempdir().unwrap();
    for seed in ["3", "0x29"] {
        let path = directory.path().join(seed);
        held(&["run", "--seed", seed, "--save", text(&path)]);
        let first = json(&held(&["run", "--seed", seed, "--json"]));
        let again = json(&held(&["replay", text(&path), "--twice", "--json"]));
        for name in ["verdict", "digest", "events", "windows", "faults"] {
            assert_eq!(first[name], again[name], "{name} of seed {seed}");
        }
        assert_eq!(again["expected"], again["verdict"]);
        assert!(held(&["replay", text(&path)]).contains("as the file expects"));
    }
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
fn a_sweep_prints_what_it_adds_up_to() {
    let printed = held(&["run", "--seeds", "0..300"]);
    assert!(printed.starts_with("ok   300 seeds   "), "{printed}");
    for part in ["0 anomalies", "histories per second", "crash ", "never struck", "W1 ", "W8 ", "held "] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn a_summary_for_programs_is_one_object() {
    let all = json(&held(&["run", "--seeds", "0x10..0x74", "--json"]));
    assert_eq!(all["seeds"]["from"], 16);
    assert_eq!(all["seeds"]["played"], 100);
    assert_eq!(all["played_twice"], 1);
    assert_eq!(all["exit"], 0);
    let count = |name: &str| all["verdicts"][name].as_u64().expect("a count");
    assert_eq!(count("held") + count("vacuous") + count("fail_stop") + count("failed"), 100);
    assert!(all["windows"]["W1"].as_u64().unwrap() > 0);
    assert!(all["faults"]["crash"].as_u64().unwrap() > 0);
}

#[test]
fn a_sweep_does_not_depend_on_the_number_of_threads() {
    let on = |jobs| {
        let mut words = vec!["run", "--settings", "unsafe", "--seeds", "0..400", "--jobs", jobs, "--json"];
        words.extend(["--shrink-budget", "0"]);
        let mut all = json(&stdout(&twophase(&words)));
        let fields = all.as_object_mut().expect("it is an object");
        for of_the_wall_clock in ["elapsed_seconds", "histories_per_second"] {
            assert!(fields.remove(of_the_wall_clock).is_some());
        }
        all
    };
    assert_eq!(on("1"), on("3"));
}

#[test]
fn digests_come_in_the_order_of_the_seeds_whatever_the_number_of_threads() {
    let one = held(&["digest", "--seeds", "95..205", "--jobs", "1"]);
    assert_eq!(one, held(&["digest", "--seeds", "95..205", "--jobs", "2"]));
    let lines: Vec<_> = one.lines().map(|line| line.split_once(' ').expect("two words")).collect();
    assert!(lines.iter().map(|(seed, _)| seed.parse()).eq((95..205_u64).map(Ok)));
    assert!(lines.iter().all(|(_, digest)| digest.len() == 16 && u64::from_str_radix(digest, 16).is_ok()));
}

#[test]
fn one_seed_prints_what_it_drew_its_trace_and_the_verdict() {
    let printed = held(&["run", "--seed", "0x29", "--twice"]);
    assert!(printed.starts_with("seed 41 of kafka"), "seeds are printed in decimal: {printed}");
    for part in ["job  ", "fault  ", "step        time", "ok   ", "seed 41", "digest ", "the same both times"]
    {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn every_record_of_a_real_file_comes_out_once() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out.csv");
    held(&["run", "--input", FLIGHTS, "--records", "1000", "--seed", "5", "--output", text(&out)]);
    let (input, output) = (std::fs::read(FLIGHTS).unwrap(), std::fs::read(&out).unwrap());
    assert_eq!(input.len(), output.len());
    assert!(sorted(&input) == sorted(&output));
}

#[test]
fn whatever_bytes_are_in_a_file_come_out_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("in");
    let inputs: [&[u8]; 5] = [
        b"a\n\nb",
        b"\n\n\n",
        b"dos\r\nlines\r\n\r\n",
        b"\xff\xfe\x00\n\xc3(\n  tabs\t\n",
        b"a\nlast without a newline",
    ];
    for (index, input) in inputs.into_iter().enumerate() {
        std::fs::write(&file, input).unwrap();
        let out = directory.path().join(index.to_string());
        let words = ["run", "--input", text(&file), "--records", "99", "--seed", "5", "--output", text(&out)];
        held(&words);
        let output = std::fs::read(&out).unwrap();
        assert!(sorted(input) == sorted(&output), "{input:?} became {output:?}");
    }
}

#[test]
fn a_sweep_over_real_records_holds() {
    assert!(held(&["run", "--input", FLIGHTS, "--seeds", "0..200"]).starts_with("ok   200 seeds"));
}

#[test]
fn settings_outside_the_safe_rule_lose_and_the_setting_is_named() {
    let output = twophase(&["run", "--settings", "unsafe", "--seeds", "0..400", "--shrink-budget", "0"]);
    let printed = stdout(&output);
    assert_eq!(code(&output), 2, "{printed}");
    let lost = printed.split("FAIL  ").find(|part| part.starts_with("lost") && part.contains("window W8"));
    let lost = lost.expect("something is lost");
    assert!(lost.contains("allowed by transaction_timeout = "), "{lost}");
    let mut lines = lost.lines().filter_map(|line| line.trim_start().strip_prefix("replay   "));
    let replay = lines.next().expect("a line replays it");
    let mut words = replay.split(' ').skip(1).collect::<Vec<_>>();
    assert_eq!(words[..4], ["run", "--subject", "kafka", "--seed"], "{replay}");
    words.push("--json");
    let again = twophase(&words);
    assert_eq!(code(&again), 2);
    assert_eq!(json(&stdout(&again))["failure"]["anomaly"], "lost");
}

/// What a small number of seeds shows first of this subject.
fn first_failure(subject: &str) -> serde_json::Value {
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
fn fences() -> Vec<String> {
    let seed = first_failure("fences-before-committing")["seed"].to_string();
    ["run", "--subject", "fences-before-committing", "--seed", &seed].map(str::to_owned).to_vec()
}

fn with<'a>(words: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    words.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

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

#[test]
fn a_sweep_without_faults_is_vacuous_on_purpose() {
    let all = json(&held(&["run", "--faults", "off", "--seeds", "0..50", "--json"]));
    assert_eq!(all["verdicts"]["vacuous"], 50);
}

#[test]
fn a_sweep_that_shows_nothing_fails() {
    let is_vacuous = |seed: &u64| {
        let printed = held(&["run", "--seed", &seed.to_string(), "--json"]);
        json(&printed)["verdict"] == "vacuous"
    };
    let seed = (0..200).find(is_vacuous).expect("one seed in a few is vacuous");
    let output = twophase(&["run", "--seeds", &format!("{seed}..{}", seed + 1)]);
    let said = stdout(&output);
    assert_eq!(code(&output), 5, "{said}");
    for part in [
        "vacuous: no seed entered any crash window",
        "\n  windows never entered\n    W1   crash before pre-commit\n",
        "\n  calls at which no process was ever killed, by phase\n",
        "\n    end_txn.commit   before sent applied answered received\n",
        "\n  calls that the job never made\n    ",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    let output = twophase(&["run", "--seeds", &format!("{seed}..{}", seed + 1), "--json"]);
    assert_eq!(code(&output), 5);
    let all = json(&stdout(&output));
    assert_eq!(all["never_crashed_at"]["end_txn.commit"].as_array().map(Vec::len), Some(5));
    assert!(
        all["never_called"].as_array().is_some_and(|calls| calls.contains(&"add_offsets".into())),
        "{all}"
    );
    assert_eq!(all["never_crashed_at"]["add_offsets"], serde_json::Value::Null);
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

#[cfg(unix)]
fn start(words: &[&str]) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_twophase"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
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

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_says_what_it_has_so_far() {
    use std::io::{BufRead, BufReader};

    let mut child = start(&["run", "--seeds", "0..1000000000000"]);
    // It says that it plays once it can be interrupted.
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut heading = String::new();
    said.read_line(&mut heading).expect("it says what it plays");
    assert!(heading.starts_with("playing seeds 0..1000000000000 of kafka"), "{heading}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130);
    assert!(stdout(&output).starts_with("interrupted   "), "{}", stdout(&output));
}

/// A failing seed, drawn in every way.
#[test]
fn a_history_is_drawn_as_a_page_a_trace_and_text() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (page, trace, saved) = (at("a.html"), at("a.trace.json"), at("a.json"));
    let words =
        ["--save", text(&saved), "--timeline", text(&page), "--chrome", text(&trace), "--shrink-budget", "0"];
    assert_eq!(code(&twophase(&with(&fences(), &words))), 2);
    let page = std::fs::read_to_string(&page).unwrap();
    for address in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(address), "the page needs nothing else, and has {address}");
    }
    assert_eq!(page.matches("</script>").count(), 2, "the model and the script");
    is_a_trace(&json(&std::fs::read_to_string(&trace).unwrap()));

    let shown = |words: &[&str]| {
        let output = twophase(&[&["show", text(&saved)], words].concat());
        assert_eq!(code(&output), 2, "{words:?}");
        stdout(&output)
    };
    for width in [60, 100, 200] {
        let lines = shown(&["--width", &width.to_string()]);
        let (_, lines) = lines.split_once("step  ").expect("the lanes stand above the steps");
        let widest = lines.lines().skip(1).map(|line| line.chars().count()).max();
        assert!(widest <= Some(width.max(84)), "{widest:?} of {width}"); // lanes and 24 columns are the least
        assert!(lines.lines().any(|line| line.starts_with(">>")), "the step is marked");
    }
    let all = shown(&["--width", "120"]).lines().count();
    let way = shown(&["--width", "120", "--record", "s2:0"]);
    assert!(way.contains("produce s2:0") && way.lines().count() < all / 2, "{way}");
}

/// Chrome's trace format: which phases there are, that what begins ends, and that arrows have two ends.
fn is_a_trace(trace: &serde_json::Value) {
    let events = trace["traceEvents"].as_array().expect("it has events");
    let (mut now, mut open) = (0, std::collections::BTreeMap::new());
    let (mut named, mut ends) = (std::collections::BTreeSet::new(), 0);
    for event in events {
        assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
        let phase = event["ph"].as_str().expect("a phase");
        let key = (event["cat"].to_string(), event["id"].to_string(), event["id2"].to_string());
        if phase == "M" {
            named.extend([(event["pid"].to_string(), event["tid"].to_string())]);
            continue;
        }
        let at = event["ts"].as_u64().expect("a time");
        assert!(at >= now, "sorted by time: {event}");
        now = at;
        assert!(named.contains(&(event["pid"].to_string(), event["tid"].to_string())), "unnamed: {event}");
        match phase {
            "X" => assert!(event["dur"].is_u64(), "{event}"),
            "i" => assert!(["g", "p", "t"].contains(&event["s"].as_str().unwrap_or("")), "{event}"),
            "b" | "s" => assert_eq!(open.insert(key, at), None, "begins twice: {event}"),
            "n" => assert!(open.contains_key(&key), "not begun: {event}"),
            "e" | "f" => {
                assert!(open.remove(&key).is_some_and(|began| began <= at), "not begun: {event}");
                ends += 1;
            }
            other => panic!("{other} is no phase that is written: {event}"),
        }
    }
    assert!(open.is_empty(), "never ends: {open:?}");
    assert!(ends > 20 && now > 0);
}

#[test]
fn a_failure_is_drawn_beside_its_saved_schedule_and_over_nothing_but_another_drawing() {
    let directory = tempfile::tempdir().unwrap();
    let (saved, page) = (directory.path().join("a.json"), directory.path().join("a.html"));
    let save = || stdout(&twophase(&with(&fences(), &["--save", text(&saved), "--shrink-budget", "0"])));
    assert!(save().contains(&format!("     timeline {}\n", text(&page))));
    let first = std::fs::read_to_string(&page).unwrap();
    std::fs::remove_file(&saved).unwrap();
    std::fs::write(&page, first.replace("W4", "W9")).unwrap();
    assert!(save().contains("     timeline "));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), first, "an older drawing is renewed");

    std::fs::remove_file(&saved).unwrap();
    std::fs::write(&page, "mine").unwrap();
    assert!(save().contains("a.html: exists already"));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "mine");
    assert!(saved.exists(), "the schedule is saved all the same");
    let held_page = directory.path().join("7.html");
    held(&["run", "--seed", "7", "--save", text(&directory.path().join("7.json"))]);
    assert!(!held_page.exists(), "what holds is not drawn unasked");
}

#[test]
fn pictures_that_cannot_be_drawn_are_refused_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (saved, there) = (directory.path().join("a.json"), directory.path().join("there"));
    held(&["run", "--seed", "7", "--save", text(&saved)]);
    std::fs::write(&there, "mine").unwrap();
    let nowhere = directory.path().join("no/such/directory/a.html");
    for flag in ["--timeline", "--chrome"] {
        for command in [&["replay", text(&saved)], &["show", text(&saved)], &["run", "--seed=7"]] {
            let words = |path| [&command[..], &[flag, path]].concat();
            assert!(refused(&words(text(&there))).contains("there: exists already"));
            assert!(refused(&words(text(&nowhere))).contains("cannot be written"));
        }
        assert!(refused(&["run", "--seeds", "0..9", flag, "new"]).contains("expected a single seed"));
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    assert!(refused(&["show", "no/such/file"]).contains("cannot read it"));
    for (words, says) in [
        (["--record", "s99:9"], "s99:9 is no record"),
        (["--transaction", "t9"], "t9 is no transaction"),
        (["--around", "99999"], "99999 is no step"),
    ] {
        let said = refused(&["show", text(&saved), words[0], words[1]]);
        assert!(said.contains(says) && said.contains("expected"), "{said}");
    }
    assert!(refused(&["show", text(&saved), "--width", "9"]).contains("40"));
}
