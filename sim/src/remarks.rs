//! What the processes say through `tracing` while their history is recorded, each line with its time on the
//! stage and its process.
//!
//! The listener is there only while a recorded history is played, and only on its thread: nothing is installed
//! globally, and a sweep listens to nobody. Whatever subscriber a test has set up hears nothing meanwhile.
//! Remarks are no events: they are in no digest, so that a log line more changes nothing.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber, dispatcher};

use crate::event::Actor;

/// One line that a process said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// How many events had happened before it.
    pub(crate) after: usize,
    pub(crate) at: u64,
    pub(crate) who: String,
    pub(crate) said: String,
}

/// Shared by the recorder, which counts the events, the stage, which knows who is polled, and the listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    events: usize,
    at: u64,
    /// Who is polled.
    who: Option<Actor>,
    /// The name of each span; its id is its place, counting from 1.
    spans: Vec<&'static str>,
    /// Those that were entered, the outermost first.
    entered: Vec<usize>,
    all: Vec<Remark>,
}

impl Remarks {
    /// Plays `history` with the listener on this thread.
    pub(crate) fn listen<T>(&self, history: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&Dispatch::new(Listener(self.clone())), history)
    }

    /// Whatever is said from now on, this one says.
    pub(crate) fn polls(&self, at: u64, who: Actor) {
        let mut heard = self.heard();
        (heard.at, heard.who) = (at, Some(who));
    }

    /// One more event happened.
    pub(crate) fn event(&self, at: u64) {
        let mut heard = self.heard();
        heard.at = at;
        heard.events += 1;
    }

    pub(crate) fn take(&self) -> Vec<Remark> {
        std::mem::take(&mut self.heard().all)
    }

    /// Never held while a stranger's code runs.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listener(Remarks);

impl Subscriber for Listener {
    /// The sandbox talks about its own tasks, which are none of the job's.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.target().starts_with("madsim")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut heard = self.0.heard();
        heard.spans.push(span.metadata().name());
        Id::from_u64(heard.spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Words::default();
        event.record(&mut line); // a stranger's Debug, so before the lock
        let mut heard = self.0.heard();
        let mut said = format!("{} ", event.metadata().level());
        for span in &heard.entered {
            let _ = write!(said, "{}: ", heard.spans[span - 1]);
        }
        said.push_str(&line.message);
        said.push_str(&line.fields);
        let who = heard.who.map_or_else(|| "world".to_owned(), |who| who.to_string());
        let (after, at) = (heard.events, heard.at);
        heard.all.push(Remark { after, at, who, said });
    }

    fn enter(&self, span: &Id) {
        self.0.heard().entered.push(span.into_u64() as usize);
    }

    fn exit(&self, span: &Id) {
        let (mut heard, span) = (self.0.heard(), span.into_u64() as usize);
        if let Some(place) = heard.entered.iter().rposition(|entered| *entered == span) {
            heard.entered.remove(place);
        }
    }
}

/// The message of an event, then its fields.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
