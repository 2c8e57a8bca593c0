//! Bytes as what is read from outside: saved schedules, the histories that come of them, recordings, and what processes
//! read of each other and of the store. Each is an error that says what was expected, or a value.

use std::fmt::Debug;
use std::path::Path;
use std::str;
use std::sync::Arc;
use std::time::Duration;

use twophase::ShortBytes;
use twophase::message::{ToCoordinator, ToWorker};
use twophase::two_phase::State;
use twophase_sim::timeline::{Look, Timeline};
use twophase_sim::{Anomaly, Keep, Saved, Schedule, play, subjects};

use crate::lines;

/// Reads them as each of these.
///
/// # Panics
/// If an error does not say what was expected, what was read is not written as it is, or a history cannot be drawn.
pub fn check(bytes: &[u8]) {
    as_messages(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        as_recording(text);
        as_schedule(text);
    }
}

fn as_messages(bytes: &[u8]) {
    reads_back(ToWorker::from_bytes, ToWorker::to_bytes, bytes);
    reads_back(ToCoordinator::from_bytes, ToCoordinator::to_bytes, bytes);
    if let Err(failure) = State::<String, u64>::decode(bytes) {
        assert!(failure.to_string().contains("format"), "{failure}");
    }
}

fn reads_back<T: Debug + PartialEq>(read: fn(&[u8]) -> Option<T>, write: fn(&T) -> ShortBytes, bytes: &[u8]) {
    if let Some(value) = read(bytes) {
        assert_eq!(read(&write(&value)), Some(value));
    }
}

fn as_recording(text: &str) {
    if let Err(error) = lines::parse(Path::new("recording.jsonl"), text) {
        assert!(error.starts_with("recording.jsonl: line "), "{error}");
    }
}

fn as_schedule(text: &str) {
    match Saved::parse(text) {
        Err(error) => assert!(error.contains("expected") && error.starts_with(':'), "{error}"),
        Ok(mut saved) => {
            let written = serde_json::to_string(&saved).expect("what was read can be written");
            assert_eq!(Saved::parse(&written).as_ref(), Ok(&saved));
            saved.schedule.make_safe(); // a job whose clocks leave it no time never settles
            if is_soon_over(&saved.schedule) {
                as_history(saved);
            }
        }
    }
}

/// What happens again and again may not come much oftener than this, nor go on for longer than that: a history may have
/// half a million steps, and a fuzzer plays thousands.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(120);

/// A history in which no time goes on uses up its budget too.
const SHORTEST_LATENCY: Duration = Duration::from_micros(100);

/// Whether it is played in a moment.
fn is_soon_over(schedule: &Schedule) -> bool {
    let Schedule { settings, timing, broker, heal_at, .. } = schedule;
    let is_small = schedule.records() <= 100
        && schedule.faults.len() <= 30
        && settings.parallelism <= 4
        && settings.splits <= 16
        && settings.partitions <= 8;
    let is_short = timing.latency.min >= SHORTEST_LATENCY
        && [settings.heartbeat_interval, settings.checkpoint_interval, broker.sweep_interval]
            .iter()
            .all(|period| *period >= SHORTEST)
        && settings.transaction_timeout.max(*heal_at) <= LONGEST;
    is_small && is_short
}

/// The subject that never comes back; only a watchdog can tell.
const HANGS: &str = "polls-the-clock";

/// Of a job that never settles there are some hundred thousand events. They can be drawn, but not a thousand times.
const MOST_DRAWN: u64 = 20_000;

/// What was read can be played, and the history can be drawn and explained.
fn as_history(saved: Saved) {
    let known = subjects::named(&saved.subject).filter(|subject| subject.name != HANGS);
    let subject = known.or_else(|| subjects::named("kafka")).expect("the correct job comes along");
    let schedule = Arc::new(saved.schedule);
    let outcome = play(&subject, &schedule, Keep::default());
    if let Some(finding) = outcome.finding() {
        let of_the_stage =
            finding.anomaly == Anomaly::Panicked && finding.detail.contains("the stage itself");
        assert!(!of_the_stage, "{}", finding.detail);
    }
    if outcome.events > MOST_DRAWN {
        return;
    }
    let again = play(&subject, &schedule, Keep { history: true, ..Keep::default() });
    assert_eq!(again.digest, outcome.digest, "what is kept of a history changes nothing in it");
    let timeline = Timeline::new(&subject.name, "a file", Some("again"), &schedule, &again);
    let timeline = timeline.expect("a history was kept");
    timeline.text(&Look::default()).expect("nothing is asked for that could not be there");
    assert!(timeline.page().starts_with("<!doctype html>"));
    assert!(timeline.chrome().is_object() || timeline.chrome().is_array());
}
