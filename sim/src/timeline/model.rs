//! What there is to see of a history, as a plain value.

use std::collections::BTreeMap;

use serde::Serialize;
use twophase::Role;

/// A history, as it is drawn. Times are microseconds since it began; every number that names a step, a lane or a
/// bar is its place in the list here, counting from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// What was played, and what came of it.
    pub about: About,
    /// When it ended.
    pub lasted: u64,
    /// From top to bottom.
    pub lanes: Vec<Lane>,
    /// All that happened, and what the processes said in between, in order.
    pub steps: Vec<Step>,
    /// Messages, requests and answers, in the order in which they set out.
    pub arrows: Vec<Arrow>,
    /// Transactions, in the order in which they began.
    pub bars: Vec<Bar>,
    /// Checkpoints, by number.
    pub checkpoints: Vec<CheckpointSpan>,
    /// The step that broke the promise, or, where that cannot be told, the last one concerned.
    pub marked: Option<usize>,
    /// The steps that the record concerned went through.
    pub way: Vec<usize>,
    /// What is in the records: all of them, or of a long input only the one concerned.
    pub payloads: BTreeMap<String, String>,
}

/// What was played, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct About {
    /// What was tested.
    pub subject: String,
    /// `seed 41`, or the file it comes from.
    pub of: String,
    /// `lost`, `held`, ...
    pub verdict: String,
    /// Whether that is an anomaly.
    pub failed: bool,
    /// What is known about it, a line each.
    pub says: Vec<String>,
    /// What should have happened in place of the marked step, and the rule that was broken, a line each.
    pub why: Vec<String>,
    /// The crash window, and what it means.
    pub window: Option<String>,
    /// The first record concerned.
    pub record: Option<String>,
    /// The line that plays it again, if there is one.
    pub replay: Option<String>,
    /// What the schedule holds, as it prints.
    pub drawn: String,
    /// Of this library.
    pub version: &'static str,
}

/// One life of one process, or a place outside the job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    /// `sink-0`, `broker`, `output p0`.
    pub name: String,
    /// Which life of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life: Option<u32>,
    /// What it is.
    pub kind: LaneKind,
    /// Since when it is there.
    pub from: u64,
    /// Until when.
    pub to: u64,
    /// How it ended, if it did: `killed`, `ended`, `gave up`, `panicked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<&'static str>,
    /// Since when it is a zombie: its replacement has started, and it is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zombie: Option<u64>,
    /// When it stood still, or was away.
    pub still: Vec<(u64, u64)>,
    /// Since when it runs the tasks of which incarnation.
    pub incarnations: Vec<(u64, String)>,
}

/// What a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// What strikes at a time, and the repair.
    World,
    /// A life of the coordinator.
    Coordinator,
    /// The checkpoint store.
    Store,
    /// A life of a sink.
    Sink,
    /// The broker.
    Broker,
    /// What a committed reader of one partition sees: up to the last stable offset.
    Output,
}

/// Something that happened, or that a process said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its number in the trace; none for what was only said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// When.
    pub at: u64,
    /// Where it shows.
    pub lane: usize,
    /// Who did it, if it shows elsewhere: requests show at whoever serves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<usize>,
    /// What it is.
    pub kind: StepKind,
    /// What happened, in words.
    pub text: String,
    /// Heartbeats and their answers, if nothing befell them: rarely what one looks for.
    #[serde(skip_serializing_if = "is_false")]
    pub quiet: bool,
    /// The transaction concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bar: Option<usize>,
    /// The checkpoint concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
    /// The records concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
    /// Of a record that can be seen: where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // each is a variant of `What`, or of `Fact`, with its name
pub enum StepKind {
    Started,
    Crashed,
    Paused,
    Resumed,
    AskedToStop,
    Ended,
    GaveUp,
    Panicked,
    Fault,
    Healed,
    Sent,
    Got,
    /// A request that was served.
    Applied,
    /// A request that was answered with an error.
    Refused,
    /// A write to the head of the store.
    Put,
    /// A write by which a checkpoint became durable.
    Durable,
    Unanswered,
    Began,
    PreCommitted,
    Acknowledged,
    Committed,
    Aborted,
    Restoring,
    Restored,
    Triggered,
    Completed,
    Expired,
    Restarting,
    Noted,
    Marker,
    TimedOut,
    Visible,
    BrokerDown,
    BrokerUp,
    /// Said through `tracing`.
    Remark,
}

/// A message, a request or an answer on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrow {
    /// What is under way.
    pub kind: ArrowKind,
    /// From which lane.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// When it left.
    pub left: u64,
    /// When it arrived, or would have.
    pub due: u64,
    /// What it is: `ack`, `produce`.
    pub label: String,
    /// What became of it.
    pub fate: Fate,
    /// By how much a fault held it up.
    #[serde(skip_serializing_if = "is_zero")]
    pub late: u64,
    /// It is the second of two: a fault repeated it.
    #[serde(skip_serializing_if = "is_false")]
    pub again: bool,
    /// The step by which it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_step: Option<usize>,
    /// The step that it caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_step: Option<usize>,
    /// As for steps.
    #[serde(skip_serializing_if = "is_false")]
    pub quiet: bool,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrowKind {
    /// From a process to another.
    Message,
    /// From a process to the broker or the store.
    Request,
    /// And back.
    Answer,
}

/// What became of something that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It arrived.
    Arrived,
    /// A fault took it.
    Lost,
    /// Nobody was there when it came.
    Unheard,
    /// The history was over first.
    UnderWay,
}

/// A transaction, from begin to commit or abort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// Its name.
    pub id: String,
    /// Producer and epoch, once it wrote something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The life that began it.
    pub lane: usize,
    /// Bars of one lane that overlap stand in different rows.
    pub row: usize,
    /// When it began.
    pub from: u64,
    /// When it was pre-committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_committed: Option<u64>,
    /// When a durable checkpoint named it: from here on it must be committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised: Option<u64>,
    /// When the broker decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<u64>,
    /// By which step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<usize>,
    /// How.
    pub outcome: Outcome,
    /// The decision breaks the promise, or makes up for one that was never given.
    #[serde(skip_serializing_if = "is_false")]
    pub wrong: bool,
    /// How many records it was given.
    pub records: usize,
    /// For which checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has not.
    Open,
    /// Its records become visible.
    Committed,
    /// They never do.
    Aborted,
    /// The same, because it was open for too long.
    TimedOut,
}

/// A checkpoint, from its trigger to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckpointSpan {
    /// Its number.
    pub id: u64,
    /// When it was first heard of.
    pub from: u64,
    /// When it became durable: the promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable: Option<u64>,
    /// When the coordinator gave it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_up: Option<u64>,
}

/// Whether a message of this kind is noise, if nothing befalls it.
pub(super) fn is_quiet(label: &str) -> bool {
    matches!(label, "heartbeat" | "alive")
}

impl From<Role> for LaneKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Coordinator => LaneKind::Coordinator,
            Role::Sink => LaneKind::Sink,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
