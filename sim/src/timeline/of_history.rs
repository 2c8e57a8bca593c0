//! From a history to its picture: who draws what of it, one after the other.

use std::collections::BTreeMap;

use super::about::{about, payloads};
use super::arrows::{arrows, follow};
use super::books::Books;
use super::lanes::Lanes;
use super::model::{Step, Timeline};
use super::steps::Steps;
use super::way;
use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::why::{Why, why};

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
        outcome: &Outcome,
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
