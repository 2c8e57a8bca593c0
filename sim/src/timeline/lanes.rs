//! The lanes: one for each life of each process, and those of the world around the job.

use std::collections::BTreeMap;

use twophase::{Life, Partition, Role};

use super::model::{Lane, LaneKind};
use crate::event::{Actor, What};
use crate::fault::End;
use crate::history::History;
use crate::site::Name;

/// What a lane stands for. In the order of the lanes: who talks to whom is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    World,
    Coordinator(u16, Life),
    Store,
    Sink(u16, Life),
    Broker,
    Output(Partition),
}

impl Place {
    pub(super) fn life(name: Name, life: Life) -> Self {
        match name.role {
            Role::Coordinator => Place::Coordinator(name.index, life),
            Role::Sink => Place::Sink(name.index, life),
        }
    }

    pub(super) fn of(who: Actor) -> Self {
        match who {
            Actor::Process { name, life, .. } => Place::life(name, life),
            Actor::Broker => Place::Broker,
            Actor::World => Place::World,
        }
    }
}

/// All lanes of a history.
pub(super) struct Lanes {
    lanes: BTreeMap<Place, Lane>,
    order: Vec<Place>,
}

impl Lanes {
    pub(super) fn of(history: &History, lasted: u64) -> Self {
        let mut lanes = BTreeMap::new();
        for (place, name, kind) in [
            (Place::World, "world", LaneKind::World),
            (Place::Store, "store", LaneKind::Store),
            (Place::Broker, "broker", LaneKind::Broker),
            (Place::Output(Partition(0)), "output p0", LaneKind::Output),
        ] {
            lanes.insert(place, lane(name.to_owned(), None, kind, 0, lasted));
        }
        let mut all = Lanes { lanes, order: Vec::new() };
        for event in history.events() {
            all.see(event.at, event.who, event.what, lasted);
        }
        all.order = all.lanes.keys().copied().collect();
        all
    }

    fn see(&mut self, at: u64, who: Actor, what: What<'_>, lasted: u64) {
        let place = Place::of(who);
        if let What::Visible { partition, .. } = what {
            let new = || lane(format!("output {partition}"), None, LaneKind::Output, 0, lasted);
            self.lanes.entry(Place::Output(partition)).or_insert_with(new);
        }
        let (Actor::Process { name, life, .. }, What::Started) = (who, what) else {
            return self.lanes.get_mut(&place).map_or((), |lane| change(lane, at, what, lasted));
        };
        // Whoever of this process is still there is a zombie from now on.
        for before in self.lanes.values_mut().filter(|lane| lane.name == name.to_string()) {
            if before.end.is_none() && before.zombie.is_none() {
                before.zombie = Some(at);
            }
        }
        let kind = LaneKind::from(name.role);
        self.lanes.insert(place, lane(name.to_string(), Some(life.0), kind, at, lasted));
    }

    pub(super) fn index(&self, place: Place) -> usize {
        self.order.binary_search(&place).unwrap_or(0)
    }

    pub(super) fn get(&self, index: usize) -> &Lane {
        &self.lanes[&self.order[index]]
    }

    /// The lane at the other end: of a process the life that was the newest at that time.
    pub(super) fn end(&self, end: End, at: u64) -> usize {
        match end {
            End::Broker => self.index(Place::Broker),
            End::Store => self.index(Place::Store),
            End::Process(name) => self.newest(&name.to_string(), at).unwrap_or(0),
        }
    }

    /// The lane of whoever spoke: `sink-0`, or `sink-0 (zombie, life 1)`.
    pub(super) fn speaker(&self, who: &str, at: u64) -> usize {
        let zombie = who.split_once(" (zombie, life ");
        let Some((name, life)) = zombie else {
            return self.newest(who, at).unwrap_or(0);
        };
        let life = life.trim_end_matches(')').parse().ok();
        let is = |lane: &Lane| lane.name == name && lane.life == life;
        self.lanes.values().position(is).unwrap_or(0)
    }

    fn newest(&self, name: &str, at: u64) -> Option<usize> {
        let lanes: Vec<_> = self.lanes.values().collect();
        lanes.iter().rposition(|lane| lane.name == name && lane.from <= at)
    }

    /// A life runs the tasks of this incarnation from now on.
    pub(super) fn begins_incarnation(&mut self, place: Place, at: u64, incarnation: String) {
        if let Some(lane) = self.lanes.get_mut(&place) {
            if lane.incarnations.last().is_none_or(|(_, newest)| *newest != incarnation) {
                lane.incarnations.push((at, incarnation));
            }
        }
    }

    pub(super) fn finish(self) -> Vec<Lane> {
        self.lanes.into_values().collect()
    }
}

fn lane(name: String, life: Option<u32>, kind: LaneKind, from: u64, to: u64) -> Lane {
    Lane { name, life, kind, from, to, end: None, zombie: None, still: Vec::new(), incarnations: Vec::new() }
}

fn change(lane: &mut Lane, at: u64, what: What<'_>, lasted: u64) {
    let end = match what {
        What::Paused | What::BrokerDown => return lane.still.push((at, lasted)),
        What::Resumed | What::BrokerUp => {
            return lane.still.last_mut().map_or((), |(_, until)| *until = at);
        }
        What::Panicked(_) => "panicked",
        What::Crashed => "killed",
        What::Ended(Ok(())) => "ended",
        What::Ended(Err(_)) => "gave up",
        _ => return,
    };
    (lane.end, lane.to) = (lane.end.or(Some(end)), at);
    if let Some((_, until)) = lane.still.last_mut() {
        *until = (*until).min(at);
    }
}
