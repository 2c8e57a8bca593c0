//! Where the world of a history is, and the way into it.
//!
//! One thread plays one history at a time, from its beginning to its end, so the world is a thread's own: no lock, and
//! nothing that futures would have to share. Whoever is in it has taken it from its place, and puts it back. Whoever
//! comes too late, from another history or from another thread finds no world, and what he asks for stays pending.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory::Room;
use crate::world::bells::{self, Rung};
use crate::world::{Pid, World};

thread_local! {
    /// (What needs no drop when its thread ends is found by one instruction. [`Place`] drops it.)
    static WORLD: Cell<Option<Placed>> = const { Cell::new(None) };
}

/// (An array of one, because a vector becomes one and one a vector, and its room outlives the history.)
type Placed = ManuallyDrop<Box<[Shown; 1]>>;

/// What the place of one history leaves to that of the next.
pub(crate) type Rooms = Room<Shown>;

/// A world, and which history it is.
pub(crate) struct Shown {
    history: History,
    world: World,
}

/// Which history of this program; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct History(u64);

impl History {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        History(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The world of a history is here until this is dropped.
pub(crate) struct Place {
    history: History,
    /// The world that was here before: of a history whose code under test plays one of its own.
    outer: Option<Placed>,
    outer_bells: Rung,
}

impl Place {
    pub(crate) fn of(world: World, room: Rooms) -> Self {
        let history = History::next();
        let mut shown = room.vector(1);
        shown.push(Shown { history, world });
        let shown = <Box<[Shown; 1]>>::try_from(shown).ok().expect("there is one");
        let outer = WORLD.replace(Some(ManuallyDrop::new(shown)));
        Place { history, outer, outer_bells: bells::set(Rung::NONE) }
    }

    /// Into the world.
    ///
    /// # Panics
    /// On another thread, or for whoever is in it already.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Entered {
        Entered::by(self.history).expect("nobody is in the world but one process at a time, on its thread")
    }

    /// The world, when its history is over. Whatever was here before is here again.
    pub(crate) fn leave(self) -> (World, Rooms) {
        let placed = self.enter().0.take().expect("it is put back at the end");
        let shown: Box<[Shown; 1]> = ManuallyDrop::into_inner(placed);
        let mut shown = Vec::from(shown as Box<[Shown]>);
        let world = shown.pop().expect("there is one").world;
        (world, Room::of(shown))
    }

    /// The way into it for a process.
    pub(crate) fn access(&self, pid: Pid) -> Access {
        Access { history: self.history, pid }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        bells::set(self.outer_bells);
        drop(WORLD.replace(self.outer.take()).map(ManuallyDrop::into_inner));
    }
}

/// Whoever has this is in the world.
pub(crate) struct Entered(Option<Placed>);

impl Entered {
    #[inline(always)]
    fn by(history: History) -> Option<Self> {
        let placed = WORLD.take()?;
        if placed[0].history != history {
            WORLD.set(Some(placed));
            return None;
        }
        Some(Entered(Some(placed)))
    }
}

impl Deref for Entered {
    type Target = World;

    #[inline(always)]
    fn deref(&self) -> &World {
        &self.0.as_ref().expect("it is put back at the end")[0].world
    }
}

impl DerefMut for Entered {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0.as_mut().expect("it is put back at the end")[0].world
    }
}

impl Drop for Entered {
    #[inline(always)]
    fn drop(&mut self) {
        WORLD.set(self.0.take());
    }
}

/// A process's way into the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    history: History,
    pub(super) pid: Pid,
}

impl Access {
    /// Does something in the world, also for the dead, unless its history is over.
    #[inline(always)]
    pub(crate) fn world<T>(self, act: impl FnOnce(&mut World) -> T) -> Option<T> {
        let mut world = self.enter_anyway()?;
        Some(act(&mut world))
    }

    /// Into the world, also for the dead.
    #[inline(always)]
    pub(super) fn enter_anyway(self) -> Option<Entered> {
        Entered::by(self.history)
    }

    /// Into the world, if what this process does still counts.
    #[inline(always)]
    pub(super) fn enter(self) -> Option<Entered> {
        self.enter_anyway().filter(|world| world.is_alive(self.pid))
    }

    /// Does something in the world, if what this process does still counts.
    #[inline(always)]
    pub(super) fn alive<T>(self, act: impl FnOnce(&mut World) -> T) -> Option<T> {
        self.enter().map(|mut world| act(&mut world))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::generate::Generator;
    use crate::memory::Memory;
    use crate::seed::Seed;
    use crate::subjects;
    use crate::watch::{Keep, Watch};

    const PID: Pid = Pid(0);

    fn place() -> Place {
        let subject = subjects::named("kafka").expect("it comes along");
        let schedule = Arc::new(Generator::default().schedule(Seed(1)).expect("the defaults fit each other"));
        let Memory { world, watch, log, .. } = Memory::default();
        let watch =
            Watch::new(&schedule, &subject, Keep::default(), watch).expect("it says nothing of its outputs");
        let world = World::new(schedule.clone(), false, subject.log_for(&schedule, log), watch, world);
        Place::of(world, Rooms::default())
    }

    fn finds_a_world(access: Access) -> bool {
        access.world(|_| ()).is_some()
    }

    #[test]
    fn whoever_comes_from_another_history_finds_no_world() {
        let earlier = place().access(PID);
        assert!(!finds_a_world(earlier), "it is over");
        let place = place();
        assert!(!finds_a_world(earlier), "and another one is no substitute");
        assert!(finds_a_world(place.access(PID)));
    }

    #[test]
    fn whoever_comes_from_another_thread_finds_no_world() {
        let place = place();
        let access = place.access(PID);
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| finds_a_world(access)).join());
        assert!(!elsewhere.expect("it only looks"));
        assert!(finds_a_world(access));
    }

    #[test]
    fn whoever_is_in_the_world_has_it_to_himself_and_puts_it_back() {
        let place = place();
        let entered = place.enter();
        assert!(!finds_a_world(place.access(PID)));
        drop(entered);
        assert!(finds_a_world(place.access(PID)));
    }

    #[test]
    fn a_history_within_another_gives_its_place_back() {
        let outer = place();
        let inner = place();
        assert!(finds_a_world(inner.access(PID)) && !finds_a_world(outer.access(PID)));
        drop(inner);
        assert!(finds_a_world(outer.access(PID)));
    }
}
