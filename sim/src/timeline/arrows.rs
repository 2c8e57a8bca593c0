//! From the ways of messages, requests and answers to arrows between lanes.

use super::books::Tags;
use super::lanes::{Lanes, Place};
use super::model::{Arrow, ArrowKind, Fate, is_quiet};
use crate::fault::End;
use crate::history::History;
use crate::site::Operation;
use crate::trips::{self, Arrival, Kind, Trip};

/// All arrows. `places` says for each event which step it is.
pub(super) fn arrows(history: &History, lanes: &Lanes, places: &[usize], lasted: u64) -> Vec<Arrow> {
    history.trips().iter().map(|trip| arrow(trip, lanes, places, lasted)).collect()
}

/// A message that arrives is about the same as when it left, and is noise only if nothing befell it. The tasks
/// that it starts run where it arrives.
pub(super) fn follow(history: &History, lanes: &mut Lanes, tags: &mut [Tags], lasted: u64) {
    for trip in history.trips().iter().filter(|trip| trip.kind == Kind::Message) {
        let by = lanes.index(Place::life(trip.by.0, trip.by.1));
        let troubled = is_troubled(trip, fate(trip, lanes, by, lasted));
        let Some(from) = trip.from_event else { continue };
        tags[from].quiet &= !troubled;
        let Some(Arrival { life: Some(life), event: Some(to) }) = trip.arrival else { continue };
        let Tags { checkpoint, about, incarnation, .. } = tags[from].clone();
        tags[to].quiet &= !troubled;
        (tags[to].checkpoint, tags[to].about) = (checkpoint, about);
        if let (Some(incarnation), End::Process(name)) = (incarnation, trip.other) {
            lanes.begins_incarnation(Place::life(name, life), trip.due, incarnation.to_string());
        }
    }
}

/// Whether anything happened to it that is worth to be seen.
fn is_troubled(trip: &Trip, fate: Fate) -> bool {
    matches!(fate, Fate::Lost | Fate::Unheard) || trip.fate.late > 0 || trip.fate.again
}

fn arrow(trip: &Trip, lanes: &Lanes, places: &[usize], lasted: u64) -> Arrow {
    let (name, life) = trip.by;
    let by = lanes.index(Place::life(name, life));
    let arrived_at = trip.arrival.and_then(|arrival| arrival.life);
    let other = match (trip.other, arrived_at) {
        (End::Process(name), Some(life)) => lanes.index(Place::life(name, life)),
        (end, _) => lanes.end(end, trip.due),
    };
    let (from, to) = if trip.kind == Kind::Answer { (other, by) } else { (by, other) };
    let step = |event: Option<usize>| event.and_then(|event| places.get(event).copied());
    let label = match &trip.operation {
        Operation::Send(label) => label.to_string(),
        operation => operation.to_string(),
    };
    let fate = fate(trip, lanes, by, lasted);
    Arrow {
        kind: match trip.kind {
            Kind::Message => ArrowKind::Message,
            Kind::Request => ArrowKind::Request,
            Kind::Answer => ArrowKind::Answer,
        },
        from,
        to,
        left: trip.left,
        due: trip.due,
        quiet: is_quiet(&label) && !is_troubled(trip, fate),
        label,
        fate,
        late: trip.fate.late,
        again: trip.fate.again,
        from_step: step(trip.from_event),
        to_step: step(trip.arrival.and_then(|arrival| arrival.event)),
    }
}

/// Nobody writes down that an answer is heard: whoever lives when it comes hears it.
fn fate(trip: &Trip, lanes: &Lanes, by: usize, lasted: u64) -> Fate {
    let asker = lanes.get(by);
    let heard = trip.kind == Kind::Answer && (asker.end.is_none() || trip.due <= asker.to);
    match trip {
        Trip { fate: trips::Fate { lost: true, .. }, .. } => Fate::Lost,
        Trip { arrival: Some(_), .. } => Fate::Arrived,
        Trip { due, .. } if *due > lasted => Fate::UnderWay,
        _ if heard => Fate::Arrived,
        _ => Fate::Unheard,
    }
}
