//! An event in the words of the checker: what was written, read and covered, by its place among the outputs.

use twophase::Record;
use twophase::env::Head;
use twophase::kafka::protocol::{Produce, Request};

use crate::event::{Event, What};

/// An event as the checker is told it.
pub(crate) enum Told {
    Request(Request),
    Record(Record),
    Head(Head),
}

impl Told {
    /// The event with this in place of what happened.
    pub(crate) fn instead_of<'a>(&'a self, event: &Event<'a>) -> Event<'a> {
        let what = match (self, event.what) {
            (Told::Request(request), What::Applied { response, changed, state, .. }) => {
                What::Applied { request, response, changed, state }
            }
            (Told::Record(record), What::Visible { partition, offset, producer, .. }) => {
                What::Visible { partition, offset, record, producer }
            }
            (Told::Head(head), What::Put { version, .. }) => What::Put { head, version },
            (_, what) => what,
        };
        Event { what, ..*event }
    }

    /// The same with every record under another id: for people, who know records by what they come from.
    pub(crate) fn with_ids(&self, id: impl Fn(&Record) -> twophase::RecordId) -> Self {
        let renamed = |record: &Record| Record { id: id(record), payload: record.payload.clone() };
        match self {
            Told::Request(Request::Produce(produce)) => {
                let records = produce.records.iter().map(renamed).collect();
                Told::Request(Request::Produce(Produce { records, ..produce.clone() }))
            }
            Told::Request(request) => Told::Request(request.clone()),
            Told::Record(record) => Told::Record(renamed(record)),
            Told::Head(head) => Told::Head(head.clone()),
        }
    }
}
