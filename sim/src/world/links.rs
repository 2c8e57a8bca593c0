//! How long things take on their way, and what cuts the way.

use smallvec::SmallVec;
use twophase::Life;

use crate::fault::End;
use crate::seed::{Purpose, StreamId, Streams};
use crate::site::Name;

/// One way between a process and something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToBroker,
    FromBroker,
    ToStore,
    FromStore,
    /// What the store needs for itself.
    InStore,
    /// To another process.
    To(Name),
}

impl Way {
    /// Its ends, for this process.
    fn ends(self, process: Name) -> (End, End) {
        let here = End::Process(process);
        match self {
            Way::ToBroker => (here, End::Broker),
            Way::FromBroker => (End::Broker, here),
            Way::ToStore => (here, End::Store),
            Way::FromStore => (End::Store, here),
            Way::InStore => (End::Store, End::Store),
            Way::To(other) => (here, End::Process(other)),
        }
    }
}

/// The delays of all links that one life has used so far, each drawn from a stream of its own.
#[repr(C)]
pub(super) struct Delays {
    /// By [`Way`].
    fixed: [StreamId; 5],
    /// Each at the place of its process.
    others: SmallVec<[StreamId; 8]>,
}

impl Default for Delays {
    fn default() -> Self {
        Delays { fixed: [StreamId::NONE; 5], others: SmallVec::new() }
    }
}

/// What cuts the ways.
#[derive(Default)]
pub(super) struct Cuts(Vec<Cut>);

struct Cut {
    from: End,
    to: End,
    until: u64,
}

impl Delays {
    /// How long one way takes, this time. The life of the process at the one end is part of the key, so that
    /// a crash more or less leaves the delays of later lives as they were.
    #[inline(always)]
    pub(super) fn draw(
        &mut self,
        streams: &mut Streams,
        of: (Name, Life),
        way: Way,
        (min, max): (u64, u64),
    ) -> u64 {
        streams.at_or_begin(self.of(way), Purpose::Link, || key(of, way)).delay_within(min..max)
    }

    #[inline(always)]
    fn of(&mut self, way: Way) -> &mut StreamId {
        match way {
            Way::ToBroker => &mut self.fixed[0],
            Way::FromBroker => &mut self.fixed[1],
            Way::ToStore => &mut self.fixed[2],
            Way::FromStore => &mut self.fixed[3],
            Way::InStore => &mut self.fixed[4],
            Way::To(name) => self.to(name),
        }
    }

    #[inline(always)]
    fn to(&mut self, name: Name) -> &mut StreamId {
        let place = name.place();
        if place >= self.others.len() {
            self.others.resize(place + 1, StreamId::NONE);
        }
        &mut self.others[place]
    }
}

impl Cuts {
    /// Nothing gets through from here to there until then.
    pub(super) fn add(&mut self, from: End, to: End, until: u64) {
        self.0.push(Cut { from, to, until });
    }

    /// Everything gets through again.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Nearly always there are none.
    #[inline(always)]
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing gets through on this way.
    #[cold]
    pub(super) fn hold(&self, process: Name, way: Way, now: u64) -> bool {
        let (from, to) = way.ends(process);
        self.0.iter().any(|cut| cut.from == from && cut.to == to && now < cut.until)
    }
}

/// Which link, for its stream.
fn key((name, life): (Name, Life), way: Way) -> u64 {
    let (from, to) = way.ends(name);
    code(from) << 36 | code(to) << 16 | u64::from(life.0 & 0xffff)
}

/// 20 bits for each end.
fn code(end: End) -> u64 {
    match end {
        End::Broker => 1,
        End::Store => 2,
        End::Process(Name { role, index }) => (role as u64 + 3) << 16 | u64::from(index),
    }
}
