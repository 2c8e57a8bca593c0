//! What is said of each broken subject: renews `tests/golden/why/`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example explain_subjects
//! ```
//!
//! `SUBJECT.json` is a schedule that fails as the subject states, and stays: what is said of it should change with the
//! words only, not with what seeds mean. One that is missing is found and shrunk anew; to renew one, remove it first.
//! `SUBJECT.txt` is what is said of it, and is written anew each time: read the difference.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twophase_sim::{
    Anomaly, Expected, Keep, Saved, Seed, Shrink, Subject, Threads, Window, explain, play, subjects,
};

/// Within how many seeds each is found.
const PATIENCE: u64 = 10_000;

/// None is bounded by time, so that they are the same on every machine.
const NO_BUDGET: Duration = Duration::from_secs(3_600);

fn main() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/why");
    for subject in subjects::all() {
        let file = folder.join(&*subject.name).with_extension("json");
        if let (Expected::Broken(anomaly, window), false) = (subject.expected, file.exists()) {
            find(&subject, (anomaly, window)).write(&file)?;
        }
    }
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let file = entry.map_err(|error| error.to_string())?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            renew(&file)?;
        }
    }
    Ok(())
}

/// Writes anew what is said of this schedule.
fn renew(file: &Path) -> Result<(), String> {
    let name = file.display();
    let saved = Saved::read(file)?;
    let subject =
        subjects::named(&saved.subject).ok_or_else(|| format!("{name}: no subject {}", saved.subject))?;
    let why = explain(&subject, &Arc::new(saved.schedule))
        .ok_or_else(|| format!("{name}: does not fail any more; remove it to find another"))?;
    let text = format!("{}: {}\n\n{}\n\n{why}", subject.name, subject.about, why.finding);
    fs::write(file.with_extension("txt"), text).map_err(|error| error.to_string())
}

/// The first seed that shows it, shrunk.
fn find(subject: &Subject, (anomaly, window): (Anomaly, Option<Window>)) -> Saved {
    let generator = subject.generator();
    let shrink = Shrink { budget: NO_BUDGET, threads: Threads::Shared, ..Shrink::new(subject) };
    let found = (0..PATIENCE).find_map(|seed| {
        let schedule = generator.schedule(Seed(seed)).expect("made-up records can always be read");
        let schedule = Arc::new(schedule);
        let outcome = play(subject, &schedule, Keep::default());
        let finding = outcome.finding().filter(|found| (found.anomaly, found.window) == (anomaly, window))?;
        let shrunk = shrink.run(&schedule, finding, &AtomicBool::new(false), &|_| {});
        shrunk.expect("threads can be started")
    });
    let shrunk = found.expect("every mistake is found");
    Saved::of(subject, &shrunk.schedule, &shrunk.outcome)
}
