//! One life of one process, as the world keeps it.

use std::collections::VecDeque;
use std::task::Waker;

use twophase::env::Envelope;
use twophase::{Life, Process};

use super::waits::WaitId;
use crate::event::Actor;
use crate::executor::TaskId;
use crate::seed::Stream;
use crate::site::{Ask, Name, Operation};

/// Which life of which process: an index into the world's list, in the order of their starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pid(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Running,
    /// Its futures are kept, but not polled.
    Paused,
    /// Its futures are gone; whatever they still ask for on their way out does nothing.
    Dead,
    /// Its main future has ended.
    Ended,
}

pub(crate) struct LifeState {
    pub(crate) name: Name,
    pub(crate) life: Life,
    pub(crate) condition: Condition,
    /// Whether no later life of the process has started.
    pub(crate) current: bool,
    pub(crate) mailbox: VecDeque<Envelope>,
    pub(crate) receiving: Option<WaitId>,
    pub(crate) asked_to_stop: bool,
    pub(crate) stopping: Vec<Waker>,
    /// Tasks that were woken while it stood still.
    pub(crate) deferred: Vec<TaskId>,
    /// Faults of the schedule, by index, that are placed in this life and have not struck.
    pub(crate) armed: Vec<usize>,
    /// How far the clock of its machine is off, in microseconds.
    pub(crate) clock_off: i64,
    pub(crate) poll_order: Option<Stream>,
    counts: Counts,
}

/// How often each operation was asked for.
#[derive(Default)]
struct Counts {
    fixed: [u32; FIXED],
    sends: Vec<(String, u32)>,
    last: Option<Slot>,
}

/// Where an operation is counted.
#[derive(Clone, Copy)]
enum Slot {
    Fixed(usize),
    Send(usize),
}

/// Those before the requests to the broker.
const FIRST: [Operation; 5] =
    [Operation::Sleep, Operation::Next, Operation::Receive, Operation::Read, Operation::Put];

const FIXED: usize = FIRST.len() + Ask::ALL.len();

impl LifeState {
    pub(crate) fn new(name: Name, life: Life) -> Self {
        LifeState {
            name,
            life,
            condition: Condition::Running,
            current: true,
            mailbox: VecDeque::new(),
            receiving: None,
            asked_to_stop: false,
            stopping: Vec::new(),
            deferred: Vec::new(),
            armed: Vec::new(),
            clock_off: 0,
            poll_order: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::Process { name: self.name, life: self.life, current: self.current }
    }

    /// Whether what its futures ask for still counts.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.condition, Condition::Running | Condition::Paused)
    }

    /// Who it is, in a job of this size, before any incarnation was given.
    pub(crate) fn process(&self, parallelism: u16) -> Process {
        Process {
            role: self.name.role,
            index: self.name.index,
            life: self.life,
            parallelism,
            incarnation: twophase::Incarnation(0),
        }
    }

    /// For the how-manieth time this is asked for, counting from 1.
    pub(crate) fn count(&mut self, operation: &Operation) -> u32 {
        let slot = match operation {
            Operation::Sleep => Slot::Fixed(0),
            Operation::Next => Slot::Fixed(1),
            Operation::Receive => Slot::Fixed(2),
            Operation::Read => Slot::Fixed(3),
            Operation::Put => Slot::Fixed(4),
            Operation::Ask(ask) => Slot::Fixed(FIRST.len() + *ask as usize),
            Operation::Send(label) => Slot::Send(self.counts.send(label)),
        };
        self.counts.last = Some(slot);
        let count = match slot {
            Slot::Fixed(at) => &mut self.counts.fixed[at],
            Slot::Send(at) => &mut self.counts.sends[at].1,
        };
        *count += 1;
        *count
    }

    /// Each call that it has made, and how often.
    pub(crate) fn made(&self) -> impl Iterator<Item = (Operation, u32)> {
        let first = [Operation::Sleep, Operation::Next, Operation::Receive, Operation::Read, Operation::Put];
        let fixed = first.into_iter().chain(Ask::ALL.map(Operation::Ask)).zip(self.counts.fixed);
        let sends = self.counts.sends.iter();
        let sends = sends.map(|(label, count)| (Operation::Send(label.clone().into()), *count));
        fixed.chain(sends).filter(|(_, count)| *count > 0)
    }

    /// The site of what it asked for last, without its phase, as it prints.
    pub(crate) fn last_asked(&self) -> Option<String> {
        let (operation, ordinal) = match self.counts.last? {
            Slot::Fixed(at) => {
                let mut fixed = FIRST.into_iter().chain(Ask::ALL.map(Operation::Ask));
                (fixed.nth(at)?, self.counts.fixed[at])
            }
            Slot::Send(at) => {
                let (label, count) = self.counts.sends[at].clone();
                (Operation::Send(label.into()), count)
            }
        };
        Some(format!("{}/{}/{operation}#{ordinal}", self.name, self.life.0))
    }
}

impl Counts {
    fn send(&mut self, label: &str) -> usize {
        let known = self.sends.iter().position(|(known, _)| known == label);
        known.unwrap_or_else(|| {
            self.sends.push((label.to_owned(), 0));
            self.sends.len() - 1
        })
    }
}
