//! One life of one process, as the world keeps it.

use std::collections::VecDeque;

use twophase::env::Envelope;
use twophase::{Life, Process};

use super::waits::WaitId;
use crate::event::Actor;
use crate::executor::TaskId;
use crate::seed::Stream;
use crate::site::{Ask, Call, Name, Operation};

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
    pub(crate) stopping: Vec<WaitId>,
    /// Tasks that were woken while it stood still.
    pub(crate) deferred: Vec<TaskId>,
    /// Faults of the schedule, by index, that are placed in this life and have not struck.
    pub(crate) armed: Vec<usize>,
    /// How far the clock of its machine is off, in microseconds.
    pub(crate) clock_off: i64,
    pub(crate) poll_order: Option<Stream>,
    counts: Counts,
}

/// How often each call was made.
#[derive(Default)]
struct Counts {
    fixed: [u32; FIXED],
    sends: Vec<(&'static str, u32)>,
    /// Which call was the last, and its count.
    last: Option<(Call, u32)>,
}

/// Calls that are neither messages nor requests to the broker.
const PLAIN: usize = 5;

const FIXED: usize = PLAIN + Ask::ALL.len();

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
    pub(crate) fn count(&mut self, call: Call) -> u32 {
        let count = match call {
            Call::Sleep => &mut self.counts.fixed[0],
            Call::Next => &mut self.counts.fixed[1],
            Call::Receive => &mut self.counts.fixed[2],
            Call::Read => &mut self.counts.fixed[3],
            Call::Put => &mut self.counts.fixed[4],
            Call::Ask(ask) => &mut self.counts.fixed[PLAIN + ask as usize],
            Call::Send(label) => sends_of(&mut self.counts.sends, label),
        };
        *count += 1;
        self.counts.last = Some((call, *count));
        *count
    }

    /// The site of what it asked for last, without its phase, as it prints.
    pub(crate) fn last_asked(&self) -> Option<String> {
        let (call, ordinal) = self.counts.last?;
        Some(format!("{}/{}/{}#{ordinal}", self.name, self.life.0, Operation::from(call)))
    }
}

/// Labels are nearly always the same few strings, in the same place.
fn sends_of<'a>(sends: &'a mut Vec<(&'static str, u32)>, label: &'static str) -> &'a mut u32 {
    let is = |known: &'static str| std::ptr::eq(known, label) || known == label;
    let at = sends.iter().position(|(known, _)| is(known)).unwrap_or_else(|| {
        sends.push((label, 0));
        sends.len() - 1
    });
    &mut sends[at].1
}
