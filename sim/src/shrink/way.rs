//! In which way a schedule fails, and whether another one fails in the same.

use crate::anomaly::{Anomaly, Concerned, Finding};
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
    /// Whether answers come in time.
    answered: bool,
}

impl Way {
    pub(super) fn of(schedule: &Schedule, finding: &Finding) -> Self {
        Way {
            anomaly: finding.anomaly,
            window: finding.window,
            place: place(finding).map(str::to_owned),
            safe: is_safe(schedule),
            answered: is_answered(schedule),
        }
    }

    /// Whether a schedule could count at all, before it is played.
    ///
    /// Inside the safe rule it has to stay there: outside, every sink loses records to a transaction timeout, or to
    /// a fault that the protocol does not survive, and such a loss would hide the mistake that was found. What lies
    /// outside may come inside: if it still fails, the settings were not to blame. Likewise, where no answer comes in
    /// time every job is stuck.
    pub(super) fn allows(&self, schedule: &Schedule) -> bool {
        schedule.check().is_ok()
            && (!self.safe || is_safe(schedule))
            && (!self.answered || is_answered(schedule))
    }

    /// Whether this came of it.
    pub(super) fn is_of(&self, outcome: &Outcome) -> bool {
        outcome.finding().is_some_and(|finding| {
            (finding.anomaly, finding.window) == (self.anomaly, self.window)
                && place(finding) == self.place.as_deref()
        })
    }
}

/// Whether the answer to a request that nothing disturbs comes before its sender stops waiting.
fn is_answered(schedule: &Schedule) -> bool {
    let timing = &schedule.timing;
    timing.latency.max * 2 + timing.store.max < timing.request_timeout
}

fn place(finding: &Finding) -> Option<&str> {
    match &finding.concerned {
        Some(Concerned::Place(place)) => Some(place),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::anomaly::Said;
    use crate::generate::Generator;
    use crate::quiet::Panic;
    use crate::seed::Seed;

    fn schedule() -> Schedule {
        Generator::default().schedule(Seed(7)).expect("made-up records can always be read")
    }

    fn finding(anomaly: Anomaly) -> Finding {
        Finding::new(anomaly, 0, String::new())
    }

    #[test]
    fn what_is_answered_in_time_stays_so() {
        let mut in_time = schedule();
        in_time.settings.transaction_timeout = Duration::from_secs(900);
        let mut late = in_time.clone();
        late.timing.latency.max = late.timing.request_timeout;
        let allowed = |from, to| Way::of(from, &finding(Anomaly::Stuck)).allows(to);
        assert!(is_answered(&in_time) && is_safe(&late));
        assert!(allowed(&in_time, &in_time) && !allowed(&in_time, &late));
        assert!(allowed(&late, &in_time) && allowed(&late, &late));
    }

    #[test]
    fn what_lies_inside_the_safe_rule_stays_there_and_what_does_not_may_come_in() {
        let (inside, mut outside) = (schedule(), schedule());
        outside.settings.transaction_timeout = Duration::from_millis(5);
        let lost = finding(Anomaly::Lost);
        let allowed = |from, to| Way::of(from, &lost).allows(to);
        assert!(allowed(&inside, &inside) && !allowed(&inside, &outside));
        assert!(allowed(&outside, &inside) && allowed(&outside, &outside));
    }

    #[test]
    fn a_schedule_that_cannot_be_played_never_counts() {
        let mut broken = schedule();
        broken.settings.splits += 1;
        assert!(!Way::of(&schedule(), &finding(Anomaly::Stuck)).allows(&broken));
    }

    #[test]
    fn a_panic_elsewhere_is_another() {
        let of = |message: &str, place: &str| {
            let panic = Panic { message: message.to_owned(), place: Some(place.to_owned()) };
            let said = Said::of_panic("sink-0", &panic);
            Way::of(&schedule(), &Finding::new(Anomaly::Panicked, 0, said))
        };
        assert_eq!(of("no", "src/a.rs:3:1"), of("oh", "src/a.rs:3:1"));
        assert_ne!(of("no", "src/a.rs:3:1"), of("no", "src/a.rs:4:1"));
    }
}
