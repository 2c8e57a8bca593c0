//! What can go wrong. A fault is a value: it can be drawn, written by hand, left out, and saved.
//!
//! Faults are placed at a [`Site`] wherever there is one, because sites survive small changes of code and of
//! timing. A time stands where nothing else can.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::site::{Name, Site};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The process dies, exactly there. It is started again after a while.
    Crash {
        /// Where.
        at: Site,
        /// How long until its next life.
        #[serde(with = "humantime_serde")]
        restart_after: Duration,
    },
    /// The process stands still, and goes on as if nothing had happened.
    Pause {
        /// From where on.
        at: Site,
        /// For how long.
        #[serde(with = "humantime_serde")]
        lasts: Duration,
    },
    /// The process stands still, is taken for dead and replaced, and goes on beside its replacement.
    Zombie {
        /// From where on.
        at: Site,
        /// How long until the replacement starts.
        #[serde(with = "humantime_serde")]
        replaced_after: Duration,
        /// How long after that the old one goes on.
        #[serde(with = "humantime_serde")]
        wakes_after: Duration,
    },
    /// The process is asked to end cleanly, and started again after a while.
    Stop {
        /// Who.
        process: Name,
        /// When.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long until its next life.
        #[serde(with = "humantime_serde")]
        restart_after: Duration,
    },
    /// A message or request never arrives (phase *sent*), or its answer does not (phase *answered*).
    Lose {
        /// Which.
        at: Site,
    },
    /// A message or request arrives late (phase *sent*), or its answer does (phase *answered*).
    Delay {
        /// Which.
        at: Site,
        /// By how much more.
        #[serde(with = "humantime_serde")]
        by: Duration,
    },
    /// A message or request arrives twice.
    Repeat {
        /// Which.
        at: Site,
        /// How much later the second time.
        #[serde(with = "humantime_serde")]
        after: Duration,
    },
    /// Nothing gets through from one side to the other.
    Partition {
        /// From here,
        from: End,
        /// to there,
        to: End,
        /// and, with `true`, back.
        both_ways: bool,
        /// Since when.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// For how long.
        #[serde(with = "humantime_serde")]
        lasts: Duration,
    },
    /// The broker is down, and starts again from its logs.
    BrokerRestart {
        /// Since when.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// For how long.
        #[serde(with = "humantime_serde")]
        lasts: Duration,
    },
    /// The transaction coordinator moves to another broker, which loads its state first.
    CoordinatorFailover {
        /// Since when it is not to be found (`NOT_COORDINATOR`).
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// For how long all in all: the first half it is not to be found, the second half it loads
        /// (`COORDINATOR_LOAD_IN_PROGRESS`).
        #[serde(with = "humantime_serde")]
        lasts: Duration,
        /// How far the new broker's clock is ahead of the old one's.
        #[serde(with = "humantime_serde")]
        clock_ahead: Duration,
    },
    /// Markers that are decided in this time are written late.
    SlowMarkers {
        /// Since when.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// For how long.
        #[serde(with = "humantime_serde")]
        lasts: Duration,
        /// By how much more.
        #[serde(with = "humantime_serde")]
        by: Duration,
    },
    /// The clock of a machine jumps; a jump at time zero is a skew.
    ClockJump {
        /// Whose machine.
        process: Name,
        /// When.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// By how much.
        #[serde(with = "humantime_serde")]
        by: Duration,
        /// With `true`, back.
        backwards: bool,
    },
    /// The process dies, wherever it is by then. It is started again after a while.
    ///
    /// Never drawn: a crash at a site says what it strikes. For schedules that are compared with what other
    /// frameworks play, which know no sites. Behind the others, so that their digests stay as they are.
    CrashAt {
        /// Who.
        process: Name,
        /// When.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long until its next life.
        #[serde(with = "humantime_serde")]
        restart_after: Duration,
    },
    /// Markers that are decided in this time are written twice, as when the answer to the first is lost.
    RepeatMarkers {
        /// Since when.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// For how long.
        #[serde(with = "humantime_serde")]
        lasts: Duration,
        /// How much later the second time.
        #[serde(with = "humantime_serde")]
        after: Duration,
    },
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The broker.
    Broker,
    /// The checkpoint store.
    Store,
    /// A process of the job.
    Process(Name),
}

/// The kinds of faults, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is the variants of `Fault` with its name
pub enum FaultKind {
    Crash,
    Pause,
    Zombie,
    Stop,
    Lose,
    LoseAnswer,
    Delay,
    Repeat,
    Partition,
    BrokerRestart,
    CoordinatorFailover,
    SlowMarkers,
    ClockJump,
    RepeatMarkers,
}

impl FaultKind {
    /// All kinds, in order.
    pub const ALL: [FaultKind; 14] = [
        FaultKind::Crash,
        FaultKind::Pause,
        FaultKind::Zombie,
        FaultKind::Stop,
        FaultKind::Lose,
        FaultKind::LoseAnswer,
        FaultKind::Delay,
        FaultKind::Repeat,
        FaultKind::Partition,
        FaultKind::BrokerRestart,
        FaultKind::CoordinatorFailover,
        FaultKind::SlowMarkers,
        FaultKind::ClockJump,
        FaultKind::RepeatMarkers,
    ];

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultKind::Crash => "crash",
            FaultKind::Pause => "pause",
            FaultKind::Zombie => "zombie",
            FaultKind::Stop => "clean stop",
            FaultKind::Lose => "lost message or request",
            FaultKind::LoseAnswer => "applied, answer lost",
            FaultKind::Delay => "delay",
            FaultKind::Repeat => "repeat",
            FaultKind::Partition => "partition",
            FaultKind::BrokerRestart => "broker restart",
            FaultKind::CoordinatorFailover => "coordinator failover",
            FaultKind::SlowMarkers => "slow markers",
            FaultKind::ClockJump => "clock jump",
            FaultKind::RepeatMarkers => "repeated markers",
        }
    }
}

impl Fault {
    /// Where it strikes, if at a site.
    pub fn site(&self) -> Option<&Site> {
        match self {
            Fault::Crash { at, .. }
            | Fault::Pause { at, .. }
            | Fault::Zombie { at, .. }
            | Fault::Lose { at }
            | Fault::Delay { at, .. }
            | Fault::Repeat { at, .. } => Some(at),
            _ => None,
        }
    }

    /// When it strikes, if at a time.
    pub fn time(&self) -> Option<Duration> {
        match self {
            Fault::CrashAt { at, .. }
            | Fault::Stop { at, .. }
            | Fault::Partition { at, .. }
            | Fault::BrokerRestart { at, .. }
            | Fault::CoordinatorFailover { at, .. }
            | Fault::SlowMarkers { at, .. }
            | Fault::RepeatMarkers { at, .. }
            | Fault::ClockJump { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> FaultKind {
        use crate::site::Phase;
        match self {
            Fault::Crash { .. } | Fault::CrashAt { .. } => FaultKind::Crash,
            Fault::Pause { .. } => FaultKind::Pause,
            Fault::Zombie { .. } => FaultKind::Zombie,
            Fault::Stop { .. } => FaultKind::Stop,
            Fault::Lose { at } if at.phase == Phase::Answered => FaultKind::LoseAnswer,
            Fault::Lose { .. } => FaultKind::Lose,
            Fault::Delay { .. } => FaultKind::Delay,
            Fault::Repeat { .. } => FaultKind::Repeat,
            Fault::Partition { .. } => FaultKind::Partition,
            Fault::BrokerRestart { .. } => FaultKind::BrokerRestart,
            Fault::CoordinatorFailover { .. } => FaultKind::CoordinatorFailover,
            Fault::SlowMarkers { .. } => FaultKind::SlowMarkers,
            Fault::ClockJump { .. } => FaultKind::ClockJump,
            Fault::RepeatMarkers { .. } => FaultKind::RepeatMarkers,
        }
    }
}
