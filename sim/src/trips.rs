//! The ways of messages, requests and answers, for the recorder: when each set out, when it arrived, and what
//! befell it.
//!
//! Trips are no events. Who sends never learns what becomes of it, so none is in a digest, and a sweep, which
//! keeps no history, notes nothing down here.

use std::collections::BTreeMap;

use twophase::Life;

use crate::fault::End;
use crate::site::{Name, Operation};

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From a process to a process.
    Message,
    /// From a process to the broker or the store.
    Request,
    /// And back.
    Answer,
}

/// One way of one message, request or answer. A repeated one makes two trips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trip {
    pub(crate) kind: Kind,
    /// Who sends the message, or asks.
    pub(crate) by: (Name, Life),
    /// To whom the message goes, or who is asked.
    pub(crate) other: End,
    pub(crate) operation: Operation,
    pub(crate) left: u64,
    /// When it arrives, or would have.
    pub(crate) due: u64,
    pub(crate) fate: Fate,
    /// The event by which it left, counting from 0, if that is one.
    pub(crate) from_event: Option<usize>,
    pub(crate) arrival: Option<Arrival>,
}

/// What befell it on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// A fault took it, or nothing gets through between these two.
    pub(crate) lost: bool,
    /// By how many microseconds a fault held it up.
    pub(crate) late: u64,
    /// It is the second of two.
    pub(crate) again: bool,
}

/// It came to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// At which life, if at a process.
    pub(crate) life: Option<Life>,
    /// The event that it caused, counting from 0, if one.
    pub(crate) event: Option<usize>,
}

/// All trips of a history, while it happens.
#[derive(Debug, Default)]
pub(crate) struct Trips {
    all: Vec<Trip>,
    /// Those under way, by when they are due. Whoever has died or left gets nothing; so what was due earlier is dropped.
    under_way: BTreeMap<u64, Vec<usize>>,
    /// The request that is being served at this moment.
    served: Option<usize>,
}

impl Trips {
    pub(crate) fn finish(self) -> Vec<Trip> {
        self.all
    }

    /// It sets out; and if it is repeated, its copy too, which arrives so much later.
    pub(crate) fn departs(&mut self, trip: Trip, again: Option<u64>) {
        let copy = again.filter(|_| !trip.fate.lost).map(|after| Trip {
            due: trip.due + after,
            fate: Fate { again: true, ..trip.fate },
            ..trip.clone()
        });
        for trip in std::iter::once(trip).chain(copy) {
            if !trip.fate.lost {
                self.under_way.entry(trip.due).or_default().push(self.all.len());
            }
            self.all.push(trip);
        }
    }

    /// A message arrives: its receiver gets it in this event.
    pub(crate) fn message_arrives(
        &mut self,
        now: u64,
        by: (Name, Option<Life>),
        to: (Name, Life),
        label: &str,
        event: usize,
    ) {
        let matches = |trip: &Trip| {
            trip.kind == Kind::Message
                && (trip.by.0, Some(trip.by.1)) == by
                && trip.other == End::Process(to.0)
                && matches!(&trip.operation, Operation::Send(sent) if sent == label)
        };
        if let Some(trip) = self.take(now, matches) {
            self.all[trip].arrival = Some(Arrival { life: Some(to.1), event: Some(event) });
        }
    }

    /// A request arrives, and is being served.
    pub(crate) fn request_arrives(&mut self, now: u64, by: (Name, Life), operation: &Operation) {
        let matches =
            |trip: &Trip| trip.kind == Kind::Request && trip.by == by && trip.operation == *operation;
        self.served = self.take(now, matches);
        if let Some(trip) = self.served {
            self.all[trip].arrival = Some(Arrival { life: None, event: None });
        }
    }

    /// What is being served makes this event.
    pub(crate) fn serves(&mut self, event: usize) {
        if let Some(Trip { arrival: Some(arrival), .. }) = self.served.map(|trip| &mut self.all[trip]) {
            arrival.event = arrival.event.or(Some(event));
        }
    }

    /// Nobody is there to serve it.
    pub(crate) fn unserved(&mut self) {
        if let Some(trip) = self.served.take() {
            self.all[trip].arrival = None;
        }
    }

    /// The event that was made by what is being served, if one was.
    pub(crate) fn served_in(&self) -> Option<usize> {
        self.all[self.served?].arrival?.event
    }

    /// The oldest one of those due now that is meant.
    fn take(&mut self, now: u64, is: impl Fn(&Trip) -> bool) -> Option<usize> {
        while self.under_way.first_entry().is_some_and(|first| *first.key() < now) {
            self.under_way.pop_first();
        }
        let due = self.under_way.get_mut(&now)?;
        let at = due.iter().position(|trip| is(&self.all[*trip]))?;
        Some(due.remove(at))
    }
}
