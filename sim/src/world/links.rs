//! How long things take on their way, and what cuts the way.

use std::collections::BTreeMap;

use crate::fault::End;
use crate::schedule::Span;
use crate::seed::{Purpose, Seed, Stream, micros};
use crate::site::Name;

/// The delays of all links, each drawn from a stream of its own.
pub(crate) struct Links {
    seed: Seed,
    streams: BTreeMap<u64, Stream>,
    cuts: Vec<Cut>,
    /// How many messages were sent on their way, requests and answers too.
    sent: u64,
}

struct Cut {
    from: End,
    to: End,
    until: u64,
}

impl Links {
    pub(crate) fn new(seed: Seed) -> Self {
        Links { seed, streams: BTreeMap::new(), cuts: Vec::new(), sent: 0 }
    }

    /// How long one way takes, this time. The life of the process at the one end is part of the key, so that
    /// a crash more or less leaves the delays of later lives as they were.
    pub(crate) fn delay(&mut self, from: End, to: End, life: u32, span: Span) -> u64 {
        let key = code(from) << 36 | code(to) << 16 | u64::from(life & 0xffff);
        self.sent += u64::from(from != to); // what the store needs for itself is no way
        let seed = self.seed;
        let stream = self.streams.entry(key).or_insert_with(|| Stream::new(seed, Purpose::Link, key));
        stream.within(micros(span.min)..micros(span.max))
    }

    /// How many messages were sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Nothing gets from here to there until then.
    pub(crate) fn cut(&mut self, from: End, to: End, until: u64) {
        self.cuts.push(Cut { from, to, until });
    }

    /// Everything gets through again.
    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
    }

    pub(crate) fn is_cut(&self, from: End, to: End, now: u64) -> bool {
        self.cuts.iter().any(|cut| cut.from == from && cut.to == to && now < cut.until)
    }
}

/// 20 bits for each end.
fn code(end: End) -> u64 {
    match end {
        End::Broker => 1,
        End::Store => 2,
        End::Process(Name { role, index }) => (role as u64 + 3) << 16 | u64::from(index),
    }
}
