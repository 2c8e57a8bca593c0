//! The list of steps: events, and what the processes said in between.

use twophase::Fact;

use super::books::Tags;
use super::lanes::{Lanes, Place};
use super::model::{Step, StepKind};
use crate::event::{Actor, Event, What};
use crate::history::{History, describe};

/// The list of steps, while it grows.
pub(super) struct Steps<'a> {
    history: &'a History,
    lanes: &'a Lanes,
    steps: Vec<Step>,
    /// For each event, its place among the steps.
    places: Vec<usize>,
    remarks: usize,
}

impl<'a> Steps<'a> {
    pub(super) fn new(history: &'a History, lanes: &'a Lanes) -> Self {
        Steps { history, lanes, steps: Vec::new(), places: Vec::new(), remarks: 0 }
    }

    pub(super) fn add(&mut self, event: &Event<'_>, tags: &Tags) {
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

    pub(super) fn finish(mut self) -> (Vec<Step>, Vec<usize>) {
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
        Fact::Restoring(..) => StepKind::Restoring,
        Fact::Restored => StepKind::Restored,
        Fact::Triggered(_) => StepKind::Triggered,
        Fact::Completed(_) => StepKind::Completed,
        Fact::Expired(_) => StepKind::Expired,
        Fact::Restarting(_) => StepKind::Restarting,
        _ => StepKind::Noted,
    }
}
