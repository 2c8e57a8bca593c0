//! How long things take on their way, and what cuts the way.

use twophase::Life;

use super::Pid;
use crate::fault::End;
use crate::seed::{Purpose, Seed, Stream};
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

/// The delays of all links, each drawn from a stream of its own.
pub(super) struct Links {
    seed: Seed,
    lives: Vec<LinksOfLife>,
    cuts: Vec<Cut>,
    /// How many messages were sent on their way, requests and answers too.
    sent: u64,
}

/// The streams of the links that one life has used so far.
#[derive(Default)]
struct LinksOfLife {
    /// By [`Way`].
    fixed: [Option<Stream>; 5],
    others: Vec<(Name, Stream)>,
}

struct Cut {
    from: End,
    to: End,
    until: u64,
}

impl Links {
    pub(super) fn new(seed: Seed) -> Self {
        Links { seed, lives: Vec::with_capacity(8), cuts: Vec::new(), sent: 0 }
    }

    /// How long one way takes, this time. The life of the process at the one end is part of the key, so that
    /// a crash more or less leaves the delays of later lives as they were.
    #[inline(always)]
    pub(super) fn delay(&mut self, pid: Pid, of: (Name, Life), way: Way, (min, max): (u64, u64)) -> u64 {
        if self.lives.len() <= pid.0 {
            self.lives.resize_with(pid.0 + 1, LinksOfLife::default);
        }
        let seed = self.seed;
        let life = &mut self.lives[pid.0];
        let fixed = match way {
            Way::ToBroker => &mut life.fixed[0],
            Way::FromBroker => &mut life.fixed[1],
            Way::ToStore => &mut life.fixed[2],
            Way::FromStore => &mut life.fixed[3],
            Way::InStore => {
                return life.fixed[4].get_or_insert_with(|| stream(seed, of, way)).within(min..max);
            }
            Way::To(name) => {
                self.sent += 1;
                return life.to(name, || stream(seed, of, way)).within(min..max);
            }
        };
        self.sent += 1;
        fixed.get_or_insert_with(|| stream(seed, of, way)).within(min..max)
    }

    /// How many messages were sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Nothing gets from here to there until then.
    pub(super) fn cut(&mut self, from: End, to: End, until: u64) {
        self.cuts.push(Cut { from, to, until });
    }

    /// Everything gets through again.
    pub(super) fn heal(&mut self) {
        self.cuts.clear();
    }

    #[inline]
    pub(super) fn is_cut(&self, process: Name, way: Way, now: u64) -> bool {
        !self.cuts.is_empty() && self.is_among_cuts(process, way, now) // nearly always there are none
    }

    fn is_among_cuts(&self, process: Name, way: Way, now: u64) -> bool {
        let (from, to) = way.ends(process);
        self.cuts.iter().any(|cut| cut.from == from && cut.to == to && now < cut.until)
    }
}

impl LinksOfLife {
    fn to(&mut self, name: Name, make: impl FnOnce() -> Stream) -> &mut Stream {
        let at = self.others.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.others.push((name, make()));
            self.others.len() - 1
        });
        &mut self.others[at].1
    }
}

#[cold]
fn stream(seed: Seed, (name, life): (Name, Life), way: Way) -> Stream {
    let (from, to) = way.ends(name);
    let key = code(from) << 36 | code(to) << 16 | u64::from(life.0 & 0xffff);
    Stream::new(seed, Purpose::Link, key)
}

/// 20 bits for each end.
fn code(end: End) -> u64 {
    match end {
        End::Broker => 1,
        End::Store => 2,
        End::Process(Name { role, index }) => (role as u64 + 3) << 16 | u64::from(index),
    }
}
