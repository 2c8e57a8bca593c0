//! The safe rule: how long the transaction timeout must be so that no promised transaction times out.
//!
//! Most real losses are a wrong order of three settings: checkpoint interval, transaction timeout, outage
//! length. A transaction's clock starts when its first partition is added, at the earliest when the barrier
//! before it passes, and stops when EndTxn(commit) is accepted (the markers do not count). In between lie
//! every checkpoint that fails or whose notice misses this sink, and, after the promise, every crash and
//! back-off until a commit gets through. So
//!
//! *transaction timeout ≥ S + (F + 1) · P + checkpoint timeout + D + O + J*
//!
//! It is a pure function of the schedule. It bounds from above: every fault is taken to strike at the worst
//! moment, and all of them one after the other.

use std::time::Duration;

use crate::fault::Fault;
use crate::schedule::Schedule;
use crate::site::{Ask, Operation};

/// The terms of the rule, so that a report can say which of them was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeRule {
    /// S: from the first sink's restore until all tasks run.
    pub start: Duration,
    /// (F + 1) · P: the checkpoints that may fail in a row, or whose notice may miss this sink, and the one
    /// that succeeds; P is the interval, or what an expiring checkpoint holds its slot for, if that is longer.
    pub checkpoints: Duration,
    /// The checkpoint that succeeds may take this long.
    pub checkpoint_timeout: Duration,
    /// D: the last store write, the notice, and the retries of the commit.
    pub delivery: Duration,
    /// O: the sum of all outages after the promise, each with its detection, back-off, start and restore.
    pub outages: Duration,
    /// J: how far the clocks of two broker coordinators can differ forwards.
    pub clocks: Duration,
}

/// The terms for this schedule.
///
/// ```
/// use std::time::Duration;
/// use twophase_sim::{Generator, Seed, is_safe, safe_rule};
///
/// let mut schedule = Generator::default().schedule(Seed(41)).unwrap();
/// assert!(is_safe(&schedule));
/// schedule.settings.transaction_timeout = safe_rule(&schedule).needed() - Duration::from_millis(1);
/// assert!(!is_safe(&schedule));
/// ```
pub fn safe_rule(schedule: &Schedule) -> SafeRule {
    let settings = &schedule.settings;
    let period = settings.checkpoint_interval.max(settings.checkpoint_timeout + settings.checkpoint_pause);
    let failing: u32 = schedule.faults.iter().map(|fault| checkpoints_failed_by(fault, period)).sum();
    SafeRule {
        start: start(schedule),
        checkpoints: period * (failing + 1),
        checkpoint_timeout: settings.checkpoint_timeout,
        delivery: delivery(schedule),
        outages: schedule.faults.iter().map(|fault| outage(fault, schedule)).sum(),
        clocks: schedule.faults.iter().map(clock_difference).max().unwrap_or_default(),
    }
}

/// Whether the correct job loses nothing under this schedule: no promised transaction can time out, and no
/// fault lies in a cell where the protocol itself is known to lose (`docs/cells.md` has them all, from runs).
///
/// Brokers that do not verify partitions are inside the rule. They take a late batch behind its marker if its epoch is
/// still good (KIP-890), but a client that initialises before each transaction, and fences what it finds, leaves none:
/// it commits when all is answered, and everything else raises the epoch.
pub fn is_safe(schedule: &Schedule) -> bool {
    let in_time = schedule.settings.transaction_timeout >= safe_rule(schedule).needed();
    in_time && !schedule.faults.iter().any(is_known_unsafe)
}

/// Whether no client can survive this fault.
///
/// A repeated `InitProducerId` that arrives late aborts whatever its own transaction holds by then, promised or
/// not: the request carries nothing that tells it from a takeover (KIP-98; KIP-360's expected epoch exists only
/// from the second one on). Between a client and a broker TCP keeps this from happening, and our client never
/// repeats one by itself under the same name.
pub fn is_known_unsafe(fault: &Fault) -> bool {
    matches!(fault, Fault::Repeat { at, .. } if at.operation == Operation::Ask(Ask::Init))
}

impl SafeRule {
    /// The shortest transaction timeout that is safe.
    pub fn needed(&self) -> Duration {
        self.start + self.checkpoints + self.checkpoint_timeout + self.delivery + self.outages + self.clocks
    }

    /// The largest term, by name: what to shorten first.
    pub fn largest(&self) -> (&'static str, Duration) {
        [
            ("the start of all tasks", self.start),
            ("checkpoints that fail or whose notice is lost", self.checkpoints),
            ("the checkpoint timeout", self.checkpoint_timeout),
            ("the last store write, the notice and the commit", self.delivery),
            ("outages", self.outages),
            ("the difference of the broker's clocks", self.clocks),
        ]
        .into_iter()
        .max_by_key(|(_, length)| *length)
        .expect("there are six terms")
    }
}

/// One request and its answer, with one refusal in between.
fn call(schedule: &Schedule) -> Duration {
    schedule.timing.latency.max * 2 + schedule.settings.retry_backoff
}

/// How many requests a sink sends at the most while it restores: commits and fences of what it finds, the
/// list before and the init after.
const RESTORE_CALLS: u32 = 16;

fn start(schedule: &Schedule) -> Duration {
    let deployed = schedule.settings.heartbeat_interval + schedule.timing.latency.max * 2;
    deployed + call(schedule) * RESTORE_CALLS + schedule.broker.markers.max * 4
}

fn delivery(schedule: &Schedule) -> Duration {
    let stored = schedule.timing.store.max + call(schedule);
    let noticed = schedule.timing.latency.max + call(schedule) * 4;
    stored + noticed + call(schedule) * RESTORE_CALLS
}

/// From the end of an outage until the commit it stood in the way of.
fn failover(schedule: &Schedule) -> Duration {
    let settings = &schedule.settings;
    let noticed = settings.heartbeat_timeout + settings.heartbeat_interval;
    let drawn = (schedule.timing.store.max + call(schedule)) * 2;
    noticed + settings.restart_delay_max + drawn + start(schedule)
}

/// How long this fault can stand between a promise and its commit.
fn outage(fault: &Fault, schedule: &Schedule) -> Duration {
    let unanswered = schedule.timing.request_timeout + schedule.settings.retry_backoff;
    failover(schedule)
        + match fault {
            Fault::Crash { restart_after, .. }
            | Fault::CrashAt { restart_after, .. }
            | Fault::Stop { restart_after, .. } => *restart_after,
            Fault::Pause { lasts, .. } => *lasts,
            Fault::Zombie { replaced_after, wakes_after, .. } => *replaced_after + *wakes_after,
            Fault::Lose { .. } => unanswered,
            Fault::Delay { by, .. } => *by + unanswered,
            Fault::Repeat { after, .. } => *after,
            Fault::Partition { lasts, .. } | Fault::BrokerRestart { lasts, .. } => *lasts + unanswered,
            Fault::CoordinatorFailover { lasts, .. } => *lasts + unanswered,
            Fault::SlowMarkers { by, .. } => *by * 2,
            Fault::RepeatMarkers { .. } => Duration::ZERO, // the first ones come in time
            Fault::ClockJump { by, .. } => *by,
        }
}

/// How many checkpoints this fault can fail, or hide from a sink.
fn checkpoints_failed_by(fault: &Fault, period: Duration) -> u32 {
    let lasts = match fault {
        Fault::Pause { lasts, .. } | Fault::Partition { lasts, .. } => *lasts,
        Fault::BrokerRestart { lasts, .. } | Fault::CoordinatorFailover { lasts, .. } => *lasts,
        Fault::SlowMarkers { lasts, by, .. } => *lasts + *by,
        Fault::Delay { by, .. } => *by,
        Fault::Zombie { replaced_after, .. } => *replaced_after,
        _ => Duration::ZERO,
    };
    1 + (lasts.as_micros() / period.as_micros().max(1)) as u32
}

fn clock_difference(fault: &Fault) -> Duration {
    match fault {
        Fault::CoordinatorFailover { clock_ahead, .. } => *clock_ahead,
        _ => Duration::ZERO,
    }
}
