//! One life of one process, as the world keeps it.

use std::ops::{Deref, DerefMut, Index, IndexMut};

use smallvec::SmallVec;
use twophase::{Life, Process};

use super::links::Delays;
use super::messages::Parcel;
use super::under_way::Ticket;
use super::waits::WaitId;
use crate::event::Actor;
use crate::executor::TaskId;
use crate::memory::Room;
use crate::seed::StreamId;
use crate::site::{Ask, Call, Name, Operation};

/// Which life of which process: a place among all [`Lives`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pid(pub(crate) u32);

/// All lives of a history.
pub(super) struct Lives {
    /// In the order of their starts.
    all: Vec<LifeState>,
    /// The last to start of each process, at the place of its name.
    newest: SmallVec<[Option<Pid>; 8]>,
}

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

/// One life of one process. What nearly every event asks for comes first, side by side: whose it is, what is placed in it,
/// its delays and its counts.
#[repr(C)]
pub(crate) struct LifeState {
    pub(crate) name: Name,
    pub(crate) life: Life,
    pub(crate) condition: Condition,
    /// Whether no later life of the process has started.
    pub(crate) current: bool,
    pub(crate) asked_to_stop: bool,
    /// Its main future ended because its part of the job is done, as far as it knows.
    pub(crate) done: bool,
    /// Faults of the schedule, by index, that are placed in this life and have not struck.
    pub(crate) armed: Vec<usize>,
    pub(super) delays: Delays,
    counts: Counts,
    pub(crate) receiving: Option<WaitId>,
    /// The oldest message first. There is rarely more than one.
    pub(super) mailbox: SmallVec<[Ticket<Parcel>; 4]>,
    /// How far the clock of its machine is off, in microseconds.
    pub(crate) clock_off: i64,
    pub(crate) stopping: SmallVec<[WaitId; 2]>,
    /// Tasks that were woken while it stood still.
    pub(crate) deferred: Vec<TaskId>,
    /// What decides in which order its tasks are polled.
    pub(super) poll_order: Option<StreamId>,
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
#[repr(C)]
struct Counts {
    fixed: [u32; FIXED],
    sends: Sends,
    /// Which of them was the last: a place in `fixed`, or behind it in `sends`.
    last: Option<usize>,
}

/// How often a message with each label was sent.
type Sends = SmallVec<[(&'static str, u32); 6]>;

/// Calls that are neither messages nor requests to the broker, in the order in which they are counted.
const PLAIN: [Call; 5] = [Call::Sleep, Call::Next, Call::Receive, Call::Read, Call::Put];

const FIXED: usize = PLAIN.len() + Ask::ALL.len();

impl Lives {
    pub(super) fn new(room: Room<LifeState>) -> Self {
        Lives { all: room.vector(8), newest: SmallVec::new() }
    }

    /// Their room, for those of another history.
    pub(super) fn leave(self) -> Room<LifeState> {
        Room::of(self.all)
    }

    /// One more has started.
    pub(super) fn add(&mut self, life: LifeState) -> Pid {
        let (pid, place) = (Pid(self.all.len() as u32), life.name.place());
        if place >= self.newest.len() {
            self.newest.resize(place + 1, None);
        }
        self.newest[place] = Some(pid);
        self.all.push(life);
        pid
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> + use<> {
        (0..self.all.len() as u32).map(Pid)
    }

    /// The life of this process that started last, if any has.
    pub(super) fn newest(&self, name: Name) -> Option<Pid> {
        *self.newest.get(name.place())?
    }

    /// This life of this process: nearly always the newest.
    pub(super) fn find(&self, name: Name, life: Life) -> Option<Pid> {
        let newest = self.newest(name)?;
        if self[newest].life == life { Some(newest) } else { self.find_older(name, life) }
    }

    #[cold]
    fn find_older(&self, name: Name, life: Life) -> Option<Pid> {
        let place = self.all.iter().position(|state| state.name == name && state.life == life);
        place.map(|place| Pid(place as u32))
    }
}

impl Deref for Lives {
    type Target = [LifeState];

    fn deref(&self) -> &[LifeState] {
        &self.all
    }
}

impl DerefMut for Lives {
    fn deref_mut(&mut self) -> &mut [LifeState] {
        &mut self.all
    }
}

impl Index<Pid> for Lives {
    type Output = LifeState;

    #[inline(always)]
    fn index(&self, pid: Pid) -> &LifeState {
        &self.all[pid.0 as usize]
    }
}

impl IndexMut<Pid> for Lives {
    #[inline(always)]
    fn index_mut(&mut self, pid: Pid) -> &mut LifeState {
        &mut self.all[pid.0 as usize]
    }
}

impl LifeState {
    pub(crate) fn new(name: Name, life: Life) -> Self {
        LifeState {
            name,
            life,
            condition: Condition::Running,
            current: true,
            mailbox: SmallVec::new(),
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

    /// Takes the next message.
    #[inline(always)]
    pub(super) fn take_message(&mut self) -> Option<Ticket<Parcel>> {
        match self.mailbox.len() {
            0 => None,
            1 => self.mailbox.pop(),
            _ => Some(self.mailbox.remove(0)),
        }
    }

    /// Makes this call once more.
    #[inline(always)]
    pub(crate) fn make(&mut self, call: Call) -> Made {
        let Counts { fixed, sends, .. } = &mut self.counts;
        let place = match call {
            Call::Sleep => 0,
            Call::Next => 1,
            Call::Receive => 2,
            Call::Read => 3,
            Call::Put => 4,
            Call::Ask(ask) => PLAIN.len() + ask as usize,
            Call::Send(label) => FIXED + place_of(label, sends),
        };
        let count = match place.checked_sub(FIXED) {
            None => &mut fixed[place],
            Some(send) => &mut sends[send].1,
        };
        *count += 1;
        let ordinal = *count;
        self.counts.last = Some(place);
        Made { place: place as u16, ordinal }
    }

    /// Which call that was.
    pub(crate) fn call(&self, made: Made) -> Call {
        let place = usize::from(made.place);
        match place.checked_sub(FIXED) {
            None => Counts::fixed_call(place),
            Some(send) => Call::Send(self.counts.sends[send].0),
        }
    }

    /// Each call that it has made, and how often.
    pub(crate) fn made(&self) -> impl Iterator<Item = (Call, u32)> {
        let Counts { fixed, sends, .. } = &self.counts;
        let fixed = fixed.iter().enumerate().filter(|(_, count)| **count > 0);
        let fixed = fixed.map(|(place, count)| (Counts::fixed_call(place), *count));
        fixed.chain(sends.iter().map(|(label, count)| (Call::Send(label), *count)))
    }

    /// The site of what it asked for last, without its phase, as it prints.
    pub(crate) fn last_asked(&self) -> Option<String> {
        let last = self.counts.last?;
        let (call, ordinal) = match last.checked_sub(FIXED) {
            None => (Counts::fixed_call(last), self.counts.fixed[last]),
            Some(send) => (Call::Send(self.counts.sends[send].0), self.counts.sends[send].1),
        };
        Some(format!("{}/{}/{}#{ordinal}", self.name, self.life.0, Operation::from(call)))
    }
}

impl Counts {
    /// The call at this place in `fixed`.
    fn fixed_call(place: usize) -> Call {
        PLAIN.get(place).copied().unwrap_or_else(|| Call::Ask(Ask::ALL[place - PLAIN.len()]))
    }
}

/// Where this label is counted. Labels are nearly always the same few strings, in the same place in memory.
#[inline(always)]
fn place_of(label: &'static str, sends: &mut Sends) -> usize {
    match sends.iter().position(|(known, _)| std::ptr::eq(*known, label)) {
        Some(place) => place,
        None => find_or_add(label, sends),
    }
}

#[cold]
fn find_or_add(label: &'static str, sends: &mut Sends) -> usize {
    sends.iter().position(|(known, _)| *known == label).unwrap_or_else(|| {
        sends.push((label, 0));
        sends.len() - 1
    })
}
