//! One history, from the first start to the verdict: polls whoever's turn it is, and does for the world what only it can,
//! because it has the futures and the job.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};

use twophase::{BoxFuture, Job};

use crate::env::{self, Entered, Place, SimEnv};
use crate::executor::TaskFuture;
use crate::memory::Memory;
use crate::quiet::{Panic, guarded};
use crate::runtime::Sandbox;
use crate::schedule::Schedule;
use crate::turns::{self, Onlookers, Turn, Turns};
use crate::wall::Pulse;
use crate::world::{Chore, Pid, World};

/// The processes of a job in their world.
pub(crate) struct Stage<'a> {
    /// With the futures, which are dropped before the world that they were made for.
    turns: Turns<'a>,
    place: Place,
    schedule: Arc<Schedule>,
    /// Where the chores were that are done, for the next ones.
    done: Vec<Chore>,
    job: &'a dyn Job<SimEnv>,
}

/// What one leaves to the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    turns: turns::Rooms,
    place: env::Rooms,
}

/// A process that never waits for anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spins(pub(crate) Pid);

impl<'a> Stage<'a> {
    pub(crate) fn new(job: &'a dyn Job<SimEnv>, world: World, pulse: &'a Pulse, rooms: Rooms) -> Self {
        let remarks = world.watch.history.as_ref().map(|recorder| recorder.remarks.clone());
        let schedule = world.schedule.clone();
        Stage {
            turns: Turns::new(schedule.timing.shuffle, Onlookers { pulse, remarks }, rooms.turns),
            place: Place::of(world, rooms.place),
            schedule,
            done: Vec::new(),
            job,
        }
    }

    /// The history is over; what it leaves to the next one.
    pub(crate) fn leave(self) -> Memory {
        let turns = self.turns.leave();
        let (world, place) = self.place.leave();
        let (world, log, watch) = world.leave();
        Memory { log, world, watch, stage: Rooms { turns, place } }
    }

    /// Into the world.
    pub(crate) fn world(&self) -> Entered {
        self.place.enter()
    }

    /// Lets one thing happen after the other, and whoever becomes ready by it go on until he waits again, until
    /// `end` says that it is over. `None` if nothing will ever happen again. To be called [`guarded`].
    pub(crate) fn play<T>(
        &mut self,
        sandbox: &Sandbox,
        end: impl Fn(&World) -> Option<T>,
    ) -> Result<Option<T>, Spins> {
        let mut world = self.world();
        loop {
            match self.turns.next(&mut world, sandbox) {
                Turn::World => {
                    if let Some(over) = end(&world) {
                        return Ok(Some(over));
                    }
                    if !world.step() {
                        return Ok(None);
                    }
                }
                Turn::Poll(task) => {
                    drop(world); // a stranger's code has the thread meanwhile
                    // (In a box, because it is rare: so there is nothing to be written when there is none.)
                    let panicked = match task.poll() {
                        Ok(()) => None,
                        Err(panic) => Some(Box::new((task.process, panic))),
                    };
                    self.turns.onlookers.leave();
                    world = self.world();
                    if let Some(panicked) = panicked {
                        world.panicked(panicked.0, &panicked.1);
                    }
                }
                Turn::Attend => {
                    let chores = std::mem::replace(&mut world.chores, std::mem::take(&mut self.done));
                    drop(world);
                    self.attend_to(chores);
                    world = self.world();
                }
                Turn::Spins(process) => return Err(Spins(process)),
            }
        }
    }

    /// What needs a stranger's code, but no poll.
    fn run<T>(&mut self, process: Pid, strangers: impl FnOnce(&mut Self) -> Result<T, Panic>) -> Option<T> {
        let mut world = self.world();
        world.polls(None);
        let name = world.life(process).name;
        self.turns.onlookers.enter(&mut world, process, name.into());
        drop(world);
        let told = strangers(self);
        self.turns.onlookers.leave();
        told.map_err(|panic| self.world().panicked(process, &panic)).ok()
    }

    #[cold]
    fn attend_to(&mut self, mut chores: Vec<Chore>) {
        chores.sort_by_key(Chore::rank);
        for chore in chores.drain(..) {
            match chore {
                Chore::Drop(pid) => {
                    self.run(pid, |stage| stage.turns.executor.kill(pid));
                }
                Chore::Start(pid) => {
                    let main = self.run(pid, |stage| guarded(|| stage.main_of(pid)));
                    main.into_iter().for_each(|main| self.spawn(pid, main));
                }
                Chore::Spawn(pid, task) => self.spawn(pid, task),
                Chore::Wake(task) => self.turns.ready.push(task),
            }
        }
        self.done = chores;
    }

    /// Who spawns something and dies in the same breath leaves nothing behind that runs.
    fn spawn(&mut self, pid: Pid, task: TaskFuture) {
        let mut world = self.world();
        if world.is_alive(pid) {
            let name = world.life(pid).name;
            drop(world);
            self.turns.executor.spawn((pid, name.into()), task);
        } else {
            drop(world);
            self.run(pid, |_| guarded(|| drop(task)));
        }
    }

    /// The main future of a process; when it ends, so does the process.
    fn main_of(&self, pid: Pid) -> BoxFuture<()> {
        let access = self.place.access(pid);
        let me = self.world().life(pid).process(self.schedule.settings.parallelism);
        let mut main = Some(self.job.start(SimEnv::new(access, self.schedule.clone(), me)));
        // (No `async` block: that would be a state machine more to enter at each poll.)
        Box::pin(poll_fn(move |cx| {
            let Some(running) = &mut main else { return Poll::Ready(()) };
            let said = ready!(running.as_mut().poll(cx)).map_err(|error| error.to_string());
            main = None; // nothing of it is left when it has ended
            access.world(|world| world.ended(pid, said.as_ref().copied().map_err(String::as_str)));
            Poll::Ready(())
        }))
    }
}
