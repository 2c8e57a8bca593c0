//! One life of one process, as the world keeps it.

use std::collections::VecDeque;

use smallvec::SmallVec;
use twophase::{Life, Process};

use super::links::Delays;
use super::messages::Parcel;
use super::under_way::Ticket;
use super::waits::WaitId;
use crate::event::Actor;
use crate::executor::TaskId;
use crate::seed::StreamId;
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
    pub(super) mailbox: VecDeque<Ticket<Parcel>>,
    pub(crate) receiving: Option<WaitId>,
    pub(crate) asked_to_stop: bool,
    /// Its main future ended because its part of the job is done, as far as it knows.
    pub(crate) done: bool,
    pub(crate) stopping: SmallVec<[WaitId; 2]>,
    /// Tasks that were woken while it stood still.
    pub(crate) deferred: Vec<TaskId>,
    /// Faults of the schedule, by index, that are placed in this life and have not struck.
    pub(crate) armed: Vec<usize>,
    /// How far the clock of its machine is off, in microseconds.
    pub(crate) clock_off: i64,
    /// What decides in which order its tasks are polled.
    pub(super) poll_order: Option<StreamId>,
    pub(super) delays: Delays,
    counts: Counts,
}

/// A call that some life has made, so small that it goes with what comes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// Which, as a place among its counts.
    place: u16,
    /// For the how-manieth time, counting from 1.
    pub(crate) ordinal: u32,
}

impl Made {
    /// For what is no call, so that no fault is placed there.
    pub(crate) const NONE: Made = Made { place: 0, ordinal: 0 };
}

/// How often each call was made.
#[derive(Default)]
struct Counts {
    fixed: [u32; FIXED],
    sends: SmallVec<[(&'static str, u32); 6]>,
    /// Which of them was the last: a place in `fixed`, or behind it in `sends`.
    last: Option<usize>,
}

/// Calls that are neither messages nor requests to the broker, in the order in which they are counted.
const PLAIN: [Call; 5] = [Call::Sleep, Call::Next, Call::Receive, Call::Read, Call::Put];

const FIXED: usize = PLAIN.len() + Ask::ALL.len();

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
            done: false,
            stopping: SmallVec::new(),
            deferred: Vec::new(),
            armed: Vec::new(),
            clock_off: 0,
            poll_order: None,
            delays: Delays::default(),
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

    /// Whether any fault may strike at one of its sites.
    #[inline]
    pub(crate) fn is_in_danger(&self) -> bool {
        !self.armed.is_empty()
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

    /// Makes this call once more.
    #[inline(always)]
    pub(crate) fn make(&mut self, call: Call) -> Made {
        let place = match call {
            Call::Sleep => 0,
            Call::Next => 1,
            Call::Receive => 2,
            Call::Read => 3,
            Call::Put => 4,
            Call::Ask(ask) => PLAIN.len() + ask as usize,
            Call::Send(label) => FIXED + self.counts.place_of(label),
        };
        self.counts.last = Some(place);
        let count = match place.checked_sub(FIXED) {
            None => &mut self.counts.fixed[place],
            Some(send) => &mut self.counts.sends[send].1,
        };
        *count += 1;
        Made { place: place as u16, ordinal: *count }
    }

    /// Which call that was.
    pub(crate) fn call(&self, made: Made) -> Call {
        let place = usize::from(made.place);
        match PLAIN.get(place) {
            Some(call) => *call,
            None if place < FIXED => Call::Ask(Ask::ALL[place - PLAIN.len()]),
            None => Call::Send(self.counts.sends[place - FIXED].0),
        }
    }

    /// Each call that it has made, and how often.
    pub(crate) fn made(&self) -> impl Iterator<Item = (Call, u32)> {
        self.counts.each().filter(|(_, count)| *count > 0)
    }

    /// The site of what it asked for last, without its phase, as it prints.
    pub(crate) fn last_asked(&self) -> Option<String> {
        let last = self.counts.last?;
        let (call, ordinal) = self.counts.each().nth(last)?;
        Some(format!("{}/{}/{}#{ordinal}", self.name, self.life.0, Operation::from(call)))
    }
}

impl Counts {
    /// Each call, in the order of their places.
    fn each(&self) -> impl Iterator<Item = (Call, u32)> {
        let fixed = PLAIN.into_iter().chain(Ask::ALL.map(Call::Ask)).zip(self.fixed);
        fixed.chain(self.sends.iter().map(|(label, count)| (Call::Send(label), *count)))
    }

    /// Labels are nearly always the same few strings, in the same place in memory.
    #[inline]
    fn place_of(&mut self, label: &'static str) -> usize {
        let same = self.sends.iter().position(|(known, _)| std::ptr::eq(*known, label));
        let same = same.or_else(|| self.sends.iter().position(|(known, _)| *known == label));
        same.unwrap_or_else(|| {
            self.sends.push((label, 0));
            self.sends.len() - 1
        })
    }
}
