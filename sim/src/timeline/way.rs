//! The way of a record through a history, and the step at which the promise broke.

use std::collections::BTreeSet;

use super::model::{Bar, Outcome, Step, StepKind, Timeline};
use crate::anomaly::{Anomaly, Finding};

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

/// The step that broke the promise, or, where that cannot be told, the one by which it was seen.
pub(super) fn marked(timeline: &Timeline, finding: &Finding) -> Option<usize> {
    let record = finding.record.map(|record| record.to_string());
    let last = |is: &dyn Fn(&Step) -> bool| timeline.steps.iter().rposition(is);
    let of_record = |step: &Step| record.as_ref().is_some_and(|record| step.records.contains(record));
    let found = match finding.anomaly {
        Anomaly::Lost => record.as_deref().and_then(|record| given_up(timeline, record)),
        Anomaly::Unfenced => last(&|step| step.kind == StepKind::Applied && step.at == finding.at),
        Anomaly::Panicked => last(&|step| step.kind == StepKind::Panicked),
        Anomaly::Stuck | Anomaly::Hung => finding
            .transaction
            .as_ref()
            .and_then(|id| last(&|step| step.bar.is_some_and(|bar| timeline.bars[bar].id == id.as_str()))),
        _ => last(&|step| step.kind == StepKind::Visible && of_record(step)),
    };
    found.or_else(|| last(&|step| step.number.is_some()))
}

/// By which step a record was lost: by which its promised transaction was aborted, or else the last one; or, if
/// it was never written, the checkpoint that left it out.
fn given_up(timeline: &Timeline, record: &str) -> Option<usize> {
    let carriers = carriers(timeline, record);
    let aborted = |bar: &&Bar| matches!(bar.outcome, Outcome::Aborted | Outcome::TimedOut);
    let bars: Vec<_> = carriers.iter().map(|bar| &timeline.bars[*bar]).filter(aborted).collect();
    let promised = bars.iter().find(|bar| bar.promised.is_some() || bar.wrong);
    let fatal = promised.or(bars.last()).and_then(|bar| bar.decided_by);
    fatal.or_else(|| timeline.steps.iter().rposition(|step| step.kind == StepKind::Durable))
}
