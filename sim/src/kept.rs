//! An event that is kept: what a history remembers of it is all of it, owned.

use bytes::Bytes;
use twophase::env::{Head, Key, Value, Version};
use twophase::kafka::protocol::{LogOffset, Marker, Producer, Request, Response};
use twophase::{Fact, Partition, Record, TransactionalId};

use crate::event::{Actor, Event, What};
use crate::fault::Fault;
use crate::site::{Name, Operation};

/// One event, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    at: u64,
    who: Actor,
    what: Owned,
}

/// Variant for variant what [`What`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Started,
    Crashed,
    Paused,
    Resumed,
    AskedToStop,
    Ended(Result<(), String>),
    Panicked(String),
    Struck(Fault),
    Healed,
    Sent { to: Name, label: String, body: Bytes },
    Delivered { message: u64, from: Name, label: String, body: Bytes },
    Applied { request: Request, response: Response, changed: bool, state: u64 },
    Put { head: Head, version: Option<Version> },
    Stored { key: Key, value: Value, version: Option<Version> },
    Unanswered { operation: Operation },
    Noted(Fact),
    MarkerWritten { partition: Partition, id: TransactionalId, producer: Producer, marker: Marker },
    TimedOut { id: TransactionalId },
    Visible { partition: Partition, offset: LogOffset, record: Record, producer: Option<Producer> },
    BrokerDown,
    BrokerUp,
}

impl From<&Event<'_>> for Kept {
    fn from(event: &Event<'_>) -> Self {
        Kept { at: event.at, who: event.who, what: owned(event.what) }
    }
}

fn owned(what: What<'_>) -> Owned {
    match what {
        What::Started => Owned::Started,
        What::Crashed => Owned::Crashed,
        What::Paused => Owned::Paused,
        What::Resumed => Owned::Resumed,
        What::AskedToStop => Owned::AskedToStop,
        What::Ended(result) => Owned::Ended(result.map_err(str::to_owned)),
        What::Panicked(said) => Owned::Panicked(said.to_owned()),
        What::Struck(fault) => Owned::Struck(fault.clone()),
        What::Healed => Owned::Healed,
        What::Sent { to, label, body } => {
            Owned::Sent { to, label: label.to_owned(), body: Bytes::copy_from_slice(body) }
        }
        What::Delivered { message, from, label, body } => {
            Owned::Delivered { message, from, label: label.to_owned(), body: Bytes::copy_from_slice(body) }
        }
        What::Applied { request, response, changed, state } => {
            Owned::Applied { request: request.clone(), response: response.clone(), changed, state }
        }
        What::Put { head, version } => Owned::Put { head: head.clone(), version },
        What::Stored { key, value, version } => {
            Owned::Stored { key: key.clone(), value: value.clone(), version }
        }
        What::Unanswered { operation } => Owned::Unanswered { operation: operation.clone() },
        What::Noted(fact) => Owned::Noted(fact.clone()),
        What::MarkerWritten { partition, id, producer, marker } => {
            Owned::MarkerWritten { partition, id: id.clone(), producer, marker }
        }
        What::TimedOut { id } => Owned::TimedOut { id: id.clone() },
        What::Visible { partition, offset, record, producer } => {
            Owned::Visible { partition, offset, record: record.clone(), producer }
        }
        What::BrokerDown => Owned::BrokerDown,
        What::BrokerUp => Owned::BrokerUp,
    }
}

impl Kept {
    /// As it happened.
    pub(crate) fn event(&self) -> Event<'_> {
        Event { at: self.at, who: self.who, what: self.what.borrowed() }
    }
}

impl Owned {
    fn borrowed(&self) -> What<'_> {
        match self {
            Owned::Started => What::Started,
            Owned::Crashed => What::Crashed,
            Owned::Paused => What::Paused,
            Owned::Resumed => What::Resumed,
            Owned::AskedToStop => What::AskedToStop,
            Owned::Ended(result) => What::Ended(result.as_ref().map(|_| ()).map_err(String::as_str)),
            Owned::Panicked(said) => What::Panicked(said),
            Owned::Struck(fault) => What::Struck(fault),
            Owned::Healed => What::Healed,
            Owned::Sent { to, label, body } => What::Sent { to: *to, label, body },
            Owned::Delivered { message, from, label, body } => {
                What::Delivered { message: *message, from: *from, label, body }
            }
            Owned::Applied { request, response, changed, state } => {
                What::Applied { request, response, changed: *changed, state: *state }
            }
            Owned::Put { head, version } => What::Put { head, version: *version },
            Owned::Stored { key, value, version } => What::Stored { key, value, version: *version },
            Owned::Unanswered { operation } => What::Unanswered { operation },
            Owned::Noted(fact) => What::Noted(fact),
            Owned::MarkerWritten { partition, id, producer, marker } => {
                What::MarkerWritten { partition: *partition, id, producer: *producer, marker: *marker }
            }
            Owned::TimedOut { id } => What::TimedOut { id },
            Owned::Visible { partition, offset, record, producer } => {
                What::Visible { partition: *partition, offset: *offset, record, producer: *producer }
            }
            Owned::BrokerDown => What::BrokerDown,
            Owned::BrokerUp => What::BrokerUp,
        }
    }
}
