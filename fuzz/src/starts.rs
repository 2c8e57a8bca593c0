//! What a fuzzer starts from: schedules that reach each window, those under which each broken subject fails, plots of
//! the log, and files as they are written.

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;

use twophase::kafka::protocol::{Marker, Protocol};
use twophase_sim::event::What;
use twophase_sim::{Expected, Keep, Outcome, Saved, Schedule, Seed, Subject, Window, play, subjects};

use crate::Case;
use crate::operations::Operations;
use crate::played::Operation;

/// Files by name: the bytes of one target.
pub type Starts = BTreeMap<String, Vec<u8>>;

/// In how many seeds a window is entered, and a mistake found.
const SEEDS: u64 = 1_000;

/// Those of each target.
pub fn all() -> [(&'static str, Starts); 3] {
    [("schedule", of_schedule()), ("log", of_log()), ("files", of_files())]
}

/// For the target `schedule`.
fn of_schedule() -> Starts {
    let windows = windows(2).into_iter().map(|(name, schedule)| (name, "kafka", schedule));
    let broken =
        broken().into_iter().map(|(subject, schedule, _)| (subject.name.clone(), "sends-again", schedule));
    let all = windows.chain(broken);
    all.map(|(name, subject, schedule)| (name, Case { subject, schedule }.to_bytes())).collect()
}

/// For the target `log`.
fn of_log() -> Starts {
    let plots = plots().into_iter();
    plots.map(|(name, cluster, all)| (name, Operations { cluster, all }.to_bytes())).collect()
}

/// For the target `files`.
fn of_files() -> Starts {
    let mut all = Starts::new();
    let correct = correct();
    for (name, schedule) in windows(1).into_iter().chain([("calm".to_owned(), Schedule::calm())]) {
        all.insert(name, file(&correct, &schedule, &outcome(&correct, &schedule)));
    }
    let all_broken = broken().into_iter().enumerate();
    // Among them one that panics, which the fuzzer must not take for a finding.
    let some = all_broken
        .filter(|(number, (subject, ..))| number % 4 == 0 || subject.name == "asserts-something-pends");
    for (_, (subject, schedule, outcome)) in some {
        all.insert(subject.name.clone(), file(&subject, &schedule, &outcome));
    }
    all.extend(messages());
    all.extend(recordings());
    all
}

fn correct() -> Subject {
    subjects::named("kafka").expect("it comes along")
}

fn schedule(subject: &Subject, seed: u64) -> Schedule {
    subject.generator().schedule(Seed(seed)).expect("made-up records can always be read")
}

fn outcome(subject: &Subject, schedule: &Schedule) -> Outcome {
    play(subject, &Arc::new(schedule.clone()), Keep::default())
}

/// So many schedules for each window that a crash can fall into.
fn windows(of_each: usize) -> Vec<(String, Schedule)> {
    let correct = correct();
    let mut found: BTreeMap<Window, usize> =
        Window::ALL.into_iter().take(7).map(|window| (window, 0)).collect();
    let mut all = Vec::new();
    for seed in 0..SEEDS {
        let schedule = schedule(&correct, seed);
        let entered = outcome(&correct, &schedule).windows;
        let rarest = entered.iter().filter_map(|window| Some((*found.get(&window)?, window))).min();
        let Some((number, window)) = rarest.filter(|(number, _)| *number < of_each) else {
            continue;
        };
        found.insert(window, number + 1);
        all.push((format!("{window}-{}", number + 1), schedule));
        if found.values().all(|number| *number == of_each) {
            break;
        }
    }
    all
}

/// Each broken subject with the first schedule under which it is found as expected.
fn broken() -> Vec<(Subject, Schedule, Outcome)> {
    let found = |subject: Subject| {
        let Expected::Broken(anomaly, window) = subject.expected else { return None };
        let all = (0..SEEDS).map(|seed| schedule(&subject, seed));
        let mut played = all.map(|schedule| (outcome(&subject, &schedule), schedule));
        let (outcome, schedule) = played.find(|(outcome, _)| {
            outcome.finding().is_some_and(|finding| (finding.anomaly, finding.window) == (anomaly, window))
        })?;
        Some((subject, schedule, outcome))
    };
    subjects::all().into_iter().filter_map(found).collect()
}

fn file(subject: &Subject, schedule: &Schedule, outcome: &Outcome) -> Vec<u8> {
    serde_json::to_vec_pretty(&Saved::of(subject, schedule, outcome)).expect("a schedule can be written")
}

/// The first of each kind that is sent in a history with a restore.
fn messages() -> Starts {
    let correct = correct();
    let (_, schedule) = windows(1).into_iter().find(|(name, _)| name == "W4-1").expect("W4 is entered");
    let outcome = play(&correct, &Arc::new(schedule), Keep { history: true, ..Keep::default() });
    let history = outcome.history.expect("it was kept");
    let mut all = Starts::new();
    for event in history.events() {
        if let What::Sent { label, body, .. } = event.what {
            all.entry(format!("message-{label}")).or_insert_with(|| body.to_vec());
        }
    }
    all
}

fn recordings() -> Starts {
    [
        ("recording-1", &include_bytes!("../../tests/conformance/flink-2pc/schedules/d03-write-snapshot-notify.jsonl")[..]),
        ("recording-2", include_bytes!("../../tests/conformance/flink-2pc/traces/d34-crash-after-commit.jsonl")),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
    .collect()
}

/// The ways of a transaction through the log, and what broken brokers get wrong in them.
fn plots() -> Vec<(String, Protocol, Vec<Operation>)> {
    use Operation::*;
    let start = |protocol| Initialise { name: 0, protocol };
    let write = |partition| Append { name: 0, partition };
    let end = |marker| End { name: 0, marker };
    let marked = DeliverMarker { which: 0 };
    let mut all = Vec::new();
    for (suffix, protocol) in [("v1", Protocol::V1), ("v2", Protocol::V2)] {
        let committed = vec![write(0), write(1), end(Marker::Commit), marked.clone(), marked.clone()];
        let begun = [start(protocol), write(0), write(1)];
        let taken_over =
            [&begun[..], &[start(protocol), marked.clone(), marked.clone(), start(protocol)]].concat();
        let plot = |more: &[&[Operation]]| [&begun[..], &more.concat()].concat();
        let zombie = ZombieAppends { name: 0, which: 0, partition: 0 };
        let zombie_ends = ZombieEnds { name: 0, which: 0, marker: Marker::Commit };
        for (name, operations) in [
            ("committed-twice", plot(&[&committed[2..], &committed])),
            ("aborted", plot(&[&[end(Marker::Abort), marked.clone(), marked.clone()], &committed])),
            (
                "repeated",
                plot(&[&[RepeatAppend { name: 0 }, LeaderDies { partition: 1 }, RepeatAppend { name: 0 }]]),
            ),
            ("timed-out", plot(&[&[TimePasses { ms: 60 }, marked.clone(), write(0), start(protocol)]])),
            (
                "coordinator-dies",
                plot(&[&[end(Marker::Commit), CoordinatorDies, marked.clone()], &committed]),
            ),
            ("zombie-writes", [&taken_over[..], &committed, slice::from_ref(&zombie)].concat()),
            ("zombie-ends", [&taken_over[..], &[write(0), zombie_ends]].concat()),
            ("zombie-before-its-marker", plot(&[&[start(protocol), zombie, marked.clone()]])),
        ] {
            all.push((format!("{name}-{suffix}"), protocol, operations));
        }
    }
    all
}
