//! The nearest schedule that holds: the same less one fault, or with one value changed. It says what the failure
//! depends on.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::say::Long as Span;
use crate::outcome::{Outcome, Verdict};
use crate::schedule::Schedule;

/// Plays one; none, if it cannot.
type Play<'a> = &'a dyn Fn(&Arc<Schedule>) -> Option<Outcome>;

/// How many faults are left out at the most, one at a time.
const FAULTS: usize = 32;

/// Up to what factor a value is changed.
const FACTORS: [u32; 4] = [2, 8, 64, 1_024];

/// What holds, each in one line.
pub(super) fn nearest(schedule: &Schedule, play: Play<'_>) -> Vec<String> {
    let search = Search { schedule, play, gave_up: Cell::new(false) };
    let timed_out = search.timed_out();
    let mut said = search.without_a_fault();
    if timed_out {
        said.extend(search.duration(&TRANSACTION_TIMEOUT));
    }
    if said.is_empty() {
        said.extend(search.value());
    }
    if said.is_empty() && !search.gave_up.get() {
        let faults = match schedule.faults.len() {
            0 => "it needs no fault",
            _ => "it fails without any one of its faults too",
        };
        said.push(format!(
            "nothing near it holds: {faults}, and no one setting that is changed keeps it from failing"
        ));
    }
    said
}

struct Search<'a> {
    schedule: &'a Schedule,
    play: Play<'a>,
    /// Something could not be played: of what was not tried nothing is said.
    gave_up: Cell<bool>,
}

/// A duration of a schedule, by its name.
struct Long {
    name: &'static str,
    get: fn(&Schedule) -> Duration,
    set: fn(&mut Schedule, Duration),
}

macro_rules! long {
    ($name:literal, $($field:ident).+) => {
        Long {
            name: $name,
            get: |schedule| schedule.$($field).+,
            set: |schedule, value| schedule.$($field).+ = value,
        }
    };
}

const TRANSACTION_TIMEOUT: Long = long!("transaction_timeout", settings.transaction_timeout);

/// In the order in which people turn them.
const DURATIONS: [Long; 9] = [
    TRANSACTION_TIMEOUT,
    long!("checkpoint_interval", settings.checkpoint_interval),
    long!("checkpoint_timeout", settings.checkpoint_timeout),
    long!("checkpoint_pause", settings.checkpoint_pause),
    long!("retry_backoff", settings.retry_backoff),
    long!("request_timeout", timing.request_timeout),
    long!("heartbeat_timeout", settings.heartbeat_timeout),
    long!("restart_delay", settings.restart_delay),
    long!("sweep_interval", broker.sweep_interval),
];

/// A change of one thing that is no duration: what it is called, before and after.
type Change = (String, fn(&mut Schedule));

impl Search<'_> {
    fn holds(&self, candidate: Schedule) -> bool {
        if candidate.check().is_err() {
            return false;
        }
        let outcome = (self.play)(&Arc::new(candidate));
        self.gave_up.set(self.gave_up.get() || outcome.is_none());
        outcome.is_some_and(|outcome| matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous))
    }

    fn with(&self, change: impl FnOnce(&mut Schedule)) -> bool {
        let mut candidate = self.schedule.clone();
        change(&mut candidate);
        candidate != *self.schedule && self.holds(candidate)
    }

    fn timed_out(&self) -> bool {
        let outcome = (self.play)(&Arc::new(self.schedule.clone()));
        outcome.is_some_and(|outcome| outcome.timed_out > 0)
    }

    /// Each fault that is needed, if one less is enough.
    fn without_a_fault(&self) -> Vec<String> {
        let faults = self.schedule.faults.iter().enumerate().take(FAULTS);
        let needed = faults.filter(|(index, _)| self.with(|schedule| drop(schedule.faults.remove(*index))));
        needed.map(|(_, fault)| format!("holds without this fault: {fault}")).collect()
    }

    fn value(&self) -> Option<String> {
        self.change().or_else(|| DURATIONS.iter().find_map(|long| self.duration(long)))
    }

    /// A smaller or plainer job.
    fn change(&self) -> Option<String> {
        let settings = &self.schedule.settings;
        let mut all: Vec<Change> = Vec::new();
        if settings.parallelism > 1 {
            all.push((format!("1 sink in place of {}", settings.parallelism), |schedule| {
                schedule.settings.parallelism = 1
            }));
        }
        if settings.partitions > 1 {
            all.push((format!("1 partition in place of {}", settings.partitions), |schedule| {
                schedule.settings.partitions = 1
            }));
        }
        if settings.batch > 1 {
            all.push((format!("batch = 1 in place of {}", settings.batch), |schedule| {
                schedule.settings.batch = 1
            }));
        }
        if settings.checkpoints_in_flight > 1 {
            let before = settings.checkpoints_in_flight;
            all.push((format!("checkpoints_in_flight = 1 in place of {before}"), |schedule| {
                schedule.settings.checkpoints_in_flight = 1;
            }));
        }
        if let Some((name, _)) = all.iter().find(|(_, change)| self.with(change)) {
            return Some(format!("holds with {name}"));
        }
        self.fewer_records()
    }

    /// One record less, if there is more than one.
    fn fewer_records(&self) -> Option<String> {
        let records = self.schedule.records();
        let splits = 0..self.schedule.input.len();
        let mut shorter = splits.filter(|split| records > 1 && !self.schedule.input[*split].is_empty());
        shorter.any(|split| self.with(|schedule| drop(schedule.input[split].pop()))).then(|| {
            match records - 1 {
                1 => format!("holds with 1 record in place of {records}"),
                fewer => format!("holds with {fewer} records in place of {records}"),
            }
        })
    }

    /// The value next to this one, to a sixteenth, with which it holds.
    fn duration(&self, long: &Long) -> Option<String> {
        let now = (long.get)(self.schedule);
        let holds = |value: Duration| self.with(|schedule| (long.set)(schedule, value));
        let base = now.max(Duration::from_millis(1));
        let longer = FACTORS.iter().map(|factor| base * *factor);
        let shorter = FACTORS.iter().map(|factor| base / *factor);
        let far = longer.chain(shorter).find(|value| holds(*value))?;
        let (mut fails, mut good) = (now, far);
        while fails.abs_diff(good) > Duration::from_millis(1).max(good.max(fails) / 16) {
            let middle = rounded((fails + good) / 2);
            if middle == fails || middle == good {
                break;
            }
            match holds(middle) {
                true => good = middle,
                false => fails = middle,
            }
        }
        if self.gave_up.get() && far != good && fails == now {
            return None;
        }
        Some(match fails == now {
            true => format!("holds with {} = {} in place of {}", long.name, Span(good), Span(now)),
            false => format!(
                "holds with {} = {} in place of {} (not yet with {})",
                long.name,
                Span(good),
                Span(now),
                Span(fails)
            ),
        })
    }
}

/// To whole milliseconds, where it has some.
fn rounded(value: Duration) -> Duration {
    match value.as_millis() as u64 {
        0 => value,
        millis => Duration::from_millis(millis),
    }
}
