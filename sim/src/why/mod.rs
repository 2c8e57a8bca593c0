//! Why a history failed: the slice of it about the records and transactions concerned, the step that broke the promise,
//! and what should have happened instead; and beside it the nearest schedule that holds.
//!
//! ```text
//!   History ─► Account ─┬─► one explanation for each anomaly ─► Story ─► Why
//!   Finding ────────────┘   (lost, duplicate, premature, ...)             │
//!   Schedule ─► nearest: one fault less, or one value changed ────────────┘
//! ```
//!
//! - `account`: by which event each transaction came as far as it did, and what each event concerns
//! - one file for each anomaly: a pure function from the account and the finding to a [`Story`]; `promise` and `timeout`
//!   are what several of them share
//! - `story`: which events belong to it; `say`: how they read; `print`: how it prints
//! - `nearest`: the same schedule less one fault, or with one value changed, that holds
//!
//! A sweep pays nothing for it: what failed is played once more, with a recorder.

mod aborted_read;
mod account;
mod duplicate;
mod hung;
mod invented;
mod lost;
mod nearest;
mod panicked;
mod premature;
mod print;
mod promise;
mod reordered;
mod say;
mod story;
mod stuck;
mod timeout;
mod undecided_read;
mod unfenced;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::anomaly::{Anomaly, Finding};
use crate::coverage::Window;
use crate::event::{Actor, What};
use crate::history::History;
use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::subject::Subject;
use crate::sweep::play_alone;
use crate::wall::HANG_TIMEOUT;
use crate::watch::Keep;
use account::{Account, name_of};
use say::{repeats, say};
use story::Story;

/// Why a history failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// What was found, in one sentence.
    pub finding: String,
    /// What happened to the records and transactions concerned, in order.
    pub steps: Vec<Step>,
    /// What should have happened in place of the step that broke the promise, if that can be told.
    pub should_have: Option<String>,
    /// The rule of the protocol that was broken.
    pub rule: String,
    /// What can be said about settings: which were too short, and which values are safe.
    pub advice: Vec<String>,
    /// The same schedule less one fault, or with one value changed, that holds.
    pub nearest: Vec<String>,
}

/// One step of a [`Why`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The event, by its number in the trace, which counts from 1.
    pub step: usize,
    /// Microseconds since the history began.
    #[serde(rename = "at_micros")]
    pub at: u64,
    /// Who did it, or to whom it happened.
    pub who: String,
    /// What.
    pub what: String,
    /// The crash window that was entered here, if it is the one of the anomaly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Whether this is the step that broke the promise.
    pub broke: bool,
}

impl Why {
    /// The event that broke the promise, by its place in the history, counting from 0.
    pub fn broke(&self) -> Option<usize> {
        self.steps.iter().find(|step| step.broke).map(|step| step.step - 1)
    }

    /// The events of the slice, by their places in the history, counting from 0.
    pub fn slice(&self) -> impl Iterator<Item = usize> + '_ {
        self.steps.iter().map(|step| step.step - 1)
    }
}

/// Plays a schedule that fails once more, and says why it does; with the nearest schedule that holds. None if it does
/// not fail, or does not come back.
///
/// ```
/// use std::sync::Arc;
/// use twophase_sim::{Generator, Seed, explain, subjects};
///
/// let subject = subjects::named("commits-at-barrier").unwrap();
/// let schedule = Arc::new(Generator::default().schedule(Seed(1)).unwrap());
/// let why = explain(&subject, &schedule).expect("nearly every seed fails");
/// assert!(why.should_have.unwrap().starts_with("wait"));
/// ```
pub fn explain(subject: &Subject, schedule: &Arc<Schedule>) -> Option<Why> {
    Explain { subject, schedule, hang_timeout: HANG_TIMEOUT, budget: u64::MAX }.again()
}

/// A schedule that failed, to be explained.
pub(crate) struct Explain<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) schedule: &'a Arc<Schedule>,
    pub(crate) hang_timeout: Duration,
    /// After how many events to end the search for the nearest schedule that holds: counted, and not timed, so that the
    /// same is said on every machine.
    pub(crate) budget: u64,
}

/// How far reports look for the nearest schedule that holds: some tenths of a second, and some seconds in debug. It is
/// found in a fraction of it, unless histories are long.
pub(crate) const NEAREST_BUDGET: u64 = 300_000;

impl Explain<'_> {
    /// Plays it once more, with a recorder.
    pub(crate) fn again(&self) -> Option<Why> {
        let keep = Keep { history: true, ..Keep::default() };
        let outcome = play_alone(self.subject, self.schedule, keep, self.hang_timeout).ok()?;
        self.outcome(&outcome)
    }

    /// It was recorded. None, if there is nothing to explain, or it did not come back.
    pub(crate) fn outcome(&self, outcome: &Outcome) -> Option<Why> {
        let (finding, history) = (outcome.finding()?, outcome.history.as_ref()?);
        let mut why = why(history, self.schedule, finding);
        let left = Cell::new(self.budget);
        why.nearest = nearest::nearest(self.schedule, &|candidate| {
            if left.get() == 0 {
                return None;
            }
            let outcome = play_alone(self.subject, candidate, Keep::default(), self.hang_timeout).ok()?;
            let came_back = outcome.events > 0; // where one did not, others might not
            left.set(if came_back { left.get().saturating_sub(outcome.events) } else { 0 });
            Some(outcome)
        });
        Some(why)
    }
}

/// Why this history failed.
pub(crate) fn why(history: &History, schedule: &Schedule, finding: &Finding) -> Why {
    let account = Account::of(history, schedule);
    let story = tell(&account, finding);
    Why {
        finding: finding.detail.clone(),
        steps: steps(&account, &story, finding),
        should_have: story.broke.is_some().then_some(story.should_have),
        rule: story.rule,
        advice: story.advice,
        nearest: Vec::new(),
    }
}

/// Each kind has its own way to go wrong, and so its own explanation.
fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    match finding.anomaly {
        Anomaly::Duplicate => duplicate::tell(account, finding),
        Anomaly::Invented => invented::tell(account, finding),
        Anomaly::AbortedRead => aborted_read::tell(account, finding),
        Anomaly::UndecidedRead => undecided_read::tell(account, finding),
        Anomaly::Premature => premature::tell(account, finding),
        Anomaly::Reordered => reordered::tell(account, finding),
        Anomaly::Unfenced => unfenced::tell(account, finding),
        Anomaly::Lost => lost::tell(account, finding),
        Anomaly::Stuck => stuck::tell(account, finding),
        Anomaly::Panicked => panicked::tell(account, finding),
        Anomaly::Hung => hung::tell(account, finding),
    }
}

fn steps(account: &Account<'_>, story: &Story, finding: &Finding) -> Vec<Step> {
    let slice = story.slice(account);
    let entered = entered(account, story, finding, &slice);
    let mut steps = Vec::new();
    for (place, index) in slice.iter().copied().enumerate() {
        let event = &account.events[index];
        let said_before = place > 0 && repeats(&account.events[slice[place - 1]], event);
        if said_before && story.broke != Some(index) {
            continue;
        }
        steps.push(Step {
            step: index + 1,
            at: event.at,
            who: match (event.who, account.is_dead(index)) {
                (Actor::Process { name, .. }, true) => format!("{name} (dead)"),
                (who, _) => who.to_string(),
            },
            what: say(account, story, index),
            window: finding.window.filter(|_| entered == Some(index)),
            broke: story.broke == Some(index),
        });
    }
    steps
}

/// By which event the window of the anomaly was entered: where the writer was struck; or, of the last two windows, where
/// the zombie acts or the broker aborts.
fn entered(account: &Account<'_>, story: &Story, finding: &Finding, slice: &[usize]) -> Option<usize> {
    let until = story.broke.unwrap_or(account.len());
    let writers: Vec<_> = story.deals.iter().map(|deal| account.deal(*deal).is.writer).collect();
    let opened = story.deals.iter().map(|deal| account.deal(*deal).opened).min()?;
    let strikes = |index: &usize| {
        let event = &account.events[*index];
        let writer = name_of(event.who).is_some_and(|name| writers.contains(&name));
        let struck = matches!(event.what, What::Struck(fault) if fault.site().is_some_and(|site| writers.contains(&site.process)));
        (opened..=until).contains(index)
            && (struck || writer && matches!(event.what, What::Crashed | What::Paused | What::AskedToStop))
    };
    match finding.window? {
        Window::W7 => story.broke,
        Window::W8 => {
            slice.iter().copied().find(|index| matches!(account.events[*index].what, What::TimedOut { .. }))
        }
        _ => {
            let at = slice.iter().copied().rfind(strikes)?;
            // The step before says it, if this one only repeats it.
            let place = slice.iter().position(|index| *index == at)?;
            let before = place.checked_sub(1).map(|place| slice[place]);
            Some(before.filter(|before| repeats(&account.events[*before], &account.events[at])).unwrap_or(at))
        }
    }
}
