//! What programs read: one JSON object, whose names are kept.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use super::Trouble;
use super::history::Play;
use super::out::Out;
use super::run::Told;
use crate::anomaly::{Anomaly, Finding};
use crate::coverage::Window;
use crate::exit::Exit;
use crate::fault::FaultKind;
use crate::file::Expectation;
use crate::outcome::{Outcome, Verdict};
use crate::report::{Smallest, allowed_by, rate};
use crate::runtime::SANDBOXED;
use crate::schedule::Schedule;
use crate::site::Phase;
use crate::twice::Difference;
use crate::why::Why;

#[derive(Serialize)]
struct Sweep<'a> {
    subject: &'a str,
    expected: String,
    seeds: Seeds,
    events: u64,
    anomalies: u64,
    verdicts: Verdicts,
    windows: BTreeMap<Window, u64>,
    windows_not_seen: BTreeMap<Window, &'static str>,
    not_checked: BTreeMap<&'static str, &'static str>,
    faults: BTreeMap<FaultKind, u64>,
    faults_never_struck: u64,
    checkpoints: Checkpoints,
    restarts: u64,
    seeds_with_transaction_timeouts: u64,
    played_twice: u64,
    not_deterministic: Option<NotDeterministic>,
    failures: Vec<Failure<'a>>,
    hung: Option<u64>,
    never_crashed_at: BTreeMap<&'static str, Vec<&'static str>>,
    never_called: Vec<&'static str>,
    interrupted: bool,
    elapsed_seconds: f64,
    histories_per_second: u64,
    sandboxed: bool,
    exit: u8,
}

#[derive(Serialize)]
struct Seeds {
    from: u64,
    to: u64,
    played: u64,
}

#[derive(Serialize)]
struct Verdicts {
    held: u64,
    vacuous: u64,
    fail_stop: u64,
    failed: u64,
}

#[derive(Serialize)]
struct Checkpoints {
    completed: u64,
    given_up: u64,
}

#[derive(Serialize)]
struct NotDeterministic {
    seed: u64,
    digests: [String; 2],
    step: usize,
}

#[derive(Serialize)]
struct Failure<'a> {
    #[serde(flatten)]
    found: Found<'a>,
    count: u64,
    seed: u64,
    smallest: Option<Small>,
    replay: String,
}

/// The smallest schedule that still fails.
#[derive(Serialize)]
struct Small {
    faults: Vec<String>,
    faults_found: usize,
    records: usize,
    records_found: usize,
    sinks: u16,
    sinks_found: u16,
    tried: u64,
    schedule: Arc<Schedule>,
}

impl From<Smallest<'_>> for Small {
    fn from(Smallest { found, shrunk }: Smallest<'_>) -> Self {
        let small = &shrunk.schedule;
        Small {
            faults: small.faults.iter().map(ToString::to_string).collect(),
            faults_found: found.faults.len(),
            records: small.records(),
            records_found: found.records(),
            sinks: small.settings.parallelism,
            sinks_found: found.settings.parallelism,
            tried: shrunk.tried,
            schedule: small.clone(),
        }
    }
}

#[derive(Serialize)]
struct Found<'a> {
    anomaly: Anomaly,
    window: Option<Window>,
    detail: &'a str,
    records: usize,
    transaction: Option<&'a str>,
    at_seconds: f64,
    allowed_by: Option<String>,
    why: Option<Why>,
}

#[derive(Serialize)]
struct History<'a> {
    subject: &'a str,
    of: &'a str,
    seed: Option<u64>,
    verdict: &'static str,
    failure: Option<Found<'a>>,
    fail_stop: Option<&'a str>,
    expected: Option<Expectation>,
    digest: String,
    events: u64,
    lasted_seconds: f64,
    windows: Vec<Window>,
    faults: BTreeMap<FaultKind, u64>,
    faults_never_struck: u32,
    checkpoints: Checkpoints,
    restarts: u32,
    transactions_timed_out: u32,
    played_twice: bool,
    not_deterministic: Option<String>,
    replay: &'a str,
    sandboxed: bool,
    exit: u8,
}

pub(crate) fn sweep(told: &Told<'_>, out: &mut Out) -> Result<(), Trouble> {
    let all = told.summary;
    let failures = all.groups.values().map(|group| Failure {
        found: found(&group.finding, told.allowed_by(group), told.why(group)),
        count: group.count,
        seed: group.seed.0,
        smallest: told.smallest(group).map(Small::from),
        replay: told.replay(group.seed),
    });
    let never =
        all.never_crashed_at().map(|(call, phases)| (call, phases.into_iter().map(Phase::as_str).collect()));
    let not_seen = Window::ALL.into_iter().filter_map(|window| Some((window, all.sight.blind_to(window)?)));
    write(
        out,
        &Sweep {
            subject: &told.sweep.subject.name,
            expected: told.sweep.subject.expected.to_string(),
            seeds: Seeds { from: told.sweep.seeds.start, to: told.sweep.seeds.end, played: all.seeds },
            events: all.events,
            anomalies: all.failed,
            verdicts: Verdicts {
                held: all.held,
                vacuous: all.vacuous,
                fail_stop: all.fail_stop,
                failed: all.failed,
            },
            windows: Window::ALL.into_iter().zip(all.windows).collect(),
            windows_not_seen: not_seen.collect(),
            not_checked: all.sight.not_checked().into_iter().collect(),
            faults: FaultKind::ALL.into_iter().zip(all.struck).collect(),
            faults_never_struck: all.unstruck,
            checkpoints: Checkpoints { completed: all.completed, given_up: all.expired },
            restarts: all.restarts,
            seeds_with_transaction_timeouts: all.timed_out,
            played_twice: all.replayed,
            not_deterministic: all.unequal.map(|unequal| NotDeterministic {
                seed: unequal.seed.0,
                digests: [unequal.digests.0, unequal.digests.1].map(|digest| format!("{digest:016x}")),
                step: unequal.step,
            }),
            failures: failures.collect(),
            hung: all.hung.map(|seed| seed.0),
            never_crashed_at: never.collect(),
            never_called: all.calls.never(),
            interrupted: told.exit == Exit::Interrupted,
            elapsed_seconds: told.elapsed.as_secs_f64(),
            histories_per_second: rate(all.seeds, told.elapsed),
            sandboxed: SANDBOXED,
            exit: told.exit.code(),
        },
    )
}

pub(crate) fn history(
    play: &Play<'_>,
    outcome: &Outcome,
    difference: Option<&Difference>,
    why: Option<Why>,
    exit: Exit,
    out: &mut Out,
) -> Result<(), Trouble> {
    let (verdict, failure, fail_stop) = match &outcome.verdict {
        Verdict::Held => ("held", None, None),
        Verdict::Vacuous => ("vacuous", None, None),
        Verdict::FailStop(said) => ("fail-stop", None, Some(said.as_str())),
        Verdict::Failed(finding) => {
            let allowed_by = allowed_by(finding, &play.schedule);
            ("failed", Some(found(finding, allowed_by, why.as_ref())), None)
        }
    };
    write(
        out,
        &History {
            subject: &play.subject.name,
            of: &play.of,
            seed: play.seed.map(|seed| seed.0),
            verdict,
            failure,
            fail_stop,
            expected: play.saved.map(|saved| saved.expected),
            digest: format!("{:016x}", outcome.digest),
            events: outcome.events,
            lasted_seconds: outcome.lasted.as_secs_f64(),
            windows: outcome.windows.iter().collect(),
            faults: FaultKind::ALL.into_iter().zip(outcome.struck.map(u64::from)).collect(),
            faults_never_struck: outcome.unstruck,
            checkpoints: Checkpoints {
                completed: outcome.checkpoints.0.into(),
                given_up: outcome.checkpoints.1.into(),
            },
            restarts: outcome.restarts,
            transactions_timed_out: outcome.timed_out,
            played_twice: play.twice,
            not_deterministic: difference.map(ToString::to_string),
            replay: &play.replay,
            sandboxed: SANDBOXED,
            exit: exit.code(),
        },
    )
}

fn found<'a>(finding: &'a Finding, allowed_by: Option<String>, why: Option<&Why>) -> Found<'a> {
    Found {
        anomaly: finding.anomaly,
        window: finding.window,
        detail: &finding.detail,
        records: finding.records,
        transaction: finding.transaction.as_ref().map(|id| id.as_str()),
        at_seconds: finding.at as f64 / 1e6,
        allowed_by,
        why: why.map(Why::shortened),
    }
}

fn write(out: &mut Out, value: &impl Serialize) -> Result<(), Trouble> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
