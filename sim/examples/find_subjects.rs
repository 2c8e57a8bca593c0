//! How many seeds it takes to find each broken subject: the table of `docs/subjects.md`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example find_subjects > docs/subjects.md
//! ```

use std::sync::Arc;

use twophase_sim::{Anomaly, Expected, Generator, Keep, Seed, Subject, Window, play, subjects};

/// How many independent starts, this many seeds apart.
const STARTS: u64 = 20;
const APART: u64 = 1_000_000;

/// After how many seeds one is not found.
const PATIENCE: u64 = 10_000;

const HEAD: &str = "\
# The broken subjects, and how soon each is found

Each subject is one mistake away from correct (`sim/src/subjects/`). The default generator, the same for all, plays
its seeds from 20 starts that lie a million apart. Counted are the seeds up to and with the first that shows the
stated anomaly in the stated window; a `-` stands for an anomaly that belongs to no transaction, and so to no window.

Written by `cargo run --release -p twophase-sim --example find_subjects > docs/subjects.md`.

| subject | found as | in | median | worst | what is wrong |
| --- | --- | --- | ---: | ---: | --- |";

fn main() {
    println!("{HEAD}");
    for subject in subjects::all() {
        if let Expected::Broken(anomaly, window) = subject.expected {
            println!("{}", row(&subject, anomaly, window));
        }
    }
}

fn row(subject: &Subject, anomaly: Anomaly, window: Option<Window>) -> String {
    let mut needed: Vec<u64> =
        (0..STARTS).map(|start| seeds_to_find(subject, (anomaly, window), start * APART)).collect();
    needed.sort_unstable();
    let window = window.map_or("-".to_owned(), |window| window.to_string());
    let Subject { name, about, .. } = subject;
    let (median, worst) = (needed[needed.len() / 2], needed[needed.len() - 1]);
    format!("| `{name}` | {anomaly} | {window} | {} | {} | {about} |", count(median), count(worst))
}

fn count(seeds: u64) -> String {
    if seeds > PATIENCE { format!("over {PATIENCE}") } else { seeds.to_string() }
}

fn seeds_to_find(subject: &Subject, expected: (Anomaly, Option<Window>), start: u64) -> u64 {
    let generator = Generator { protocol: subject.protocol, naming: subject.naming, ..Generator::default() };
    let finds = |count: &u64| {
        let schedule = generator.schedule(Seed(start + count - 1));
        let schedule = schedule.expect("made-up records can always be read");
        let outcome = play(subject, &Arc::new(schedule), Keep::default());
        outcome.finding().is_some_and(|finding| (finding.anomaly, finding.window) == expected)
    };
    (1..=PATIENCE).find(finds).unwrap_or(PATIENCE + 1)
}
