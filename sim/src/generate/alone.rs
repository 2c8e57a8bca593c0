//! Of a job without a coordinator: what was aimed at one strikes the other processes, where they do the like.

use crate::fault::{End, Fault};
use crate::site::{Name, Operation, Site};

/// Gives a fault another place, if its own cannot be.
pub(crate) fn aim_elsewhere(fault: &mut Fault, processes: u16) {
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

#[cfg(test)]
mod tests {
    use crate::generate::Generator;
    use crate::seed::Seed;
    use crate::site::Name;

    #[test]
    fn nothing_is_aimed_at_a_coordinator_that_does_not_exist_and_nothing_is_left_out() {
        let faults = |alone, seed| {
            let schedule = Generator { alone, ..Generator::default() }.schedule(Seed(seed));
            schedule.expect("made-up records can always be read").faults
        };
        let coordinator = Name::COORDINATOR.to_string();
        let named = |alone| {
            let all = (0..200).flat_map(|seed| faults(alone, seed));
            all.filter(|fault| fault.to_string().contains(&coordinator)).count()
        };
        assert!(named(false) > 100, "{}", named(false));
        assert_eq!(named(true), 0);
        assert!((0..200).all(|seed| faults(true, seed).len() == faults(false, seed).len()));
    }
}
