//! Fewer faults, then simpler ones, then simpler places, then rounder times.

use std::borrow::Cow;
use std::time::Duration;

use twophase::{Life, Role};

use super::edit::{Edit, pieces};
use super::plain::rounder;
use super::within::{site_mut, strikes_process, times, times_mut};
use crate::fault::{End, Fault};
use crate::schedule::Schedule;
use crate::site::{Ask, Name, Operation, Phase, Site};

/// Leaves out faults: all of them, half, a quarter, one by one. Then each with those behind it following.
pub(super) fn leave_out(schedule: &Schedule) -> Vec<Edit> {
    let count = schedule.faults.len();
    let some = pieces(count).map(|(size, start)| {
        Edit::new((usize::MAX - size, start), move |schedule| {
            let end = schedule.faults.len().min(start + size);
            schedule.faults.drain(start..end);
        })
    });
    let one =
        (0..count).map(|index| Edit::new((usize::MAX, index), move |schedule| without(schedule, index)));
    some.chain(one).collect()
}

/// Without this fault, a process that it would have ended has one life fewer.
fn without(schedule: &mut Schedule, index: usize) {
    let gone = schedule.faults.remove(index);
    let Some(gone) = gone.site().filter(|_| strikes_process(&gone)) else {
        return;
    };
    let later = schedule.faults.iter_mut().filter_map(site_mut);
    for site in later.filter(|site| site.process == gone.process && site.life > gone.life) {
        site.life = Life(site.life.0 - 1);
    }
}

/// Puts a simpler fault in the place of each.
pub(super) fn simplify(schedule: &Schedule) -> Vec<Edit> {
    let faults = schedule.faults.iter().enumerate();
    faults
        .flat_map(|(index, fault)| {
            simpler(fault, schedule.settings.parallelism).into_iter().map(move |simpler| {
                Edit::new((index, 0), move |schedule| schedule.faults[index] = simpler.clone())
            })
        })
        .collect()
}

/// Whatever might do the same. What is not lighter is left out later.
pub(super) fn simpler(fault: &Fault, sinks: u16) -> Vec<Fault> {
    let mut all = Vec::new();
    match fault.clone() {
        Fault::Crash { .. } => {}
        Fault::Pause { at, lasts } => all.push(Fault::Crash { at, restart_after: lasts }),
        Fault::Zombie { at, replaced_after, wakes_after } => {
            all.push(Fault::Crash { at: at.clone(), restart_after: replaced_after });
            all.push(Fault::Pause { at, lasts: replaced_after + wakes_after });
        }
        Fault::Lose { at } => all.extend(lost(&at)),
        Fault::Delay { at, .. } => all.extend(lost(&at)),
        Fault::Repeat { at, after } => {
            all.extend(lost(&at));
            all.push(Fault::Delay { at, by: after });
        }
        Fault::Stop { process, restart_after, .. } | Fault::CrashAt { process, restart_after, .. } => {
            let places = telling_sites(process, Life(1));
            all.extend(places.map(|at| Fault::Crash { at, restart_after }));
        }
        Fault::BrokerRestart { .. } => {
            let sinks = (0..sinks).map(Name::sink);
            all.extend(sinks.flat_map(|sink| lost_between(End::Process(sink), End::Broker, true)));
        }
        Fault::Partition { from, to, both_ways, at, lasts } => {
            all.extend(lost_between(from, to, both_ways));
            all.push(Fault::Partition { from, to, both_ways: false, at, lasts });
            all.push(Fault::Partition { from: to, to: from, both_ways: false, at, lasts });
        }
        Fault::CoordinatorFailover { at, lasts, .. } => all.push(Fault::BrokerRestart { at, lasts }),
        Fault::SlowMarkers { .. } | Fault::RepeatMarkers { .. } | Fault::ClockJump { .. } => {}
    }
    if let Some(site) = fault.site().filter(|_| strikes_process(fault)) {
        let restart_after = Duration::ZERO;
        let crashes = telling_sites(site.process, site.life).map(|at| Fault::Crash { at, restart_after });
        let there = telling_sites(site.process, site.life).map(|at| {
            let mut there = fault.clone();
            *site_mut(&mut there).expect("it strikes at a site") = at;
            there
        });
        all.extend(crashes.chain(there));
    }
    all
}

/// It is lost on the way there, or else on the way back.
fn lost(at: &Site) -> impl Iterator<Item = Fault> + use<> {
    let at = at.clone();
    [Phase::Sent, Phase::Answered]
        .into_iter()
        .map(move |phase| Fault::Lose { at: Site { phase, ..at.clone() } })
}

/// How often a place is counted through that was not there before.
const FIRST_FEW: std::ops::RangeInclusive<u32> = 1..=3;

/// Single messages or requests that a cut between these ends might have stood for.
fn lost_between(from: End, to: End, both_ways: bool) -> Vec<Fault> {
    let forth = sent_from(from, to);
    let back = if both_ways { sent_from(to, from) } else { Vec::new() };
    let lives = [Life(1), Life(2)];
    let all = forth.into_iter().chain(back);
    all.flat_map(|(process, operation, phase)| {
        let operation = move |_| operation.clone();
        lives.into_iter().flat_map(move |life| {
            let operation = operation.clone();
            FIRST_FEW.map(move |ordinal| Fault::Lose {
                at: Site { process, life, operation: operation(()), ordinal, phase },
            })
        })
    })
    .collect()
}

/// What goes from here to there, and where it can be lost: a message, a request, or the answer to one.
fn sent_from(from: End, to: End) -> Vec<(Name, Operation, Phase)> {
    let asks = [Ask::Commit, Ask::Produce, Ask::Init, Ask::AddPartitions, Ask::Abort];
    let asked = |process, phase| asks.map(|ask| (process, Operation::Ask(ask), phase)).to_vec();
    let stored = |process, phase| vec![(process, Operation::Put, phase), (process, Operation::Read, phase)];
    let said = |process, labels: &[&'static str]| {
        let labels = labels.iter().copied();
        labels.map(|label| (process, Operation::Send(Cow::Borrowed(label)), Phase::Sent)).collect()
    };
    match (from, to) {
        (End::Process(name), End::Broker) => asked(name, Phase::Sent),
        (End::Broker, End::Process(name)) => asked(name, Phase::Answered),
        (End::Process(name), End::Store) => stored(name, Phase::Sent),
        (End::Store, End::Process(name)) => stored(name, Phase::Answered),
        (End::Process(name), End::Process(_)) if name.role == Role::Coordinator => {
            said(name, &["complete", "trigger", "deploy", "aborted"])
        }
        (End::Process(name), End::Process(_)) => said(name, &["ack", "finished", "heartbeat"]),
        _ => Vec::new(),
    }
}

/// Places on the path of a checkpoint, which say by themselves what happens there.
fn telling_sites(process: Name, life: Life) -> impl Iterator<Item = Site> {
    let message = |label| Operation::Send(Cow::Borrowed(label));
    let both: &[Phase] = &[Phase::Before, Phase::Sent];
    let operations = match process.role {
        Role::Coordinator => vec![
            (Operation::Put, &Phase::ALL[..]),
            (message("trigger"), both),
            (message("complete"), both),
            (message("deploy"), both),
        ],
        _ => vec![
            (Operation::Ask(Ask::Commit), &Phase::ALL[..]),
            (message("ack"), both),
            (Operation::Ask(Ask::Produce), &Phase::ALL),
            (Operation::Ask(Ask::Init), &Phase::ALL),
        ],
    };
    operations.into_iter().flat_map(move |(operation, phases)| {
        FIRST_FEW.flat_map(move |ordinal| {
            let operation = operation.clone();
            phases.iter().map(move |phase| Site {
                process,
                life,
                operation: operation.clone(),
                ordinal,
                phase: *phase,
            })
        })
    })
}

/// Moves each to an earlier life, to an earlier time of the same call, and to earlier in that call.
pub(super) fn move_forward(schedule: &Schedule) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, fault) in schedule.faults.iter().enumerate() {
        let Some(site) = fault.site() else {
            continue;
        };
        let mut moved = |change: Box<dyn Fn(&mut Site)>| {
            edits.push(Edit::new((index, 0), move |schedule| {
                site_mut(&mut schedule.faults[index]).map(&change);
            }));
        };
        for life in 1..site.life.0 {
            moved(Box::new(move |site| site.life = Life(life)));
        }
        for ordinal in lower(site.ordinal) {
            moved(Box::new(move |site| site.ordinal = ordinal));
        }
        for phase in Phase::ALL.into_iter().filter(|phase| strikes_process(fault) && *phase < site.phase) {
            moved(Box::new(move |site| site.phase = phase));
        }
    }
    edits
}

/// The lowest few, half of it, and those just below it.
pub(super) fn lower(ordinal: u32) -> Vec<u32> {
    let few = (1..=4).chain([ordinal / 2, ordinal.saturating_sub(2), ordinal.saturating_sub(1)]);
    let mut few: Vec<_> = few.filter(|lower| (1..ordinal).contains(lower)).collect();
    few.sort_unstable();
    few.dedup();
    few
}

/// Makes the times in each rounder and shorter.
pub(super) fn round(schedule: &Schedule) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, fault) in schedule.faults.iter().enumerate() {
        for (which, time) in times(fault).into_iter().enumerate() {
            for rounder in rounder(time) {
                edits.push(Edit::new((index, which), move |schedule| set(schedule, index, which, rounder)));
            }
        }
    }
    edits
}

fn set(schedule: &mut Schedule, fault: usize, which: usize, time: Duration) {
    *times_mut(&mut schedule.faults[fault])[which] = time;
}
