//! Which of two schedules is the smaller one: what a person understands sooner. What weighs most comes first.
//!
//! Only what is lighter is ever taken, so shrinking ends by itself.

use std::time::Duration;

use super::plain::{self, digits};
use super::within::times;
use crate::fault::Fault;
use crate::schedule::{Schedule, Span};
use crate::site::{Operation, Site};

/// Compared field by field, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight {
    faults: usize,
    /// How hard it is to say what they do, and where.
    kinds: u32,
    sinks: u16,
    partitions: u32,
    splits: u16,
    records: usize,
    /// In which life, for the how-manieth time, and how far into the call they strike.
    lives: u64,
    ordinals: u64,
    phases: u32,
    /// How many settings and times are not plain; one that is drawn anew each time counts twice.
    odd: u32,
    /// Of the times that are not plain,
    odd_digits: u32,
    /// and of the faults.
    digits: u32,
    length: Duration,
}

impl Weight {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let faults = &schedule.faults;
        let sites = || faults.iter().filter_map(Fault::site);
        let times = || faults.iter().flat_map(times);
        let (odd, odd_digits) = oddness(schedule);
        Weight {
            faults: faults.len(),
            kinds: faults.iter().map(kind).sum(),
            sinks: schedule.settings.parallelism,
            partitions: schedule.settings.partitions,
            splits: schedule.settings.splits,
            records: schedule.records(),
            lives: sites().map(|site| u64::from(site.life.0)).sum(),
            ordinals: sites().map(|site| u64::from(site.ordinal)).sum(),
            phases: sites().map(|site| site.phase as u32).sum(),
            odd,
            odd_digits,
            digits: times().map(digits).sum(),
            length: times().sum(),
        }
    }
}

/// A crash is the simplest of all. What has a place is simpler than what has a time.
fn kind(fault: &Fault) -> u32 {
    let kind = match fault {
        Fault::Crash { .. } => 0,
        Fault::Lose { at } => 1 + at.phase as u32, // lost on its way there: simpler than on its way back
        Fault::Pause { .. } => 6,
        Fault::Delay { .. } => 7,
        Fault::Repeat { .. } => 8,
        Fault::Zombie { .. } => 9,
        Fault::CrashAt { .. } => 10,
        Fault::Stop { .. } => 11,
        Fault::BrokerRestart { .. } => 12,
        Fault::Partition { both_ways, .. } => 13 + u32::from(*both_ways),
        Fault::CoordinatorFailover { .. } => 15,
        Fault::SlowMarkers { .. } => 16,
        Fault::RepeatMarkers { .. } => 17,
        Fault::ClockJump { .. } => 18,
    };
    kind * 2 + fault.site().map_or(0, |site| u32::from(is_anywhere(site)))
}

/// "At its 37th message" says where by counting; "before its 1st commit request" says why there.
fn is_anywhere(site: &Site) -> bool {
    matches!(site.operation, Operation::Receive | Operation::Sleep | Operation::Next)
}

/// How many parts are not plain, and how many digits they have.
fn oddness(schedule: &Schedule) -> (u32, u32) {
    let clocks = plain::clocks().into_iter().map(|part| {
        let value = (part.get)(schedule);
        if value == part.plain { (0, 0) } else { (1, digits(value)) }
    });
    let spans = plain::spans().into_iter().map(|part| match (part.get)(schedule) {
        value if value == part.plain => (0, 0),
        Span { min, max } if min == max => (1, digits(min)),
        Span { min, max } => (2, digits(min) + digits(max)),
    });
    let counts = plain::counts().into_iter().map(|part| match (part.get)(schedule) {
        value if value == part.plain => (0, 0),
        value => (1, value.checked_ilog10().unwrap_or(0) + u32::from(value > 1)),
    });
    let flags = plain::flags().into_iter().map(|part| (u32::from((part.get)(schedule) != part.plain), 0));
    let all = clocks.chain(spans).chain(counts).chain(flags);
    all.fold((0, 0), |(odd, digits), (one, its)| (odd + one, digits + its))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use crate::seed::Seed;

    #[test]
    fn one_fault_less_weighs_more_than_anything_else() {
        let mut one = Generator::default().schedule(Seed(7)).expect("made-up records can always be read");
        let at = "sink-0/1/end_txn.commit#1/before".parse().expect("it is a site");
        one.faults = vec![Fault::Lose { at }];
        let mut none = one.clone();
        none.faults.clear();
        one.input = vec![Vec::new()];
        plain::make_timing_plain(&mut one);
        plain::make_settings_plain(&mut one);
        assert!(Weight::of(&none) < Weight::of(&one));
    }

    #[test]
    fn a_crash_is_lighter_than_a_pause_and_that_than_a_zombie() {
        let at = || "sink-0/1/end_txn.commit#1/before".parse().expect("it is a site");
        let (restart_after, lasts, replaced_after) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let crash = kind(&Fault::Crash { at: at(), restart_after });
        let pause = kind(&Fault::Pause { at: at(), lasts });
        let zombie = kind(&Fault::Zombie { at: at(), replaced_after, wakes_after: lasts });
        assert!(crash < pause && pause < zombie);
    }
}
