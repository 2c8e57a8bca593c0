//! Files that were truncated, edited or written by another version: an error that names file and place and says what was
//! expected, or a schedule that can be played. Never a panic, and never is anything written.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use twophase_sim::timeline::{Look, Timeline};
use twophase_sim::{Anomaly, Expectation, FORMAT, Generator, Keep, Saved, Seed, Window, play, subjects};

/// A file as a test might write it, with many faults.
fn saved(seed: u64) -> String {
    let saved = Saved {
        format: FORMAT,
        subject: "kafka".to_owned(),
        test: Some("orders".to_owned()),
        expected: Expectation::Failed { anomaly: Anomaly::Lost, window: Some(Window::W4) },
        crashes_in: Some(Window::W4),
        schedule: Generator::default().schedule(Seed(seed)).expect("made-up records can always be read"),
    };
    serde_json::to_string_pretty(&saved).expect("it can be written")
}

/// A small one.
fn kept() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/saved.json");
    fs::read_to_string(file).expect("it is there")
}

/// What reading says of a file with these bytes. If it is an error, it is one that helps.
fn read(bytes: &[u8]) -> Result<Saved, String> {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("bad.json");
    fs::write(&path, bytes).expect("it is new");
    let read = Saved::read(&path);
    assert_eq!(fs::read(&path).expect("it is there"), bytes, "it is left as it is");
    assert_eq!(
        fs::read_dir(directory.path()).expect("it is there").count(),
        1,
        "nothing is written beside it"
    );
    read.map_err(|said| helpful(&path, said))
}

/// The error behind the name of the file.
fn helpful(path: &Path, said: String) -> String {
    let behind = said.strip_prefix(&path.display().to_string()).expect("it begins with the file");
    let mut place = behind.splitn(4, ':').skip(1);
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    assert!(is_number(place.next()) && is_number(place.next()), "{said}");
    assert!(said.contains("expected"), "{said}");
    assert!(!said.chars().any(char::is_control) && said.chars().count() < 1_000, "{said}");
    behind.to_owned()
}

/// Whatever can be read can be played and shown: what comes of it is a verdict about the job.
fn plays(saved: Saved) {
    let (subject, schedule) = (subjects::named("kafka").expect("it is known"), Arc::new(saved.schedule));
    let outcome = play(&subject, &schedule, Keep { history: true, ..Keep::default() });
    let finding = outcome.finding().filter(|finding| finding.anomaly == Anomaly::Panicked);
    assert!(finding.is_none(), "{finding:?}");
    if outcome.events > 20_000 {
        return; // what cannot get on restarts until its time is up, and looks the same all along
    }
    let timeline =
        Timeline::new("kafka", "bad.json", None, &schedule, &outcome).expect("its history was kept");
    let text = timeline.text(&Look::default()).expect("nothing is looked for");
    assert!(!text.is_empty() && timeline.page().starts_with("<!doctype html>"));
}

fn check(bytes: &[u8]) {
    if let Ok(saved) = read(bytes) {
        let again = serde_json::to_vec_pretty(&saved).expect("it can be written");
        assert_eq!(read(&again).expect("what is written can be read"), saved);
        plays(saved);
    }
}

/// Something that people or disks do to a file.
#[derive(Clone, Debug)]
enum Damage {
    Truncate(Index),
    Flip(Index, u8),
    Delete(Index, usize),
    Insert(Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Damage::Delete(at, count)),
        (any::<Index>(), "[-0-9a-z\"{}\\[\\],:\u{0}\u{1b}ü]{1,4}")
            .prop_map(|(at, text)| Damage::Insert(at, text.into_bytes())),
    ]
}

fn damaged(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    match damage {
        Damage::Truncate(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Flip(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Damage::Delete(at, count) => {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + count);
            bytes.drain(at..end);
        }
        Damage::Insert(at, more) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, more.iter().copied());
        }
    }
    bytes
}

/// What a person may write in the place of a value.
fn value() -> impl Strategy<Value = Value> {
    const TEXTS: &[&str] = &[
        "",
        "0s",
        "1us",
        "1ms",
        "1h",
        "1h 1ms",
        "9999999999999y",
        "-1s",
        "lost",
        "W8",
        "v1",
        "crash",
        "broker",
        "ü\u{0}",
        "coord-0",
        "sink-0",
        "sink-65535",
        "sink-0/1/produce#1/sent",
        "sink-0/1/init#1/answered",
        "source-0/1/next#1/received",
        "sink-65535/4294967295/end_txn.commit#4294967295/applied",
        "sink-0/0/init#0/sent",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![Just(0_u64), Just(1), Just(2), Just(64), Just(255), Just(1_000_000), any::<u64>()]
            .prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(1.5e300)),
        prop::sample::select(TEXTS).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"base64": "/w=="})),
        Just(json!({"base64": "no"})),
        Just(json!([["a", {"base64": "/w=="}]])),
        Just(json!([{"fault": "lose"}])),
    ]
}

/// All places of a value, itself included.
fn places(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| places(value, &format!("{here}/{key}"), all))
        }
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(index, value)| places(value, &format!("{here}/{index}"), all));
        }
        _ => {}
    }
}

/// The file with this value at this place.
fn edited(text: &str, at: Index, value: Value) -> String {
    let mut file: Value = serde_json::from_str(text).expect("it is JSON");
    let mut all = Vec::new();
    places(&file, "", &mut all);
    *file.pointer_mut(&all[at.index(all.len())]).expect("it is there") = value;
    serde_json::to_string_pretty(&file).expect("it can be written")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_an_error_that_helps_or_a_schedule(seed in 0..20_u64, all in prop::collection::vec(damage(), 1..4)) {
        check(&all.iter().fold(saved(seed).into_bytes(), damaged));
    }

    #[test]
    fn an_edited_file_is_an_error_that_helps_or_a_schedule(
        seed in 0..20_u64,
        edits in prop::collection::vec((any::<Index>(), value()), 1..3),
    ) {
        let text = edits.into_iter().fold(saved(seed), |text, (at, value)| edited(&text, at, value));
        check(text.as_bytes());
    }

    /// What comes from elsewhere in a file has the right form, and says something else.
    #[test]
    fn a_file_with_a_part_of_another_is_an_error_that_helps_or_a_schedule(
        seeds in (0..20_u64, 0..20_u64),
        from in any::<Index>(),
        at in any::<Index>(),
    ) {
        let other: Value = serde_json::from_str(&saved(seeds.1)).expect("it is JSON");
        let mut all = Vec::new();
        places(&other, "", &mut all);
        let part = other.pointer(&all[from.index(all.len())]).expect("it is there").clone();
        check(edited(&saved(seeds.0), at, part).as_bytes());
    }
}

#[test]
fn a_file_that_ends_anywhere_says_so() {
    let good = kept();
    for length in 0..good.trim_end().len() {
        let said = read(&good.as_bytes()[..length]).expect_err("it is not whole");
        assert!(said.contains("ends in the middle"), "{length}: {said}");
    }
}

/// Line, column and path, where the parser knows them and where it does not.
#[test]
fn an_error_names_the_value_that_is_wrong() {
    let good = kept();
    for (from, to, says) in [
        (
            "\"lost\"",
            "\"mislaid\"",
            ":7:18: .expected.failed.anomaly: unknown variant `mislaid`, expected one of",
        ),
        (
            "\"partitions\": 1",
            "\"partitions\": -1",
            ":16:21: .schedule.settings.partitions: invalid value: integer `-1`",
        ),
        (
            "\"partitions\": 1",
            "\"partitions\": 65",
            ":16:21: .schedule.settings.partitions is 65; expected 1 to 64",
        ),
        ("\"15m\"", "\"soon\"", ":26:30: .schedule.settings.transaction_timeout: invalid value: string"),
        (
            "commit#1/before",
            "comit#1/before",
            ":64:15: .schedule.faults[0].at: 'end_txn.comit' is not an operation; expected",
        ),
        (
            "\"crash\"",
            "\"crush\"",
            ":63:18: .schedule.faults[0].fault: unknown variant `crush`, expected one of",
        ),
        (
            "\"restart_after\": \"0s\"",
            "\"restart_after\": 0",
            ":65:26: .schedule.faults[0].restart_after: invalid type: integer `0`",
        ),
        (
            "\"restart_after\": \"0s\"",
            "\"restart_after\": \"2h\"",
            ":65:26: .schedule.faults[0].restart_after is 7200s; expected 0ns to 3600s",
        ),
        (
            "restart_after",
            "restarts_after",
            ":65:27: .schedule.faults[0].restarts_after: unknown field `restarts_after`",
        ),
        (
            ",\n        \"restart_after\": \"0s\"",
            "",
            ":62:7: .schedule.faults[0]: missing field `restart_after`",
        ),
        ("\"46a30f940f175fbc\"", "46", ":70:9: .schedule.input[0][0]: invalid record; expected a text"),
        (
            "\"46a30f940f175fbc\"",
            "{\"base64\": \"~\"}",
            ":70:9: .schedule.input[0][0]: Invalid symbol 126, offset 0.; expected base64",
        ),
        ("\"format\": 1", "\"format\": 9", ":2:13: has format 9; expected format 1"),
        ("\"format\": 1", "\"format\": \"\u{1b}[31m\"", ":1:"),
        ("  \"format\": 1,\n", "", ":1:1: has no format; expected format 1"),
    ] {
        assert!(good.contains(from), "{from}");
        let said = read(good.replacen(from, to, 1).as_bytes()).expect_err("it is wrong");
        assert!(
            said.starts_with(says) || (says == ":1:" && !said.contains('\u{1b}')),
            "{says} expected, but:\n{said}"
        );
    }
    for (text, says) in [
        ("[1]", ":1:1: invalid type: sequence, expected a map"),
        ("", ":1:1: ends in the middle"),
        ("{\n", ":2:1: ends"),
    ] {
        let said = read(text.as_bytes()).expect_err("it is no schedule");
        assert!(said.starts_with(says), "{says}: {said}");
    }
    let marked = format!("\u{feff}{}", good.replace('\n', "\r\n"));
    assert_eq!(read(marked.as_bytes()), read(good.as_bytes()), "as some editors save it");
    let said = read(b"{\"format\": 1,\n \"\xff\"}").expect_err("it is no text");
    assert!(said.starts_with(":2:3: the byte 0xff is no UTF-8"), "{said}");
}
