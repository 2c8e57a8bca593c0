//! What goes wrong: the rows of the table.

use twophase_sim::fault::FaultKind;

/// What goes wrong in the cells of one row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) weather: Weather,
}

/// How.
#[derive(Debug)]
pub(crate) enum Weather {
    /// Such a request comes late.
    Late(&'static str, Late),
    /// The same, and its process dies as soon as it is on its way.
    LateAndCrashed(&'static str, Late),
    /// The same, and its process is asked to end about then.
    LateAndStopped(&'static str, Late),
    /// What the generator draws of these kinds.
    Drawn(&'static [FaultKind]),
}

/// Late how.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Late {
    /// At all; from the request timeout on, behind its own retry.
    Delayed,
    /// For the second time.
    Repeated,
}

use Late::{Delayed, Repeated};
use Weather::{Drawn, LateAndCrashed, LateAndStopped};

const fn row(name: &'static str, weather: Weather) -> Row {
    Row { name, weather }
}

pub(crate) const ROWS: &[Row] = &[
    row("`InitProducerId` delayed", Weather::Late("init", Delayed)),
    row("`InitProducerId` repeated", Weather::Late("init", Repeated)),
    row("`AddPartitionsToTxn` delayed", Weather::Late("add_partitions", Delayed)),
    row("`AddPartitionsToTxn` repeated", Weather::Late("add_partitions", Repeated)),
    row("the same, and a clean stop", LateAndStopped("add_partitions", Repeated)),
    row("`Produce` delayed", Weather::Late("produce", Delayed)),
    row("the same, and a crash", LateAndCrashed("produce", Delayed)),
    row("the same, and a clean stop", LateAndStopped("produce", Delayed)),
    row("`Produce` repeated", Weather::Late("produce", Repeated)),
    row("the same, and a clean stop", LateAndStopped("produce", Repeated)),
    row("`EndTxn(commit)` delayed", Weather::Late("end_txn.commit", Delayed)),
    row("the same, and a crash", LateAndCrashed("end_txn.commit", Delayed)),
    row("`EndTxn(commit)` repeated", Weather::Late("end_txn.commit", Repeated)),
    row("`EndTxn(abort)` of a clean stop delayed", LateAndStopped("end_txn.abort", Delayed)),
    row("`EndTxn(abort)` of a clean stop repeated", LateAndStopped("end_txn.abort", Repeated)),
    row("any crash", Drawn(&[FaultKind::Crash])),
    row("any pause", Drawn(&[FaultKind::Pause])),
    row("any zombie", Drawn(&[FaultKind::Zombie])),
    row("any clean stop", Drawn(&[FaultKind::Stop])),
    row("any lost message or request", Drawn(&[FaultKind::Lose])),
    row("anything applied, answer lost", Drawn(&[FaultKind::LoseAnswer])),
    row("any delay", Drawn(&[FaultKind::Delay])),
    row("any repeat but of `InitProducerId`", Drawn(&[FaultKind::Repeat])),
    row("any partition", Drawn(&[FaultKind::Partition])),
    row("any broker restart", Drawn(&[FaultKind::BrokerRestart])),
    row("any coordinator failover", Drawn(&[FaultKind::CoordinatorFailover])),
    row("any slow markers", Drawn(&[FaultKind::SlowMarkers])),
    row("any repeated markers", Drawn(&[FaultKind::RepeatMarkers])),
    row("any clock jump", Drawn(&[FaultKind::ClockJump])),
    row("all of these kinds together", Drawn(&FaultKind::ALL)),
];
