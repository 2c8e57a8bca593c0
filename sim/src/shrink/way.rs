//! In which way a schedule fails, and whether another one fails in the same.

use crate::anomaly::{Anomaly, Finding};
use crate::coverage::Window;
use crate::outcome::Outcome;
use crate::safe::is_safe;
use crate::schedule::Schedule;

/// What a smaller schedule has to have in common with the one that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    anomaly: Anomaly,
    window: Option<Window>,
    /// Of a panic: where in the code. One that happens elsewhere is another mistake.
    place: Option<String>,
    /// Whether it lies inside the safe rule.
    safe: bool,
}

impl Way {
    pub(super) fn of(schedule: &Schedule, finding: &Finding) -> Self {
        Way {
            anomaly: finding.anomaly,
            window: finding.window,
            place: place(finding),
            safe: is_safe(schedule),
        }
    }

    /// Whether a schedule could count at all, before it is played.
    ///
    /// Inside the safe rule it has to stay there: outside, every sink loses records to a transaction timeout, or to
    /// a fault that the protocol does not survive, and such a loss would hide the mistake that was found. What lies
    /// outside may come inside: if it still fails, the settings were not to blame.
    pub(super) fn allows(&self, schedule: &Schedule) -> bool {
        schedule.check().is_ok() && (!self.safe || is_safe(schedule))
    }

    /// Whether this came of it.
    pub(super) fn is_of(&self, outcome: &Outcome) -> bool {
        outcome.finding().is_some_and(|finding| {
            (finding.anomaly, finding.window) == (self.anomaly, self.window) && place(finding) == self.place
        })
    }
}

fn place(finding: &Finding) -> Option<String> {
    let lines = finding.detail.lines();
    let mut places = lines.filter_map(|line| line.strip_prefix("at "));
    let place = places.next().map(str::to_owned);
    place.filter(|_| finding.anomaly == Anomaly::Panicked)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::generate::Generator;
    use crate::seed::Seed;

    fn schedule() -> Schedule {
        Generator::default().schedule(Seed(7)).expect("made-up records can always be read")
    }

    fn finding(anomaly: Anomaly, detail: &str) -> Finding {
        let detail = detail.to_owned();
        Finding { anomaly, window: None, at: 0, record: None, records: 0, transaction: None, detail }
    }

    #[test]
    fn what_lies_inside_the_safe_rule_stays_there_and_what_does_not_may_come_in() {
        let (inside, mut outside) = (schedule(), schedule());
        outside.settings.transaction_timeout = Duration::from_millis(5);
        let lost = finding(Anomaly::Lost, "");
        let allowed = |from, to| Way::of(from, &lost).allows(to);
        assert!(allowed(&inside, &inside) && !allowed(&inside, &outside));
        assert!(allowed(&outside, &inside) && allowed(&outside, &outside));
    }

    #[test]
    fn a_schedule_that_cannot_be_played_never_counts() {
        let mut broken = schedule();
        broken.settings.splits += 1;
        assert!(!Way::of(&schedule(), &finding(Anomaly::Stuck, "")).allows(&broken));
    }

    #[test]
    fn a_panic_elsewhere_is_another() {
        let at = |line: &str| Way::of(&schedule(), &finding(Anomaly::Panicked, line));
        assert_eq!(at("sink-0 panicked: no\nat src/a.rs:3:1"), at("sink-1 panicked: oh\nat src/a.rs:3:1"));
        assert_ne!(at("sink-0 panicked: no\nat src/a.rs:3:1"), at("sink-0 panicked: no\nat src/a.rs:4:1"));
    }
}
