//! How small the failures of the broken subjects become: the table of `docs/shrunk.md`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example shrink_subjects > docs/shrunk.md
//! ```

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase_sim::{
    Anomaly, Expected, Generator, Keep, Schedule, Seed, Shrink, Shrunk, Subject, Threads, Window, play,
    subjects,
};

/// Within how many seeds each is found.
const PATIENCE: u64 = 10_000;

/// None is bounded by time, so that the table is the same on every machine.
const NO_BUDGET: Duration = Duration::from_secs(3_600);

/// Nor needs any of them nearly as many.
const TRIES: u64 = 20_000;

fn main() {
    let first: u64 = std::env::args().nth(1).map_or(0, |seed| seed.parse().expect("the first seed"));
    let only = std::env::args().nth(2);
    let mut faults = Vec::new();
    for subject in subjects::all() {
        if only.as_ref().is_some_and(|only| *only != subject.name) {
            continue;
        }
        if let Expected::Broken(anomaly, window) = subject.expected {
            let before = find(&subject, (anomaly, window), first);
            let clock = std::time::Instant::now();
            let after = shrink(&subject, &before);
            println!(
                "{}  {} -> {} {:?} {:?}",
                row(&subject, &before, &after),
                play(&subject, &before, Keep::default()).events,
                after.outcome.events,
                after.stopped_by,
                clock.elapsed()
            );
            if only.is_some() {
                println!("{}", serde_json::to_string_pretty(&*after.schedule).unwrap());
            }
            faults.push(after.schedule.faults.len());
        }
    }
    faults.sort_unstable();
    println!("\nMedian {}, worst {}.", faults[faults.len() / 2], faults[faults.len() - 1]);
}

fn find(subject: &Subject, expected: (Anomaly, Option<Window>), first: u64) -> Arc<Schedule> {
    let generator = Generator { protocol: subject.protocol, naming: subject.naming, ..Generator::default() };
    let schedules = (first..first + PATIENCE).map(|seed| generator.schedule(Seed(seed)));
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
    let shrink = Shrink { budget: NO_BUDGET, tries: TRIES, threads: Threads::Shared, ..Shrink::new(subject) };
    let shrunk = shrink.run(schedule, finding, &AtomicBool::new(false), &|_| {});
    shrunk.expect("threads can be started").expect("it fails again")
}

fn row(subject: &Subject, before: &Schedule, after: &Shrunk) -> String {
    let small = &after.schedule;
    let pair = |of: fn(&Schedule) -> usize| format!("{} → {}", of(before), of(small));
    let faults: Vec<_> = small.faults.iter().map(ToString::to_string).collect();
    let faults = if faults.is_empty() { "none".to_owned() } else { faults.join("; ") };
    let settings = &small.settings;
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {faults} |",
        subject.name,
        pair(|schedule| schedule.faults.len()),
        pair(Schedule::records),
        pair(|schedule| schedule.settings.parallelism.into()),
        settings.partitions,
        after.tried,
    )
}
