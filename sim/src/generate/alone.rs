//! Of a job without a coordinator: what was aimed at one strikes the other processes, where they do the like.

use crate::fault::{End, Fault};
use crate::site::{Name, Operation, Site};

/// Gives a fault another place, if its own cannot be.
pub(super) fn aim_elsewhere(fault: &mut Fault, processes: u16) {
    match fault {
        Fault::Crash { at, .. }
        | Fault::Pause { at, .. }
        | Fault::Zombie { at, .. }
        | Fault::Lose { at }
        | Fault::Delay { at, .. }
        | Fault::Repeat { at, .. } => site(at, processes),
        Fault::Partition { from, to, .. } => {
            end(from, End::Store);
            end(to, End::Store);
        }
        Fault::ClockJump { process, .. } | Fault::Stop { process, .. } | Fault::CrashAt { process, .. } => {
            name(process, 0, processes);
        }
        Fault::BrokerRestart { .. }
        | Fault::CoordinatorFailover { .. }
        | Fault::SlowMarkers { .. }
        | Fault::RepeatMarkers { .. } => {}
    }
}

/// Messages are how others come to know of a checkpoint; a process alone writes it down.
fn site(at: &mut Site, processes: u16) {
    name(&mut at.process, at.ordinal, processes);
    match at.operation {
        Operation::Send(_) => at.operation = Operation::Put,
        Operation::Receive => at.operation = Operation::Next,
        _ => {}
    }
}

fn name(process: &mut Name, ordinal: u32, processes: u16) {
    if *process == Name::COORDINATOR {
        *process = Name::sink((ordinal % u32::from(processes.max(1))) as u16);
    }
}

/// Whoever would be cut off from the coordinator is cut off from the store.
fn end(side: &mut End, instead: End) {
    if *side == End::Process(Name::COORDINATOR) {
        *side = instead;
    }
}
