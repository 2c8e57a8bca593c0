//! How long things take on their way, and what cuts the way.

use super::Pid;
use crate::fault::End;
use crate::seed::{Purpose, Seed, Stream};
use crate::site::Name;

/// The delays of all links, each drawn from a stream of its own.
pub(crate) struct Links {
    seed: Seed,
    /// Of each life, the few links that it has used so far.
    streams: Vec<Vec<(u64, Stream)>>,
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
        Links { seed, streams: Vec::new(), cuts: Vec::new(), sent: 0 }
    }

    /// How long one way takes, this time. The life of the process at the one end is part of the key, so that
    /// a crash more or less leaves the delays of later lives as they were.
    pub(crate) fn delay(
        &mut self,
        pid: Pid,
        from: End,
        to: End,
        life: u32,
        (min, max): (u64, u64),
    ) -> u64 {
        let key = code(from) << 36 | code(to) << 16 | u64::from(life & 0xffff);
        self.sent += u64::from(from != to); // what the store needs for itself is no way
        if self.streams.len() <= pid.0 {
            self.streams.resize_with(pid.0 + 1, Vec::new);
        }
        let streams = &mut self.streams[pid.0];
        let at = streams.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            streams.push((key, Stream::new(self.seed, Purpose::Link, key)));
            streams.len() - 1
        });
        streams[at].1.within(min..max)
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
