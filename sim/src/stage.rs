//! One history, from the first start to the verdict: polls whoever is ready, then lets the next thing happen.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use twophase::{BoxFuture, Job};

use crate::env::{Shared, SharedWorld, SimEnv};
use crate::executor::{Executor, TaskFuture, TaskId};
use crate::log::Log;
use crate::quiet::{Panic, guarded};
use crate::remarks::Remarks;
use crate::runtime::Sandbox;
use crate::schedule::Schedule;
use crate::seed::{Purpose, Seed, Stream};
use crate::wall::Pulse;
use crate::watch::Watch;
use crate::world::{Chore, Condition, LifeState, Pid, World};

/// The processes of a job in their world.
pub(crate) struct Stage<'a> {
    world: SharedWorld,
    executor: Executor,
    job: &'a dyn Job<SimEnv>,
    ready: Vec<TaskId>,
    shuffle: bool,
    seed: Seed,
    onlookers: Onlookers<'a>,
}

/// Who is told which process has the thread: the watchdog, and whoever keeps what the code says of itself.
struct Onlookers<'a> {
    pulse: &'a Pulse,
    remarks: Option<Remarks>,
}

impl Onlookers<'_> {
    /// A stranger's code has the thread from here on,
    #[inline(always)]
    fn enter(&self, world: &mut World, process: Pid) {
        let (now, life) = (world.now(), world.life(process));
        self.pulse.enter(life.name, now);
        if let Some(remarks) = &self.remarks {
            remarks.polls(now, life.actor());
        }
    }

    /// to here.
    #[inline(always)]
    fn leave(&self) {
        self.pulse.leave();
    }
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
    #[inline]
    fn are_too_many(&mut self, process: Pid) -> bool {
        self.all += 1;
        self.all > UNSUSPICIOUS && self.are_too_many_of(process)
    }

    #[cold]
    fn are_too_many_of(&mut self, process: Pid) -> bool {
        let polls = self.each.entry(process).or_default();
        *polls += 1;
        *polls > POLLS_PER_STEP
    }

    /// The world makes a step.
    #[inline]
    fn begin_again(&mut self) {
        if std::mem::take(&mut self.all) > UNSUSPICIOUS {
            self.each.clear();
        }
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        job: &'a dyn Job<SimEnv>,
        alone: bool,
        schedule: Arc<Schedule>,
        log: Box<dyn Log>,
        watch: Watch,
        pulse: &'a Pulse,
    ) -> Self {
        let remarks = watch.history.as_ref().map(|recorder| recorder.remarks.clone());
        let (seed, shuffle) = (schedule.timing.seed, schedule.timing.shuffle);
        Stage {
            world: Arc::new(Shared::new(World::new(schedule, alone, log, watch))),
            executor: Executor::default(),
            job,
            ready: Vec::with_capacity(8),
            shuffle,
            seed,
            onlookers: Onlookers { pulse, remarks },
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.world()
    }

    /// Lets one thing happen after the other, and whoever becomes ready by it go on until he waits again, until
    /// `end` says that it is over. `None` if nothing will ever happen again. To be called [`guarded`].
    pub(crate) fn play<T>(
        &mut self,
        sandbox: &Sandbox,
        end: impl Fn(&World) -> Option<T>,
    ) -> Result<Option<T>, Spins> {
        let (mut passed, mut polls) = (0, Polls::default());
        let shared = self.world.clone();
        let mut world = shared.world();
        loop {
            // Nobody is ready after many a step: the world is left only when somebody is.
            if world.has_chores_or_woken() || self.executor.has_woken() || !self.ready.is_empty() {
                if passed > 0 {
                    sandbox.advance(std::mem::take(&mut passed));
                }
                if !world.chores.is_empty() {
                    let chores = std::mem::take(&mut world.chores);
                    drop(world);
                    self.attend_to(chores);
                    world = shared.world();
                    continue;
                }
                if let Some(next) = self.next_ready(&mut world) {
                    self.poll(next, world, &mut polls)?;
                    world = shared.world();
                    continue;
                }
            }
            if let Some(over) = end(&world) {
                return Ok(Some(over));
            }
            polls.begin_again();
            match world.step() {
                Some(more) => passed += more,
                None => return Ok(None),
            }
        }
    }

    /// A stranger's code has the thread meanwhile.
    #[inline]
    fn poll(&mut self, next: TaskId, mut world: MutexGuard<'_, World>, polls: &mut Polls) -> Result<(), Spins> {
        let Some(task) = self.executor.task(next) else {
            return Ok(());
        };
        let process = task.process;
        if polls.are_too_many(process) {
            return Err(Spins(process));
        }
        world.polls(Some((next, task.waker())));
        self.onlookers.enter(&mut world, process);
        drop(world);
        let polled = task.poll();
        self.onlookers.leave();
        if let Err(panic) = polled {
            self.world().panicked(process, &panic);
        }
        Ok(())
    }

    /// Who is polled next. Nearly always one task was woken, by the world, and nobody else is ready.
    #[inline]
    fn next_ready(&mut self, world: &mut World) -> Option<TaskId> {
        if let (&[only], true) = (&world.woken[..], self.ready.is_empty() && !self.executor.has_woken()) {
            let process = self.executor.task(only).map(|task| task.process);
            if process.is_some_and(|process| world.life(process).condition != Condition::Paused) {
                world.woken.clear();
                return Some(only);
            }
        }
        self.executor.wake(&mut world.woken, &mut self.ready);
        self.choose(world)
    }

    /// Who is polled next of those that are ready: processes in the order in which they became ready, and within one process, if
    /// the schedule says so, whichever task its stream picks.
    #[cold]
    fn choose(&mut self, world: &mut World) -> Option<TaskId> {
        while let Some(&first) = self.ready.first() {
            let Some(process) = self.executor.task(first).map(|task| task.process) else {
                self.ready.remove(0);
                continue;
            };
            let life = world.life(process);
            if life.condition == Condition::Paused {
                life.deferred.push(self.ready.remove(0));
                continue;
            }
            let at = if self.shuffle && self.ready.len() > 1 { self.pick_within(process, life) } else { 0 };
            return Some(self.ready.remove(at));
        }
        None
    }

    fn pick_within(&mut self, process: Pid, life: &mut LifeState) -> usize {
        let executor = &mut self.executor;
        let mut is_its = |task: TaskId| executor.task(task).is_some_and(|task| task.process == process);
        let candidates = self.ready.iter().filter(|task| is_its(**task)).count() as u64;
        if candidates < 2 {
            return 0;
        }
        let of =
            u64::from(life.name.role as u8) << 32 | u64::from(life.name.index) << 16 | u64::from(life.life.0);
        let stream = life.poll_order.get_or_insert_with(|| Stream::new(self.seed, Purpose::Poll, of));
        let chosen = stream.below(candidates) as usize;
        let mut places = self.ready.iter().enumerate().filter(|(_, task)| is_its(**task));
        places.nth(chosen).map_or(0, |(place, _)| place)
    }

    /// What needs a stranger's code, but no poll.
    fn run<T>(
        &mut self,
        process: Pid,
        strangers: impl FnOnce(&mut Self) -> Result<T, Panic>,
    ) -> Option<T> {
        self.onlookers.enter(&mut self.world.world(), process);
        let told = strangers(self);
        self.onlookers.leave();
        told.map_err(|panic| self.world().panicked(process, &panic)).ok()
    }

    #[cold]
    fn attend_to(&mut self, mut chores: Vec<Chore>) {
        self.world().polls(None);
        chores.sort_by_key(Chore::rank);
        for chore in chores {
            match chore {
                Chore::Drop(pid) => {
                    self.run(pid, |stage| stage.executor.kill(pid));
                }
                Chore::Start(pid) => {
                    let main = self.run(pid, |stage| guarded(|| stage.main_of(pid)));
                    main.into_iter().for_each(|main| self.executor.spawn(pid, main));
                }
                Chore::Spawn(pid, task) => self.spawn(pid, task),
                Chore::Wake(task) => self.ready.push(task),
            }
        }
    }

    /// Who spawns something and dies in the same breath leaves nothing behind that runs.
    fn spawn(&mut self, pid: Pid, task: TaskFuture) {
        if self.world().life(pid).is_alive() {
            self.executor.spawn(pid, task);
        } else {
            self.run(pid, |_| guarded(|| drop(task)));
        }
    }

    /// The main future of a process; when it ends, so does the process.
    fn main_of(&self, pid: Pid) -> BoxFuture<()> {
        let main = self.job.start(SimEnv::new(&self.world, pid));
        let world = self.world.clone();
        Box::pin(async move {
            let said = main.await;
            let said = said.map_err(|error| error.to_string());
            world.world().ended(pid, said.as_ref().copied().map_err(String::as_str));
        })
    }
}
