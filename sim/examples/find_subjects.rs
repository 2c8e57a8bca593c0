//! How many seeds it takes to find each broken subject: the table of `docs/subjects.md`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example find_subjects > docs/subjects.md
//! ```

use std::sync::Arc;

use twophase_sim::{Anomaly, Expected, Keep, Part, Safety, Seed, Subject, Window, play, subjects};

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
A mistake that was made before is named by its entry in the catalogue of known bugs from which these were taken, and
by where it was reported; *akin to* says that another part made the same mistake there.

Two of them cannot be found by the default generator, because it obeys the safe rule: inside that, no transaction
times out that anybody still uses, and what goes wrong only behind a timeout never does. They are played with
`--settings unsafe`, and marked with a star.

Written by `cargo run --release -p twophase-sim --example find_subjects > docs/subjects.md`.";

const COLUMNS: &str = "\
| subject | found as | in | median | worst | made before in | what is wrong |
| --- | --- | --- | ---: | ---: | --- | --- |";

fn main() {
    println!("{HEAD}");
    for part in [Part::Sink, Part::Client, Part::Coordinator, Part::Broker] {
        println!("\n## Wrong in the {part}\n\n{COLUMNS}");
        for subject in subjects::all().into_iter().filter(|subject| subject.part == part) {
            if let Expected::Broken(anomaly, window) = subject.expected {
                println!("{}", row(&subject, anomaly, window));
            }
        }
    }
}

fn row(subject: &Subject, anomaly: Anomaly, window: Option<Window>) -> String {
    let mut needed: Vec<u64> =
        (0..STARTS).map(|start| seeds_to_find(subject, (anomaly, window), start * APART)).collect();
    needed.sort_unstable();
    let window = window.map_or("-".to_owned(), |window| window.to_string());
    let star = if subject.safety == Safety::Unsafe { " *" } else { "" };
    let Subject { name, about, seen_in, .. } = subject;
    let seen_in = if seen_in.is_empty() { "-" } else { seen_in };
    let (median, worst) = (needed[needed.len() / 2], needed[needed.len() - 1]);
    let (median, worst) = (count(median), count(worst));
    format!("| `{name}`{star} | {anomaly} | {window} | {median} | {worst} | {seen_in} | {about} |")
}

fn count(seeds: u64) -> String {
    if seeds > PATIENCE { format!("over {PATIENCE}") } else { seeds.to_string() }
}

fn seeds_to_find(subject: &Subject, expected: (Anomaly, Option<Window>), start: u64) -> u64 {
    let generator = subject.generator();
    let finds = |count: &u64| {
        let schedule = generator.schedule(Seed(start + count - 1));
        let schedule = schedule.expect("made-up records can always be read");
        let outcome = play(subject, &Arc::new(schedule), Keep::default());
        outcome.finding().is_some_and(|finding| (finding.anomaly, finding.window) == expected)
    };
    (1..=PATIENCE).find(finds).unwrap_or(PATIENCE + 1)
}
