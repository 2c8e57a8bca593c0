//! A bell for each slot of a wait, which whoever waits can look at without entering the world.

use std::cell::Cell;

use super::waits::WaitId;

thread_local! {
    /// For each slot, the generation whose wait ended last. A process that is polled looks at everything it waits for,
    /// and nearly always nothing has changed about most of it: that must cost next to nothing.
    static BELLS: [Cell<u32>; BELLS_HUNG] = const { [const { Cell::new(NEVER) }; BELLS_HUNG] };
}

/// Waits in later slots have no bell, and are always looked at from inside.
pub(super) const BELLS_HUNG: usize = 64;

/// Generations count from 1: no bell has rung for this one.
pub(super) const NEVER: u32 = 0;

/// Whether this wait certainly still lasts.
#[inline(always)]
pub(crate) fn are_silent_for(id: WaitId) -> bool {
    BELLS.with(|bells| bells.get(id.slot as usize).is_some_and(|bell| bell.get() != id.generation))
}

#[inline(always)]
pub(super) fn ring(id: WaitId) {
    BELLS.with(|bells| {
        if let Some(bell) = bells.get(id.slot as usize) {
            bell.set(id.generation);
        }
    });
}

/// How all bells stand.
#[derive(Clone, Copy)]
pub(crate) struct Rung([u32; BELLS_HUNG]);

impl Rung {
    /// None has rung, as when a history begins.
    pub(crate) const NONE: Rung = Rung([NEVER; BELLS_HUNG]);
}

/// They stand like this from now on; how they stood before.
pub(crate) fn set(all: Rung) -> Rung {
    BELLS.with(|bells| Rung(std::array::from_fn(|slot| bells[slot].replace(all.0[slot]))))
}
