//! One history, and the records that come out of it.

use crate::support::{FLIGHTS, held, json, sorted, text};

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
