//! Where the world of a history is, and the way into it.
//!
//! One thread plays one history at a time, from its beginning to its end, so the world is a thread's own: no lock, and
//! nothing that futures would have to share. Whoever is in it has taken it from its place, and puts it back. Whoever
//! comes too late, from another history or from another thread finds no world, and what he asks for stays pending.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::world::{Pid, World};

thread_local! {
    /// (What needs no drop when its thread ends is found by one instruction. [`Place`] drops it.)
    static WORLD: Cell<Option<Placed>> = const { Cell::new(None) };
}

type Placed = ManuallyDrop<Box<Shown>>;

/// A world, and which history it is.
struct Shown {
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
pub(crate) struct Place(History);

impl Place {
    pub(crate) fn of(world: World) -> Self {
        let history = History::next();
        WORLD.set(Some(ManuallyDrop::new(Box::new(Shown { history, world }))));
        Place(history)
    }

    /// Into the world.
    ///
    /// # Panics
    /// On another thread, or for whoever is in it already.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Entered {
        Entered::by(self.0).expect("nobody is in the world but one process at a time, on its thread")
    }

    /// The way into it for a process.
    pub(crate) fn access(&self, pid: Pid) -> Access {
        Access { history: self.0, pid }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(WORLD.take().map(ManuallyDrop::into_inner));
    }
}

/// Whoever has this is in the world.
pub(crate) struct Entered(Option<Placed>);

impl Entered {
    #[inline(always)]
    fn by(history: History) -> Option<Self> {
        let placed = WORLD.take()?;
        if placed.history != history {
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
        &self.0.as_ref().expect("it is put back at the end").world
    }
}

impl DerefMut for Entered {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0.as_mut().expect("it is put back at the end").world
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
        let mut world = Entered::by(self.history)?;
        Some(act(&mut world))
    }

    /// Does something in the world, if what this process does still counts.
    #[inline(always)]
    pub(super) fn alive<T>(self, act: impl FnOnce(&mut World) -> T) -> Option<T> {
        let mut world = Entered::by(self.history)?;
        if world.is_alive(self.pid) { Some(act(&mut world)) } else { None }
    }
}
