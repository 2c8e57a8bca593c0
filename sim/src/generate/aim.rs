//! Where faults are placed, so that they fall where something can go wrong.

use std::borrow::Cow;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::{Life, Settings};

use super::millis;
use crate::fault::{End, Fault};
use crate::seed::Stream;
use crate::site::{Ask, Name, Operation, Phase, Site};

/// Families of faults; each seed has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Crash,
    CrashDuringRestore,
    CrashOfCoordinator,
    Zombie,
    ZombieCoordinator,
    Pause,
    Stop,
    Request,
    Message,
    Partition,
    Broker,
    Clock,
}

/// All families, with their weights.
pub(super) const FAMILIES: [(u64, Family); 12] = [
    (6, Family::Crash),
    (2, Family::CrashDuringRestore),
    (2, Family::CrashOfCoordinator),
    (3, Family::Zombie),
    (1, Family::ZombieCoordinator),
    (1, Family::Pause),
    (1, Family::Stop),
    (3, Family::Request),
    (3, Family::Message),
    (1, Family::Partition),
    (2, Family::Broker),
    (1, Family::Clock),
];

/// What the faults of one seed are drawn for.
pub(super) struct Aim<'a> {
    pub(super) draw: &'a mut Stream,
    pub(super) settings: &'a Settings,
    pub(super) protocol: Protocol,
    /// About how many requests with records each sink sends.
    pub(super) produces: u64,
    /// About how many checkpoints it takes.
    pub(super) checkpoints: u64,
    pub(super) request_timeout: Duration,
    pub(super) heal_at: Duration,
    pub(super) faults: Vec<Fault>,
}

const REQUEST_PHASES: [Phase; 5] = Phase::ALL;

pub(super) fn send(label: &'static str) -> Operation {
    Operation::Send(Cow::Borrowed(label))
}

impl Aim<'_> {
    /// Adds a fault of this family, sometimes two that belong together.
    pub(super) fn add(&mut self, family: Family) {
        match family {
            Family::Crash => {
                let at = self.sink_site();
                self.crash(at);
            }
            Family::CrashDuringRestore => self.crash_during_restore(),
            Family::CrashOfCoordinator => {
                let at = self.coordinator_site();
                self.crash(at);
            }
            Family::Zombie => {
                let at = self.sink_site();
                self.zombie(at);
            }
            Family::ZombieCoordinator => {
                let at = self.coordinator_site();
                self.zombie(at);
            }
            Family::Pause => self.pause(),
            Family::Stop => self.stop(),
            Family::Request => self.request(),
            Family::Message => self.message(),
            Family::Partition => self.partition(),
            Family::Broker => self.broker(),
            Family::Clock => self.clock(),
        }
    }

    /// Something in the first life of a sink that it has to recover from.
    pub(super) fn open(&mut self) {
        let at = Site { life: Life(1), ..self.sink_site() };
        match self.draw.below(8) {
            0 => self.zombie(at),
            1 => self.crash_during_restore(),
            _ => self.crash(at),
        }
    }

    pub(super) fn sink(&mut self) -> Name {
        Name::sink(self.draw.below(self.settings.parallelism.into()) as u16)
    }

    /// Small numbers are likelier: late ones often do not come.
    pub(super) fn ordinal(&mut self, most: u64) -> u32 {
        if self.draw.chance(1, 2) { 1 } else { self.draw.log_within(1..most.max(1) + 1) as u32 }
    }

    fn life(&mut self) -> Life {
        Life(self.draw.weighted(&[(6, 1), (2, 2), (1, 3)]))
    }

    /// A place on the path of a record or of a checkpoint, in some sink.
    fn sink_site(&mut self) -> Site {
        let process = self.sink();
        let life = self.life();
        let checkpoints = self.checkpoints;
        // The gap between two of these is a window: W1 | W2 | W3 | W4 | W5. The first init has nothing behind it.
        let (operation, ordinal, phases): (_, _, &[Phase]) = match self.draw.below(12) {
            0 | 1 => {
                (Operation::Ask(Ask::Produce), self.draw.within(2..self.produces + 3) as u32, &REQUEST_PHASES)
            }
            2 | 3 => (Operation::Ask(Ask::Init), 1 + self.ordinal(checkpoints), &REQUEST_PHASES),
            4 => (send("ack"), self.ordinal(checkpoints), &[Phase::Before]),
            5 => (send("ack"), self.ordinal(checkpoints), &[Phase::Sent]),
            6 | 7 => (Operation::Ask(Ask::Commit), self.ordinal(checkpoints), &[Phase::Before, Phase::Sent]),
            8 | 9 => (
                Operation::Ask(Ask::Commit),
                self.ordinal(checkpoints),
                &[Phase::Applied, Phase::Answered, Phase::Received],
            ),
            10 if self.protocol == Protocol::V1 => {
                (Operation::Ask(Ask::AddPartitions), self.ordinal(checkpoints * 2), &REQUEST_PHASES)
            }
            _ => (Operation::Receive, self.ordinal(8 + 6 * checkpoints), &[Phase::Received]),
        };
        let phase = *self.draw.pick(phases);
        Site { process, life, operation, ordinal, phase }
    }

    /// A place on the path of a checkpoint, in the coordinator.
    fn coordinator_site(&mut self) -> Site {
        let life = self.life();
        let (operation, ordinal, phases): (_, _, &[Phase]) = match self.draw.below(8) {
            0..=3 => (Operation::Put, self.ordinal(7), &REQUEST_PHASES),
            4 => (send("complete"), self.ordinal(10), &[Phase::Before, Phase::Sent]),
            5 => (send("trigger"), self.ordinal(10), &[Phase::Before, Phase::Sent]),
            6 => (Operation::Receive, self.ordinal(40), &[Phase::Received]),
            _ => (send("deploy"), self.ordinal(6), &[Phase::Before, Phase::Sent]),
        };
        let phase = *self.draw.pick(phases);
        Site { process: Name::COORDINATOR, life, operation, ordinal, phase }
    }

    fn crash(&mut self, at: Site) {
        let restart_after = self.draw.span(millis(1)..millis(60));
        self.faults.push(Fault::Crash { at, restart_after });
    }

    /// First something to restore from, then a crash in the middle of it.
    fn crash_during_restore(&mut self) {
        let mut first = self.sink_site();
        first.life = Life(1);
        let process = first.process;
        self.crash(first);
        let (operation, ordinal) = match self.draw.below(4) {
            0 => (Operation::Ask(Ask::Commit), self.ordinal(2)),
            1 => (Operation::Ask(Ask::List), 1),
            _ => (Operation::Ask(Ask::Init), self.ordinal(3)),
        };
        let phase = *self.draw.pick(&REQUEST_PHASES);
        self.crash(Site { process, life: Life(2), operation, ordinal, phase });
    }

    fn zombie(&mut self, at: Site) {
        let replaced_after = self.draw.span(millis(1)..millis(40));
        let wakes_after = self.draw.span(Duration::ZERO..millis(150));
        self.faults.push(Fault::Zombie { at, replaced_after, wakes_after });
    }

    fn pause(&mut self) {
        let at = if self.draw.chance(3, 4) { self.sink_site() } else { self.coordinator_site() };
        let lasts = self.draw.span(millis(1)..millis(250));
        self.faults.push(Fault::Pause { at, lasts });
    }

    fn stop(&mut self) {
        let process = self.sink();
        let at = self.time();
        let restart_after = self.draw.span(millis(1)..millis(60));
        self.faults.push(Fault::Stop { process, at, restart_after });
    }

    /// Most often while the job still reads.
    fn time(&mut self) -> Duration {
        let reads_until = self.settings.checkpoint_interval * (self.checkpoints as u32 + 1);
        let until = if self.draw.chance(3, 4) { reads_until.min(self.heal_at) } else { self.heal_at };
        self.draw.span(Duration::ZERO..until)
    }

    fn request(&mut self) {
        let life = self.life();
        let (process, operation, ordinal) = match self.draw.below(14) {
            0 | 1 => {
                (self.sink(), Operation::Ask(Ask::Produce), self.draw.within(1..self.produces + 3) as u32)
            }
            2 | 3 => (self.sink(), Operation::Ask(Ask::Init), self.ordinal(5)),
            4..=6 => (self.sink(), Operation::Ask(Ask::Commit), self.ordinal(5)),
            7 => (self.sink(), Operation::Ask(Ask::AddPartitions), self.ordinal(5)),
            8 => (self.sink(), Operation::Ask(Ask::Abort), self.ordinal(2)),
            9 => (self.sink(), Operation::Ask(Ask::List), 1),
            10 => (self.sink(), Operation::Ask(Ask::Describe), self.ordinal(3)),
            11 | 12 => (Name::COORDINATOR, Operation::Put, self.ordinal(7)),
            _ => (Name::COORDINATOR, Operation::Read, self.ordinal(2)),
        };
        let fault = self.mishap(process, life, operation, ordinal, true);
        self.faults.push(fault);
    }

    fn message(&mut self) {
        let life = self.life();
        let (process, label, most) = match self.draw.below(10) {
            0..=2 => (Name::COORDINATOR, "complete", 10),
            3 => (Name::COORDINATOR, "trigger", 10),
            4 => (Name::COORDINATOR, "deploy", 6),
            5 => (Name::COORDINATOR, "aborted", 4),
            6 => (self.sink(), "heartbeat", 10),
            7 => (self.sink(), "finished", 2),
            _ => (self.sink(), "ack", 5),
        };
        let ordinal = self.ordinal(most);
        let fault = self.mishap(process, life, send(label), ordinal, false);
        self.faults.push(fault);
    }

    fn mishap(
        &mut self,
        process: Name,
        life: Life,
        operation: Operation,
        ordinal: u32,
        answered: bool,
    ) -> Fault {
        let sent = Site { process, life, operation, ordinal, phase: Phase::Sent };
        let lost_answer = Site { phase: Phase::Answered, ..sent.clone() };
        match self.draw.below(8) {
            0..=2 if answered => Fault::Lose { at: lost_answer },
            0..=3 => Fault::Lose { at: sent },
            4 | 5 => {
                Fault::Delay { at: sent, by: Duration::from_micros(self.draw.log_within(2_000..250_000)) }
            }
            6 if answered => Fault::Delay {
                at: lost_answer,
                by: Duration::from_micros(self.draw.log_within(2_000..100_000)),
            },
            _ => Fault::Repeat { at: sent, after: Duration::from_micros(self.draw.log_within(100..250_000)) },
        }
    }

    fn partition(&mut self) {
        let sink = End::Process(self.sink());
        let coordinator = End::Process(Name::COORDINATOR);
        let (from, to) = match self.draw.below(6) {
            0 => (sink, coordinator),
            1 => (coordinator, sink),
            2 => (sink, End::Broker),
            3 => (End::Broker, sink),
            4 => (coordinator, End::Store),
            _ => (End::Store, coordinator),
        };
        let (at, both_ways) = (self.time(), self.draw.chance(1, 2));
        let lasts = self.draw.span(millis(5)..millis(250));
        self.faults.push(Fault::Partition { from, to, both_ways, at, lasts });
    }

    fn broker(&mut self) {
        let (at, lasts) = (self.time(), self.draw.span(millis(5)..millis(120)));
        self.faults.push(match self.draw.below(4) {
            0 => Fault::BrokerRestart { at, lasts },
            1 => {
                let clock_ahead = self.draw.span(Duration::ZERO..millis(100));
                Fault::CoordinatorFailover { at, lasts, clock_ahead }
            }
            2 => Fault::SlowMarkers { at, lasts, by: self.draw.span(millis(5)..millis(120)) },
            _ => Fault::RepeatMarkers { at, lasts, after: self.draw.span(millis(1)..millis(120)) },
        });
    }

    fn clock(&mut self) {
        let process = if self.draw.chance(1, 3) { Name::COORDINATOR } else { self.sink() };
        let at = if self.draw.chance(1, 3) { Duration::ZERO } else { self.time() };
        let by = Duration::from_micros(self.draw.log_within(1_000..200_000));
        self.faults.push(Fault::ClockJump { process, at, by, backwards: self.draw.chance(1, 2) });
    }
}
