//! What there is to see of a history, as a plain value.

use std::collections::BTreeMap;

use serde::Serialize;
use twophase::{Fact, Role};

use super::arrows::{arrows, follow};
use super::books::{Books, Tags};
use super::lanes::{Lanes, Place};
use super::way;
use crate::drawn::Drawn;
use crate::event::{Actor, Event, What};
use crate::history::{History, describe};
use crate::outcome::{self, Verdict};
use crate::schedule::Schedule;
use crate::why::{Why, why};

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

/// Of an input with more records, only the payload of the one concerned is shown.
const PAYLOADS: usize = 2_000;

/// How much of a payload is shown.
const PAYLOAD_LENGTH: usize = 200;

impl Timeline {
    /// The picture of a history that was kept ([`Keep::history`](crate::Keep)); `None` if it was not. `of` says
    /// where it comes from (`seed 41`, or a file), `replay` is the line that plays it again.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use twophase_sim::timeline::Timeline;
    /// use twophase_sim::{Generator, Keep, Seed, play, subjects};
    ///
    /// let subject = subjects::named("fences-before-committing").unwrap();
    /// let schedule = Arc::new(Generator::default().schedule(Seed(1)).unwrap());
    /// let outcome = play(&subject, &schedule, Keep { history: true, ..Keep::default() });
    /// let timeline = Timeline::new(&subject.name, "seed 1", None, &schedule, &outcome).unwrap();
    /// assert!(timeline.page().starts_with("<!doctype html>"));
    /// ```
    pub fn new(
        subject: &str,
        of: &str,
        replay: Option<&str>,
        schedule: &Schedule,
        outcome: &outcome::Outcome,
    ) -> Option<Self> {
        let history = outcome.history.as_ref()?;
        let lasted = u64::try_from(outcome.lasted.as_micros()).unwrap_or(u64::MAX);
        let mut lanes = Lanes::of(history, lasted);
        let mut books = Books::new(schedule);
        let mut tags: Vec<_> = history.events().map(|event| books.see(&event, &lanes)).collect();
        follow(history, &mut lanes, &mut tags, lasted);
        let mut steps = Steps::new(history, &lanes);
        for (event, tags) in history.events().zip(&tags) {
            steps.add(&event, tags);
        }
        let (steps, places) = steps.finish();
        let (bars, checkpoints) = books.finish(&places);
        let arrows = arrows(history, &lanes, &places, lasted);
        let mut timeline = Timeline {
            about: about(subject, of, replay, schedule, &outcome.verdict),
            lasted,
            lanes: lanes.finish(),
            steps,
            arrows,
            bars,
            checkpoints,
            marked: None,
            way: Vec::new(),
            payloads: BTreeMap::new(),
        };
        if let Some(record) = timeline.about.record.clone() {
            timeline.way = timeline.way_of(&record);
        }
        if let Some(finding) = outcome.finding() {
            timeline.mark(&why(history, schedule, finding), &places);
        }
        timeline.payloads = payloads(schedule, timeline.about.record.as_deref());
        Some(timeline)
    }

    /// Marks the step that broke the promise, or, where that cannot be told, the last one of the story.
    fn mark(&mut self, why: &Why, places: &[usize]) {
        let event = why.broke().or(why.slice().last());
        self.marked = event.map(|event| places[event]).or(places.last().copied());
        let should_have = why.should_have.as_ref().map(|should| format!("should have been: {should}"));
        self.about.why = should_have.into_iter().chain([why.rule.clone()]).collect();
    }

    /// The steps that this record (`s0:7`) went through: where it was written and seen, and what became of the
    /// transactions and checkpoints that carried it.
    pub fn way_of(&self, record: &str) -> Vec<usize> {
        way::of_record(self, record)
    }

    /// The steps of the transactions with this name.
    pub fn steps_of_transaction(&self, id: &str) -> Vec<usize> {
        let is_named = |step: &Step| step.bar.is_some_and(|bar| self.bars[bar].id == id);
        (0..self.steps.len()).filter(|index| is_named(&self.steps[*index])).collect()
    }
}

/// Whether a message of this kind is noise, if nothing befalls it.
pub(super) fn is_quiet(label: &str) -> bool {
    matches!(label, "heartbeat" | "alive")
}

fn about(subject: &str, of: &str, replay: Option<&str>, schedule: &Schedule, verdict: &Verdict) -> About {
    let (word, failed, says) = match verdict {
        Verdict::Held => ("held", false, "committed output equals input, exactly once".to_owned()),
        Verdict::Vacuous => ("vacuous", false, "it held, but no crash window was entered".to_owned()),
        Verdict::FailStop(said) => ("fail-stop", false, format!("the job gave up, saying: {said}")),
        Verdict::Failed(finding) => (finding.anomaly.as_str(), true, finding.detail.clone()),
    };
    let finding = match verdict {
        Verdict::Failed(finding) => Some(finding),
        _ => None,
    };
    About {
        subject: subject.to_owned(),
        of: of.to_owned(),
        verdict: word.to_owned(),
        failed,
        says: says.lines().map(str::to_owned).collect(),
        why: Vec::new(),
        window: finding.and_then(|f| f.window).map(|window| format!("{window}: {}", window.meaning())),
        record: finding.and_then(|finding| finding.record).map(|record| record.to_string()),
        replay: replay.map(str::to_owned),
        drawn: Drawn(schedule).to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn payloads(schedule: &Schedule, concerned: Option<&str>) -> BTreeMap<String, String> {
    let all = schedule.input.iter().enumerate().flat_map(|(split, records)| {
        records.iter().enumerate().map(move |(offset, payload)| (format!("s{split}:{offset}"), payload))
    });
    let wanted = |(id, _): &(String, _)| schedule.records() <= PAYLOADS || concerned == Some(id);
    all.filter(wanted).map(|(id, payload)| (id, readable(payload))).collect()
}

/// The beginning of a payload, as text if it is one.
fn readable(payload: &[u8]) -> String {
    let text = match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(_) => payload.escape_ascii().to_string(),
    };
    match text.char_indices().nth(PAYLOAD_LENGTH) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], payload.len()),
        None => text,
    }
}

/// The list of steps, while it grows.
struct Steps<'a> {
    history: &'a History,
    lanes: &'a Lanes,
    steps: Vec<Step>,
    /// For each event, its place among the steps.
    places: Vec<usize>,
    remarks: usize,
}

impl<'a> Steps<'a> {
    fn new(history: &'a History, lanes: &'a Lanes) -> Self {
        Steps { history, lanes, steps: Vec::new(), places: Vec::new(), remarks: 0 }
    }

    fn add(&mut self, event: &Event<'_>, tags: &Tags) {
        self.say();
        let (at, number) = (event.at, self.places.len() + 1);
        let place = shows_at(event);
        let lane = self.lanes.index(place);
        let by = match (event.who, Place::of(event.who)) {
            (Actor::Process { .. }, by) if by != place => Some(self.lanes.index(by)),
            _ => None,
        };
        self.places.push(self.steps.len());
        self.steps.push(Step {
            number: Some(number),
            at,
            lane,
            by,
            kind: kind(event, tags),
            text: text(event, tags),
            quiet: tags.quiet,
            bar: tags.bar,
            checkpoint: tags.checkpoint,
            records: tags.records.iter().map(ToString::to_string).collect(),
            offset: tags.offset,
        });
    }

    /// What was said before the next event.
    fn say(&mut self) {
        let (history, happened) = (self.history, self.places.len());
        while let Some(remark) = history.remarks().get(self.remarks).filter(|one| one.after <= happened) {
            self.remarks += 1;
            self.steps.push(Step {
                number: None,
                at: remark.at,
                lane: self.lanes.speaker(&remark.who, remark.at),
                by: None,
                kind: StepKind::Remark,
                text: remark.said.clone(),
                quiet: false,
                bar: None,
                checkpoint: None,
                records: Vec::new(),
                offset: None,
            });
        }
    }

    fn finish(mut self) -> (Vec<Step>, Vec<usize>) {
        self.say();
        (self.steps, self.places)
    }
}

/// Where an event shows: requests at whoever serves them, all else at whoever did it.
fn shows_at(event: &Event<'_>) -> Place {
    match event.what {
        What::Applied { .. } => Place::Broker,
        What::Put { .. } | What::Stored { .. } => Place::Store,
        What::Visible { partition, .. } => Place::Output(partition),
        _ => Place::of(event.who),
    }
}

/// How many bytes a message has tells less than what it is about.
fn text(event: &Event<'_>, tags: &Tags) -> String {
    let said = match event.what {
        What::Sent { to, label, .. } => format!("sends {label} to {to}"),
        what => describe(what),
    };
    match &tags.about {
        Some(about) => format!("{said}: {about}"),
        None => said,
    }
}

fn kind(event: &Event<'_>, tags: &Tags) -> StepKind {
    match event.what {
        What::Started => StepKind::Started,
        What::Crashed => StepKind::Crashed,
        What::Paused => StepKind::Paused,
        What::Resumed => StepKind::Resumed,
        What::AskedToStop => StepKind::AskedToStop,
        What::Ended(Ok(())) => StepKind::Ended,
        What::Ended(Err(_)) | What::Noted(Fact::GaveUp(_)) => StepKind::GaveUp,
        What::Panicked(_) => StepKind::Panicked,
        What::Struck(_) => StepKind::Fault,
        What::Healed => StepKind::Healed,
        What::Sent { .. } => StepKind::Sent,
        What::Delivered { .. } => StepKind::Got,
        What::Applied { .. } if tags.refused => StepKind::Refused,
        What::Applied { .. } => StepKind::Applied,
        What::Put { .. } if tags.refused => StepKind::Refused,
        What::Put { .. } if tags.checkpoint.is_some() => StepKind::Durable,
        What::Put { .. } => StepKind::Put,
        What::Stored { version: None, .. } => StepKind::Refused,
        What::Stored { .. } => StepKind::Put,
        What::Unanswered { .. } => StepKind::Unanswered,
        What::Noted(fact) => noted(fact),
        What::MarkerWritten { .. } => StepKind::Marker,
        What::TimedOut { .. } => StepKind::TimedOut,
        What::Visible { .. } => StepKind::Visible,
        What::BrokerDown => StepKind::BrokerDown,
        What::BrokerUp => StepKind::BrokerUp,
    }
}

fn noted(fact: &Fact) -> StepKind {
    match fact {
        Fact::Began(_) => StepKind::Began,
        Fact::PreCommitted(..) => StepKind::PreCommitted,
        Fact::Acknowledged(_) => StepKind::Acknowledged,
        Fact::Committed(_) | Fact::Indistinct(_) => StepKind::Committed,
        Fact::Aborted(_) => StepKind::Aborted,
        Fact::Restoring(_) => StepKind::Restoring,
        Fact::Restored => StepKind::Restored,
        Fact::Triggered(_) => StepKind::Triggered,
        Fact::Completed(_) => StepKind::Completed,
        Fact::Expired(_) => StepKind::Expired,
        Fact::Restarting(_) => StepKind::Restarting,
        _ => StepKind::Noted,
    }
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
