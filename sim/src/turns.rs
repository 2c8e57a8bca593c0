//! Whose turn it is: that of a task that is ready to go on, or the next thing happens in the world.

use std::collections::BTreeMap;

use crate::executor::{self, Executor, Task, TaskId};
use crate::memory::Room;
use crate::remarks::Remarks;
use crate::runtime::Sandbox;
use crate::wall::{Pulse, Who};
use crate::world::{Pid, World};

/// Whose turn it is.
pub(crate) enum Turn<'a> {
    /// Nobody's: the next thing is to happen in the world.
    World,
    /// This task is to be polled.
    Poll(&'a mut Task),
    /// The driver has chores to do first.
    Attend,
    /// This process never waits for anything.
    Spins(Pid),
}

/// The tasks, and who of them is ready.
pub(crate) struct Turns<'a> {
    pub(crate) executor: Executor,
    pub(crate) ready: Vec<TaskId>,
    pub(crate) onlookers: Onlookers<'a>,
    shuffle: bool,
    polls: Polls,
    /// The time that the clocks of the sandbox show: when a process had the thread last.
    shown: u64,
}

/// What they leave to the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    tasks: executor::Rooms,
    ready: Room<TaskId>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(shuffle: bool, onlookers: Onlookers<'a>, rooms: Rooms) -> Self {
        Turns {
            executor: Executor::new(rooms.tasks),
            ready: rooms.ready.vector(8),
            onlookers,
            shuffle,
            polls: Polls::default(),
            shown: 0,
        }
    }

    /// It is over: all futures are dropped. What they leave to those of the next history.
    pub(crate) fn leave(self) -> Rooms {
        Rooms { tasks: self.executor.leave(), ready: Room::of(self.ready) }
    }

    /// Whoever is ready.
    #[inline(always)]
    pub(crate) fn next(&mut self, world: &mut World, sandbox: &Sandbox) -> Turn<'_> {
        // Nobody is ready after many a step. (One question instead of three.)
        if world.woken.len() | world.chores.len() | self.ready.len() == 0 && !self.executor.has_woken() {
            return Turn::World;
        }
        let now = world.now();
        if now > self.shown {
            sandbox.advance(now - self.shown);
            self.shown = now;
        }
        // Nearly always one task was woken, by the world or by another one, and there is nothing else to be done.
        if world.chores.len() | self.ready.len() == 0 {
            match (&world.woken[..], self.executor.has_woken()) {
                (&[only], false) if self.may_go_on(only, world) => return self.turn_of(only, world),
                ([], true) => {
                    if let Some(only) = self.executor.take_only() {
                        if self.may_go_on(only, world) {
                            return self.turn_of(only, world);
                        }
                        self.ready.push(only);
                    }
                }
                _ => {}
            }
        }
        if !world.chores.is_empty() {
            return Turn::Attend;
        }
        match self.choose(world) {
            Some(task) => self.turn_of(task, world),
            None => Turn::World,
        }
    }

    #[inline(always)]
    fn may_go_on(&self, task: TaskId, world: &World) -> bool {
        self.executor.task(task).is_some_and(|task| !world.is_paused(task.process))
    }

    /// This one's. All others that were woken are ready.
    #[inline(always)]
    fn turn_of(&mut self, id: TaskId, world: &mut World) -> Turn<'_> {
        let task = self.executor.task_mut(id);
        if self.polls.are_too_many(task.process, world) {
            return Turn::Spins(task.process);
        }
        world.woken.clear();
        world.polls(Some((id, task.waker())));
        self.onlookers.enter(world, task.process, task.who);
        Turn::Poll(task)
    }

    /// Of those that were woken or are ready: processes in the order in which they became ready, and within one process,
    /// if the schedule says so, whichever task its stream picks.
    #[cold]
    fn choose(&mut self, world: &mut World) -> Option<TaskId> {
        self.executor.wake(&mut world.woken, &mut self.ready);
        while let Some(&first) = self.ready.first() {
            let Some(process) = self.executor.task(first).map(|task| task.process) else {
                self.ready.remove(0);
                continue;
            };
            if world.is_paused(process) {
                world.life(process).deferred.push(self.ready.remove(0));
                continue;
            }
            let at = if self.shuffle && self.ready.len() > 1 { self.pick_within(process, world) } else { 0 };
            return match self.ready.len() {
                1 => self.ready.pop(),
                _ => Some(self.ready.remove(at)),
            };
        }
        None
    }

    fn pick_within(&mut self, process: Pid, world: &mut World) -> usize {
        let executor = &self.executor;
        let is_its = |task: TaskId| executor.task(task).is_some_and(|task| task.process == process);
        let candidates = self.ready.iter().filter(|task| is_its(**task)).count() as u64;
        if candidates < 2 {
            return 0;
        }
        let chosen = world.poll_order(process).below(candidates) as usize;
        let mut places = self.ready.iter().enumerate().filter(|(_, task)| is_its(**task));
        places.nth(chosen).map_or(0, |(place, _)| place)
    }
}

/// Who is told which process has the thread: the watchdog, and whoever keeps what the code says of itself.
pub(crate) struct Onlookers<'a> {
    pub(crate) pulse: &'a Pulse,
    pub(crate) remarks: Option<Remarks>,
}

impl Onlookers<'_> {
    /// A stranger's code has the thread from here on,
    #[inline(always)]
    pub(crate) fn enter(&self, world: &mut World, process: Pid, who: Who) {
        self.pulse.enter(who, world.now());
        if let Some(remarks) = &self.remarks {
            remarks.polls(world.now(), world.life(process).actor());
        }
    }

    /// to here.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        self.pulse.leave();
    }
}

/// How often one process may be polled between two steps of the world. Nobody who waits for something is polled more
/// than a few times.
const POLLS_PER_STEP: u32 = 100_000;

/// After how many polls somebody looks whether the world has made a step meanwhile. Up to there nobody counts whose they are.
const UNSUSPICIOUS: u32 = 1_000;

/// The polls since somebody has looked.
#[derive(Default)]
struct Polls {
    all: u32,
    /// How many steps the world had made then.
    steps: u64,
    /// Of each process, while the world makes none: one that never waits must not be taken for one that is merely ready
    /// beside it.
    each: BTreeMap<Pid, u32>,
}

impl Polls {
    #[inline(always)]
    fn are_too_many(&mut self, process: Pid, world: &World) -> bool {
        self.all += 1;
        self.all > UNSUSPICIOUS && self.are_too_many_of(process, world.steps())
    }

    #[cold]
    fn are_too_many_of(&mut self, process: Pid, steps: u64) -> bool {
        if self.steps != steps {
            *self = Polls { steps, ..Polls::default() };
            return false;
        }
        let polls = self.each.entry(process).or_default();
        *polls += 1;
        *polls > POLLS_PER_STEP
    }
}
