//! How small the failures of the broken subjects become: the table of `docs/shrunk.md`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example shrink_subjects > docs/shrunk.md
//! ```

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase_sim::{
    Anomaly, Expected, Keep, Schedule, Seed, Shrink, Shrunk, Subject, Threads, Window, play, subjects,
};

/// Within how many seeds each is found.
const PATIENCE: u64 = 10_000;

/// None is bounded by time, so that the table is the same on every machine.
const NO_BUDGET: Duration = Duration::from_secs(3_600);

const HEAD: &str = "\
# How small the failures of the broken subjects become

Of each broken subject ([subjects.md](subjects.md)) the first seed that shows the stated anomaly in the stated window,
shrunk to the smallest schedule that still shows the same, inside the safe rule if the one it comes from is. Nothing
bounds the time or the tries; `tries` is how many candidates were played until no smaller one was found.

Written by `cargo run --release -p twophase-sim --example shrink_subjects > docs/shrunk.md`.

| subject | seed | faults | records | sinks | partitions | tries | what is left of the faults |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |";

fn main() {
    println!("{HEAD}");
    let mut faults = Vec::new();
    for subject in subjects::all() {
        if let Expected::Broken(anomaly, window) = subject.expected {
            let before = find(&subject, (anomaly, window));
            let after = shrink(&subject, &before);
            println!("{}", row(&subject, &before, &after));
            faults.push(after.schedule.faults.len());
        }
    }
    faults.sort_unstable();
    let (median, most) = (faults[faults.len() / 2], faults[faults.len() - 1]);
    println!("\nThe median of what is left is {median} fault(s), the most is {most}.");
}

fn find(subject: &Subject, expected: (Anomaly, Option<Window>)) -> Arc<Schedule> {
    let generator = subject.generator();
    let schedules = (0..PATIENCE).map(|seed| generator.schedule(Seed(seed)));
    let mut schedules =
        schedules.map(|schedule| Arc::new(schedule.expect("made-up records can always be read")));
    let fails = |schedule: &Arc<Schedule>| {
        let outcome = play(subject, schedule, Keep::default());
        outcome.finding().is_some_and(|finding| (finding.anomaly, finding.window) == expected)
    };
    schedules.find(fails).expect("every mistake is found")
}

fn shrink(subject: &Subject, schedule: &Arc<Schedule>) -> Shrunk {
    let outcome = play(subject, schedule, Keep::default());
    let finding = outcome.finding().expect("it was found a moment ago");
    let shrink = Shrink { budget: NO_BUDGET, threads: Threads::Shared, ..Shrink::new(subject) };
    let shrunk = shrink.run(schedule, finding, &AtomicBool::new(false), &|_| {});
    shrunk.expect("threads can be started").expect("it fails again")
}

fn row(subject: &Subject, before: &Schedule, after: &Shrunk) -> String {
    let small = &after.schedule;
    let pair = |of: fn(&Schedule) -> usize| format!("{} → {}", of(before), of(small));
    let faults: Vec<_> = small.faults.iter().map(ToString::to_string).collect();
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
        subject.name,
        before.timing.seed,
        pair(|schedule| schedule.faults.len()),
        pair(Schedule::records),
        pair(|schedule| schedule.settings.parallelism.into()),
        pair(|schedule| schedule.settings.partitions as usize),
        after.tried,
        if faults.is_empty() { "none is needed".to_owned() } else { faults.join("; ") },
    )
}
