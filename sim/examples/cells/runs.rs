//! What is played for each cell: the same schedule again and again, with one thing moved a little, and drawn ones.

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase_sim::fault::{Fault, FaultKind};
use twophase_sim::site::Name;
use twophase_sim::{Generator, Keep, Schedule, Seed, Subject, Verdict, play, safe_rule, subjects};

use crate::rows::{Late, Row, Weather};

/// How a sink comes to the producer of its next transaction, and what becomes of what it finds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    NameForEach,
    Pool,
    WithoutInit,
    WithoutFencing,
}

impl Use {
    pub(crate) const ALL: [Use; 4] = [Use::NameForEach, Use::Pool, Use::WithoutInit, Use::WithoutFencing];

    fn naming(self) -> Naming {
        match self {
            Use::NameForEach | Use::WithoutFencing => Naming::PerTransaction,
            Use::Pool | Use::WithoutInit => Naming::Pool,
        }
    }

    fn subject(self) -> Subject {
        let named = |name| subjects::named(name).expect("both subjects are there");
        match self {
            Use::NameForEach | Use::Pool => named("kafka"),
            Use::WithoutInit => named("reuses-producers"),
            Use::WithoutFencing => subjects::without_fencing(),
        }
    }
}

/// The columns: the protocol, and whether partition leaders verify.
pub(crate) const COLUMNS: [(Protocol, bool); 4] =
    [(Protocol::V1, true), (Protocol::V1, false), (Protocol::V2, true), (Protocol::V2, false)];

/// One cell of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) using: Use,
    pub(crate) row: &'static Row,
    pub(crate) protocol: Protocol,
    pub(crate) verification: bool,
}

/// How many schedules by hand, and how many drawn ones, there are for a request that is late.
const BY_HAND: u64 = 240;
const CALM_DRAWN: u64 = 160;

/// How many where two things must meet.
const MEETINGS: u64 = 400;

/// How many seeds are drawn from. Those in which no such fault exists are not played.
const DRAWN: u64 = 6_000;

/// The calm job gives a request up after this long, so that half of the delays are longer.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(10);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn half_millis(count: u64) -> Duration {
    Duration::from_micros(count * 500)
}

impl Cell {
    /// How many schedules it has.
    pub(crate) fn len(&self) -> u64 {
        match self.row.weather {
            Weather::Late(..) => BY_HAND + CALM_DRAWN,
            Weather::LateAndCrashed(..) | Weather::LateAndStopped(..) => MEETINGS,
            Weather::Drawn(_) => DRAWN,
        }
    }

    /// One of them.
    pub(crate) fn schedule(&self, number: u64) -> Schedule {
        let mut schedule = match self.row.weather {
            Weather::Late(request, late) if number < BY_HAND => self.late(request, late, number),
            Weather::Late(request, late) => self.late_in_drawn(request, late, number - BY_HAND),
            Weather::LateAndCrashed(request, late) => self.late_and_crashed(request, late, number),
            Weather::LateAndStopped(request, late) => self.late_and_stopped(request, late, number),
            Weather::Drawn(kinds) => self.drawn(number, kinds),
        };
        // No transaction is to time out: that is another story, and the safe rule's.
        let needed = safe_rule(&schedule).needed();
        let timeout = &mut schedule.settings.transaction_timeout;
        *timeout = needed.max(*timeout);
        schedule.broker.verification = self.verification;
        schedule
    }

    /// What comes of one of them; nothing, if what the row is about did not happen.
    pub(crate) fn verdict(&self, number: u64) -> Option<Verdict> {
        let schedule = self.schedule(number);
        let faults = schedule.faults.len() as u32;
        if faults == 0 {
            return None;
        }
        let outcome = play(&self.using.subject(), &Arc::new(schedule), Keep::default());
        let happened = match self.row.weather {
            Weather::Drawn(_) => outcome.unstruck < faults,
            _ => outcome.unstruck == 0,
        };
        // A history that fails ends there, and what was to strike later does not.
        (happened || outcome.finding().is_some()).then_some(outcome.verdict)
    }

    /// The first or the second such request is late, by all half milliseconds up to 60.
    fn late(&self, request: &str, late: Late, number: u64) -> Schedule {
        let (ordinal, by) = (1 + number / 120, half_millis(1 + number % 120));
        self.calm(vec![late.fault("sink-0", request, ordinal, by)])
    }

    /// The same in jobs of many shapes and timings.
    fn late_in_drawn(&self, request: &str, late: Late, number: u64) -> Schedule {
        let mut schedule = self.drawn(number, &[]);
        let sink = format!("sink-{}", number % u64::from(schedule.settings.parallelism));
        let (ordinal, by) = (1 + number / 8 % 4, millis(2 << (number % 8)));
        schedule.faults = vec![late.fault(&sink, request, ordinal, by)];
        schedule
    }

    /// The process dies as soon as the request is on its way.
    fn late_and_crashed(&self, request: &str, late: Late, number: u64) -> Schedule {
        let (ordinal, by) = (1 + number / 100, half_millis(1 + number % 100));
        let late = late.fault("sink-0", request, ordinal, by);
        let at = late.site().expect("it is at a site").clone();
        self.calm(vec![late, Fault::Crash { at, restart_after: millis(5) }])
    }

    /// The process is asked to end, at all half milliseconds from 10 to 60.
    fn late_and_stopped(&self, request: &str, late: Late, number: u64) -> Schedule {
        let (step, at) = (number / 100, half_millis(20 + number % 100));
        // A process that ends aborts once, so it is the delay that varies.
        let (ordinal, by) = match request {
            "end_txn.abort" => (1, millis(5 + 10 * step)),
            _ => (2 + 3 * step, millis(15)),
        };
        let stop = Fault::Stop { process: Name::sink(0), at, restart_after: millis(5) };
        self.calm(vec![late.fault("sink-0", request, ordinal, by), stop])
    }

    /// The calm job with one sink, so that what is late meets the next transaction.
    fn calm(&self, faults: Vec<Fault>) -> Schedule {
        let mut schedule = Schedule::calm();
        schedule.input = vec![schedule.input.concat()];
        (schedule.settings.parallelism, schedule.settings.splits) = (1, 1);
        schedule.timing.request_timeout = REQUEST_TIMEOUT;
        Schedule { protocol: self.protocol, naming: self.using.naming(), faults, ..schedule }
    }

    fn drawn(&self, seed: u64, kinds: &[FaultKind]) -> Schedule {
        let generator = Generator {
            protocol: Some(self.protocol),
            naming: Some(self.using.naming()),
            without: FaultKind::ALL.into_iter().filter(|kind| !kinds.contains(kind)).collect(),
            ..Generator::default()
        };
        generator.schedule(Seed(seed)).expect("made-up records can always be read")
    }
}

/// What is wrong in a history, in a word or two.
pub(crate) fn wrong(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Held | Verdict::Vacuous => None,
        Verdict::FailStop(_) => Some("gives up"),
        Verdict::Failed(finding) => Some(finding.anomaly.as_str()),
    }
}

impl Late {
    fn fault(self, process: &str, request: &str, ordinal: u64, by: Duration) -> Fault {
        let at = format!("{process}/1/{request}#{ordinal}/sent");
        let at = at.parse().expect("the site is well-formed");
        match self {
            Late::Delayed => Fault::Delay { at, by },
            Late::Repeated => Fault::Repeat { at, after: by },
        }
    }
}
