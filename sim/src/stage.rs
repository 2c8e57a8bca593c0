//! One history, from the first start to the verdict: polls whoever is ready, then lets the next thing happen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use twophase::{BoxFuture, Job};

use crate::env::{SharedWorld, SimEnv};
use crate::executor::{Executor, TaskFuture, TaskId};
use crate::log::Log;
use crate::quiet::{Panic, guarded};
use crate::remarks::Remarks;
use crate::runtime::Sandbox;
use crate::schedule::Schedule;
use crate::seed::{Purpose, Stream};
use crate::wall::Pulse;
use crate::watch::Watch;
use crate::world::{Condition, Pid, World};

/// The processes of a job in their world.
pub(crate) struct Stage<'a> {
    world: SharedWorld,
    executor: Executor,
    job: &'a dyn Job<SimEnv>,
    ready: Vec<TaskId>,
    shuffle: bool,
    schedule: Arc<Schedule>,
    pulse: &'a Pulse,
    /// Who is polled is told to whoever listens, if anybody does.
    remarks: Option<Remarks>,
}

/// How often one process may be polled between two steps of the world. Nobody who waits for something is polled more
/// than a few times.
const POLLS_PER_STEP: u32 = 100_000;

/// Up to here nobody counts whose polls they are.
const UNSUSPICIOUS: u32 = 1_000;

/// A process that never waits for anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spins(pub(crate) Pid);

/// The polls since the last step of the world.
#[derive(Default)]
struct Polls {
    all: u32,
    /// Of each process, once there are suspiciously many: one that never waits must not be taken for one that is
    /// merely ready beside it.
    each: BTreeMap<Pid, u32>,
}

impl Polls {
    fn are_too_many(&mut self, process: Pid) -> bool {
        self.all += 1;
        if self.all <= UNSUSPICIOUS {
            return false;
        }
        let polls = self.each.entry(process).or_default();
        *polls += 1;
        *polls > POLLS_PER_STEP
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        job: &'a dyn Job<SimEnv>,
        schedule: Arc<Schedule>,
        log: Box<dyn Log>,
        watch: Watch,
        pulse: &'a Pulse,
    ) -> Self {
        let remarks = watch.history.as_ref().map(|recorder| recorder.remarks.clone());
        let world = World::new(schedule.clone(), log, watch);
        Stage {
            world: Arc::new(Mutex::new(world)),
            executor: Executor::default(),
            job,
            ready: Vec::with_capacity(8),
            shuffle: schedule.timing.shuffle,
            schedule,
            pulse,
            remarks,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next thing happens, and everybody who becomes ready by it goes on until he waits again. Returns
    /// false if nothing will ever happen again.
    pub(crate) fn step(&mut self, sandbox: &Sandbox) -> Result<bool, Spins> {
        let Some(passed) = self.world().step() else {
            return Ok(false);
        };
        if passed > 0 {
            sandbox.advance(passed);
        }
        self.settle()?;
        Ok(true)
    }

    fn settle(&mut self) -> Result<(), Spins> {
        self.do_chores();
        let mut polls = Polls::default();
        loop {
            self.executor.take_woken(&mut self.ready);
            let Some((task, process)) = self.choose() else {
                return Ok(());
            };
            if polls.are_too_many(process) {
                self.pulse.leave();
                return Err(Spins(process));
            }
            self.poll(task, process);
            self.do_chores();
        }
    }

    /// Who is polled next: processes in the order in which they became ready, and within one process, if
    /// the schedule says so, whichever task its stream picks.
    fn choose(&mut self) -> Option<(TaskId, Pid)> {
        while !self.ready.is_empty() {
            let Some(process) = self.executor.process(self.ready[0]) else {
                self.ready.remove(0);
                continue;
            };
            let mut world = self.world();
            if world.life(process).condition == Condition::Paused {
                world.life(process).deferred.push(self.ready[0]);
                drop(world);
                self.ready.remove(0);
                continue;
            }
            self.enter_in(&mut world, process);
            drop(world);
            let at = if self.shuffle && self.ready.len() > 1 { self.pick_within(process) } else { 0 };
            return Some((self.ready.remove(at), process));
        }
        None
    }

    fn pick_within(&mut self, process: Pid) -> usize {
        let same = |task: &TaskId| self.executor.process(*task) == Some(process);
        let candidates = self.ready.iter().filter(|task| same(task)).count() as u64;
        if candidates < 2 {
            return 0;
        }
        let seed = self.schedule.timing.seed;
        let mut world = self.world();
        let life = world.life(process);
        let of =
            u64::from(life.name.role as u8) << 32 | u64::from(life.name.index) << 16 | u64::from(life.life.0);
        let stream = life.poll_order.get_or_insert_with(|| Stream::new(seed, Purpose::Poll, of));
        let chosen = stream.below(candidates) as usize;
        drop(world);
        let mut places = self.ready.iter().enumerate().filter(|(_, task)| same(task));
        places.nth(chosen).map_or(0, |(place, _)| place)
    }

    /// Whoever was chosen has entered already: one lock fewer for each poll.
    fn poll(&mut self, task: TaskId, process: Pid) {
        let polled = self.executor.poll(task);
        self.leave(process, polled);
    }

    /// A stranger's code has the thread from here on,
    fn enter(&self, process: Pid) {
        self.enter_in(&mut self.world(), process);
    }

    /// The same for who holds the world already.
    fn enter_in(&self, world: &mut World, process: Pid) {
        let (now, life) = (world.now(), world.life(process));
        self.pulse.enter(life.name, now);
        if let Some(remarks) = &self.remarks {
            remarks.polls(now, life.actor());
        }
    }

    /// to here.
    fn leave(&self, process: Pid, told: Result<(), Panic>) {
        self.pulse.leave();
        if let Err(panic) = told {
            self.world().panicked(process, &panic);
        }
    }

    fn do_chores(&mut self) {
        loop {
            let mut world = self.world();
            if world.chores.is_empty() {
                return; // as nearly always
            }
            let chores = std::mem::take(&mut world.chores);
            drop(world);
            for pid in chores.drop {
                self.enter(pid);
                let killed = self.executor.kill(pid);
                self.leave(pid, killed);
            }
            for pid in chores.start {
                self.enter(pid);
                let started = guarded(|| self.main_of(pid)).map(|main| self.executor.spawn(pid, main));
                self.leave(pid, started);
            }
            for (pid, task) in chores.spawn {
                self.spawn(pid, task);
            }
            self.ready.extend(chores.wake);
        }
    }

    /// Who spawns something and dies in the same breath leaves nothing behind that runs.
    fn spawn(&mut self, pid: Pid, task: TaskFuture) {
        if self.world().life(pid).is_alive() {
            self.executor.spawn(pid, task);
        } else {
            self.enter(pid);
            let dropped = guarded(|| drop(task));
            self.leave(pid, dropped);
        }
    }

    /// The main future of a process; when it ends, so does the process.
    fn main_of(&self, pid: Pid) -> BoxFuture<()> {
        let main = self.job.start(SimEnv::new(&self.world, pid));
        let world = self.world.clone();
        Box::pin(async move {
            let said = main.await;
            let said = said.map_err(|error| error.to_string());
            world
                .lock()
                .expect("no step of the world panics")
                .ended(pid, said.as_ref().copied().map_err(String::as_str));
        })
    }
}
