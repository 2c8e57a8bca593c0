//! The way of a record through a history.

use std::collections::BTreeSet;

use super::model::{Bar, Step, StepKind, Timeline};

/// The steps that a record went through: where it was written and seen, what became of the transactions that
/// carried it and of the checkpoints that named those, and what befell their writers meanwhile.
pub(super) fn of_record(timeline: &Timeline, record: &str) -> Vec<usize> {
    let carriers = carriers(timeline, record);
    let checkpoints: BTreeSet<_> = carriers.iter().filter_map(|bar| timeline.bars[*bar].checkpoint).collect();
    let belongs = |step: &Step| {
        let carries = step.bar.is_some_and(|bar| carriers.contains(&bar));
        step.records.iter().any(|one| one == record)
            || carries && step.records.is_empty()
            || of_checkpoint(step) && step.checkpoint.is_some_and(|id| checkpoints.contains(&id))
            || carriers.iter().any(|bar| befalls(timeline, step, &timeline.bars[*bar]))
    };
    (0..timeline.steps.len()).filter(|index| belongs(&timeline.steps[*index])).collect()
}

/// The transactions that carried it.
fn carriers(timeline: &Timeline, record: &str) -> BTreeSet<usize> {
    let carries = |step: &&Step| step.records.iter().any(|one| one == record);
    timeline.steps.iter().filter(carries).filter_map(|step| step.bar).collect()
}

fn of_checkpoint(step: &Step) -> bool {
    use StepKind::{Acknowledged, Durable, Expired, Triggered};
    matches!(step.kind, Triggered | Acknowledged | Durable | Expired)
}

/// Whether this is a turn in the life of a process that has this transaction open or left it behind.
fn befalls(timeline: &Timeline, step: &Step, bar: &Bar) -> bool {
    use StepKind::{Crashed, Ended, GaveUp, Panicked, Paused, Restoring, Resumed, Started};
    let (lane, writer) = (&timeline.lanes[step.lane], &timeline.lanes[bar.lane]);
    let meanwhile = bar.from <= step.at && step.at <= bar.decided.unwrap_or(timeline.lasted);
    let turn =
        matches!(step.kind, Crashed | Ended | GaveUp | Panicked | Paused | Resumed | Restoring | Started);
    meanwhile && turn && lane.name == writer.name
}
