//! Faults as numbers: all kinds, at all sites, at all times at which a history can still be harmed.

use std::borrow::Cow;
use std::mem::discriminant;
use std::time::Duration;

use twophase::Life;
use twophase_sim::fault::{End, Fault};
use twophase_sim::site::{Ask, Name, Operation, Phase, Site};

use crate::tape::{Tape, choice, count, micros};

/// As many as a history can be expected to survive in a bounded time.
const MOST: usize = 16;

/// In microseconds: a little more than what the generator draws.
const LONGEST: u64 = 350_000;
const LATEST: u64 = 1_200_000;

/// The labels of all messages.
const LABELS: [&str; 14] = [
    "ack",
    "complete",
    "trigger",
    "deploy",
    "aborted",
    "heartbeat",
    "progress",
    "end_of_input",
    "finished",
    "decline",
    "failed",
    "alive",
    "shutdown",
    "bye",
];

pub(crate) fn faults(tape: &mut impl Tape, faults: &mut Vec<Fault>) {
    let mut number = 0;
    while number < MOST && tape.another(number < faults.len()) {
        if number == faults.len() {
            faults.push(Fault::Lose { at: blank() });
        }
        fault(tape, &mut faults[number]);
        number += 1;
    }
}

fn fault(tape: &mut impl Tape, fault: &mut Fault) {
    let of_each_kind = of_each_kind();
    let known = of_each_kind.iter().position(|one| discriminant(one) == discriminant(fault));
    let mut kind = known.expect("there is one of each kind");
    count(tape, &mut kind, 0..=of_each_kind.len() as u64 - 1);
    if Some(kind) != known {
        *fault = of_each_kind[kind].clone();
    }
    fields(tape, fault);
}

fn fields(tape: &mut impl Tape, fault: &mut Fault) {
    match fault {
        Fault::Lose { at } => site(tape, at),
        Fault::Crash { at, restart_after: span }
        | Fault::Pause { at, lasts: span }
        | Fault::Delay { at, by: span }
        | Fault::Repeat { at, after: span } => {
            site(tape, at);
            micros(tape, span, 0..=LONGEST);
        }
        Fault::Zombie { at, replaced_after, wakes_after } => {
            site(tape, at);
            micros(tape, replaced_after, 0..=LONGEST);
            micros(tape, wakes_after, 0..=LONGEST);
        }
        Fault::Stop { process, at, restart_after } | Fault::CrashAt { process, at, restart_after } => {
            name(tape, process);
            micros(tape, at, 0..=LATEST);
            micros(tape, restart_after, 0..=LONGEST);
        }
        Fault::Partition { from, to, both_ways, at, lasts } => {
            choice(tape, from, &ends());
            choice(tape, to, &ends());
            choice(tape, both_ways, &[false, true]);
            micros(tape, at, 0..=LATEST);
            micros(tape, lasts, 0..=LONGEST);
        }
        Fault::BrokerRestart { at, lasts } => {
            micros(tape, at, 0..=LATEST);
            micros(tape, lasts, 0..=LONGEST);
        }
        Fault::CoordinatorFailover { at, lasts, clock_ahead: span }
        | Fault::SlowMarkers { at, lasts, by: span }
        | Fault::RepeatMarkers { at, lasts, after: span } => {
            micros(tape, at, 0..=LATEST);
            micros(tape, lasts, 0..=LATEST);
            micros(tape, span, 0..=LONGEST);
        }
        Fault::ClockJump { process, at, by, backwards } => {
            name(tape, process);
            micros(tape, at, 0..=LATEST);
            micros(tape, by, 0..=LONGEST);
            choice(tape, backwards, &[false, true]);
        }
    }
}

fn site(tape: &mut impl Tape, site: &mut Site) {
    name(tape, &mut site.process);
    count(tape, &mut site.life.0, 1..=4);
    choice(tape, &mut site.operation, &operations());
    count(tape, &mut site.ordinal, 1..=256);
    choice(tape, &mut site.phase, &Phase::ALL);
}

fn name(tape: &mut impl Tape, name: &mut Name) {
    choice(tape, name, &[Name::sink(0), Name::sink(1), Name::sink(2), Name::COORDINATOR]);
}

fn ends() -> [End; 6] {
    let [first, second, third] = [0, 1, 2].map(|sink| End::Process(Name::sink(sink)));
    [End::Broker, End::Store, End::Process(Name::COORDINATOR), first, second, third]
}

fn operations() -> Vec<Operation> {
    let asks = Ask::ALL.into_iter().map(Operation::Ask);
    let sends = LABELS.into_iter().map(|label| Operation::Send(Cow::Borrowed(label)));
    let others = [Operation::Receive, Operation::Put, Operation::Read, Operation::Next, Operation::Sleep];
    asks.chain(sends).chain(others).collect()
}

fn blank() -> Site {
    Site {
        process: Name::sink(0),
        life: Life(1),
        operation: Operation::Ask(Ask::Commit),
        ordinal: 1,
        phase: Phase::Before,
    }
}

/// One of each kind, to be filled in.
fn of_each_kind() -> [Fault; 14] {
    let (process, at, span) = (Name::sink(0), Duration::ZERO, Duration::ZERO);
    let end = End::Broker;
    [
        Fault::Crash { at: blank(), restart_after: span },
        Fault::Lose { at: blank() },
        Fault::Delay { at: blank(), by: span },
        Fault::Repeat { at: blank(), after: span },
        Fault::Pause { at: blank(), lasts: span },
        Fault::Zombie { at: blank(), replaced_after: span, wakes_after: span },
        Fault::Stop { process, at, restart_after: span },
        Fault::CrashAt { process, at, restart_after: span },
        Fault::Partition { from: end, to: end, both_ways: false, at, lasts: span },
        Fault::BrokerRestart { at, lasts: span },
        Fault::CoordinatorFailover { at, lasts: span, clock_ahead: span },
        Fault::SlowMarkers { at, lasts: span, by: span },
        Fault::RepeatMarkers { at, lasts: span, after: span },
        Fault::ClockJump { process, at, by: span, backwards: false },
    ]
}
