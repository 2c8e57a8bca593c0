//! Every failure says why: of each broken subject the stored words, the culprit, and the nearest schedule that holds.
//!
//! The schedules in `tests/golden/why/` stay what they are, whatever seeds mean. When the words are to change, renew what
//! is said with `cargo run --release -p twophase-sim --example explain_subjects`, and read the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use twophase_sim::{
    Anomaly, Expectation, Expected, Generator, Keep, Saved, Schedule, Seed, Subject, Verdict, Why, explain,
    play, subjects,
};

/// No line of a report is wider.
const WIDTH: usize = 100;

fn named(subject: &str) -> Subject {
    subjects::named(subject).unwrap_or_else(|| panic!("there is no subject {subject}"))
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/why");
    let entries = fs::read_dir(folder).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files
}

fn saved(file: &Path) -> Saved {
    Saved::read(file).unwrap_or_else(|error| panic!("{error}"))
}

fn explained(saved: Saved) -> Why {
    let subject = named(&saved.subject);
    explain(&subject, &Arc::new(saved.schedule)).expect("it fails")
}

/// Of the subject with this name.
fn why(subject: &str) -> Why {
    let file = format!("tests/golden/why/{subject}.json");
    explained(saved(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file)))
}

#[test]
fn what_is_said_of_each_broken_subject_is_as_stored() {
    let mut differ = Vec::new();
    for file in files() {
        let saved = saved(&file);
        let subject = named(&saved.subject);
        let why = explained(saved);
        let said = format!("{}: {}\n\n{}\n\n{why}", subject.name, subject.about, why.finding);
        let stored = fs::read_to_string(file.with_extension("txt")).unwrap_or_default();
        if said != stored {
            differ.push(format!("{}:\n{said}", file.display()));
        }
    }
    let differ = differ.join("\n");
    assert!(differ.is_empty(), "renew them if this is meant, see the head of this file\n\n{differ}");
}

#[test]
fn every_broken_subject_and_every_anomaly_is_explained() {
    let saved: Vec<_> = files().iter().map(|file| saved(file)).collect();
    let explained: BTreeSet<_> = saved.iter().map(|saved| saved.subject.clone()).collect();
    let broken = subjects::all().into_iter().filter(|subject| subject.expected != Expected::Correct);
    let broken: BTreeSet<_> = broken.map(|subject| subject.name.to_string()).collect();
    assert_eq!(explained, broken);
    let anomalies: BTreeSet<_> = saved
        .iter()
        .filter_map(|saved| match saved.expected {
            Expectation::Failed { anomaly, .. } => Some(anomaly),
            _ => None,
        })
        .collect();
    assert_eq!(anomalies, BTreeSet::from(Anomaly::ALL));
}

/// One step is marked, it is one of the slice, and the slice is in order and in the history.
#[test]
fn one_step_broke_the_promise_and_is_told_what_should_have_been() {
    for file in files() {
        let saved = saved(&file);
        let (subject, schedule) = (named(&saved.subject), Arc::new(saved.schedule.clone()));
        let outcome = play(&subject, &schedule, Keep { history: true, ..Keep::default() });
        let history = outcome.history.expect("it was to be kept");
        let why = explained(saved);
        let name = file.display();
        assert_eq!(why.steps.iter().filter(|step| step.broke).count(), 1, "{name}");
        assert!(why.broke().is_some_and(|broke| broke < history.len()), "{name}");
        assert!(why.should_have.as_ref().is_some_and(|said| !said.is_empty()), "{name}");
        assert!(!why.rule.is_empty() && !why.nearest.is_empty(), "{name}");
        let slice: Vec<_> = why.slice().collect();
        assert!(slice.is_sorted() && slice.iter().all(|event| *event < history.len()), "{name}");
        for (step, event) in
            why.steps.iter().zip(history.events().enumerate().filter(|(index, _)| slice.contains(index)))
        {
            assert_eq!(step.at, event.1.at, "{name}");
        }
        assert!(why.to_string().lines().all(|line| line.chars().count() <= WIDTH), "{name}");
    }
}

/// Which faults the report says it holds without, and without which it does.
fn claimed_and_true(subject: &Subject, schedule: &Schedule) -> (Vec<String>, Vec<String>) {
    let holds = |schedule: Schedule| {
        let outcome = play(subject, &Arc::new(schedule), Keep::default());
        matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous)
    };
    let less = |place: usize| {
        let mut less = schedule.clone();
        let fault = less.faults.remove(place);
        holds(less).then(|| format!("holds without this fault: {fault}"))
    };
    let said = explain(subject, &Arc::new(schedule.clone())).expect("it fails").nearest;
    let claimed = said.into_iter().filter(|line| line.starts_with("holds without")).collect();
    (claimed, (0..schedule.faults.len()).filter_map(less).collect())
}

#[test]
fn the_nearest_passing_run_passes() {
    for file in files() {
        let Saved { subject, schedule, .. } = saved(&file);
        let (claimed, true_ones) = claimed_and_true(&named(&subject), &schedule);
        assert_eq!(claimed, true_ones, "{}", file.display());
    }
}

/// Nor is a fault named that changes nothing: of the many that a seed draws, most do not.
#[test]
fn what_makes_no_difference_is_not_named() {
    let subject = named("fences-before-committing");
    let (mut named, mut others) = (0, 0);
    for seed in 0..20 {
        let schedule = Generator::default().schedule(Seed(seed)).expect("made-up records can always be read");
        if play(&subject, &Arc::new(schedule.clone()), Keep::default()).finding().is_some() {
            let (claimed, true_ones) = claimed_and_true(&subject, &schedule);
            assert_eq!(claimed, true_ones, "seed {seed}");
            named += claimed.len();
            others += schedule.faults.len() - claimed.len();
        }
    }
    assert!(named > 0 && others > 0, "{named} named, {others} not");
}

#[test]
fn a_loss_through_a_timeout_names_the_settings_what_is_safe_and_the_outage() {
    let why = why("forgives-timeouts-after-an-outage");
    let said = why.advice.join("\n");
    for part in [
        "transaction_timeout = 900 ms",
        "checkpoint_interval = 100 ms",
        "The outage: sink-0 was away from 0.187 s to 2.227 s, for 2040 ms",
        "transaction_timeout >= 200.486 s",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        why.nearest.iter().any(|holds| holds.starts_with("holds with transaction_timeout = ")),
        "{:?}",
        why.nearest
    );
}

/// The rule asks for what it says, and the next run needs no more than is said.
#[test]
fn the_timeout_that_is_said_to_be_enough_is() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/why/forgives-timeouts-after-an-outage.json");
    let Saved { subject, schedule, .. } = saved(&file);
    let subject = named(&subject);
    let holds = |timeout: &str| {
        let mut schedule = schedule.clone();
        let millis = timeout.parse().expect("a number");
        schedule.settings.transaction_timeout = Duration::from_millis(millis);
        play(&subject, &Arc::new(schedule), Keep::default()).finding().is_none()
    };
    let nearest = why("forgives-timeouts-after-an-outage").nearest;
    let said = nearest.iter().find_map(|holds| holds.strip_prefix("holds with transaction_timeout = "));
    let (enough, rest) = said.and_then(|said| said.split_once(" ms")).expect("it is in milliseconds");
    let (_, rest) = rest.split_once("not yet with ").expect("the one below is said too");
    let (too_little, _) = rest.split_once(" ms").expect("it is in milliseconds");
    assert!(holds(enough) && !holds(too_little));
}

#[test]
fn what_holds_is_not_explained() {
    assert_eq!(explain(&named("kafka"), &Arc::new(Schedule::calm())), None);
}
