//! What stands within a fault and can be made smaller: its times, the processes it names, its site.

use std::time::Duration;

use crate::fault::{End, Fault};
use crate::site::{Name, Site};

/// Every time that stands in a fault.
pub(super) fn times(fault: &Fault) -> Vec<Duration> {
    times_mut(&mut fault.clone()).into_iter().map(|time| *time).collect()
}

pub(super) fn times_mut(fault: &mut Fault) -> Vec<&mut Duration> {
    match fault {
        Fault::Crash { restart_after, .. } => vec![restart_after],
        Fault::Pause { lasts, .. } => vec![lasts],
        Fault::Zombie { replaced_after, wakes_after, .. } => vec![replaced_after, wakes_after],
        Fault::CrashAt { at, restart_after, .. } | Fault::Stop { at, restart_after, .. } => {
            vec![restart_after, at]
        }
        Fault::Lose { .. } => vec![],
        Fault::Delay { by, .. } => vec![by],
        Fault::Repeat { after, .. } => vec![after],
        Fault::Partition { at, lasts, .. } | Fault::BrokerRestart { at, lasts } => vec![lasts, at],
        Fault::CoordinatorFailover { at, lasts, clock_ahead } => vec![clock_ahead, lasts, at],
        Fault::SlowMarkers { at, lasts, by } => vec![by, lasts, at],
        Fault::RepeatMarkers { at, lasts, after } => vec![after, lasts, at],
        Fault::ClockJump { at, by, .. } => vec![by, at],
    }
}

/// The processes that a fault names.
pub(crate) fn names_mut(fault: &mut Fault) -> Vec<&mut Name> {
    match fault {
        Fault::Stop { process, .. } | Fault::CrashAt { process, .. } | Fault::ClockJump { process, .. } => {
            vec![process]
        }
        Fault::Partition { from, to, .. } => [from, to]
            .into_iter()
            .filter_map(|end| match end {
                End::Process(name) => Some(name),
                End::Broker | End::Store => None,
            })
            .collect(),
        sited => site_mut(sited).map(|site| &mut site.process).into_iter().collect(),
    }
}

/// Its site, if it has one.
pub(crate) fn site_mut(fault: &mut Fault) -> Option<&mut Site> {
    match fault {
        Fault::Crash { at, .. }
        | Fault::Pause { at, .. }
        | Fault::Zombie { at, .. }
        | Fault::Lose { at }
        | Fault::Delay { at, .. }
        | Fault::Repeat { at, .. } => Some(at),
        _ => None,
    }
}

/// When it strikes, if at a time: always the last of its times.
pub(crate) fn time_mut(fault: &mut Fault) -> Option<&mut Duration> {
    fault.time()?;
    times_mut(fault).pop()
}

/// Whether it strikes a process, and so may also strike it elsewhere: not only what it sends.
pub(super) fn strikes_process(fault: &Fault) -> bool {
    matches!(fault, Fault::Crash { .. } | Fault::Pause { .. } | Fault::Zombie { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use crate::seed::Seed;

    #[test]
    fn what_stands_within_a_fault_is_what_the_fault_says() {
        for seed in 0..50 {
            let schedule =
                Generator::default().schedule(Seed(seed)).expect("made-up records can always be read");
            for fault in &schedule.faults {
                let mut same = fault.clone();
                assert_eq!(time_mut(&mut same).copied(), fault.time());
                assert_eq!(site_mut(&mut same).cloned().as_ref(), fault.site());
                assert_eq!(same, *fault);
            }
        }
    }
}
