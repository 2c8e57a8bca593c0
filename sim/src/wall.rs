//! The wall clock: for rates that people read, and for code under test that never comes back. Outside of every
//! history; nothing in a run may depend on it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long a person waited for a sweep; no history can see it"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use twophase::Role;

use crate::seed::Seed;
use crate::site::Name;

/// How long something takes in the real world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long one poll may last by the wall clock, unless something else is said. The longest legitimate one needs
/// milliseconds; a loaded machine may keep a thread waiting for a second or two.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a thread that plays histories is: it writes, the [`Watchdog`] reads. A thread of its own that looks costs
/// the history two stores for each poll; a clock read there would cost more than the poll. On a cache line of its own (they
/// are fetched in pairs), so that no thread waits for what another one writes.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Pulse {
    seed: AtomicU64,
    /// Microseconds since its history began.
    now: AtomicU64,
    /// A count that changes with every poll, and below it who is being polled.
    beat: AtomicU64,
}

/// The lower bits of a beat: role and index of who is being polled, or this.
const NOBODY: u64 = 0xff_ffff;

/// Who is being polled, as a beat has it: role and index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who(u32);

impl From<Name> for Who {
    fn from(name: Name) -> Self {
        Who(u32::from(name.role as u8) << 16 | u32::from(name.index))
    }
}

impl Pulse {
    /// The next seed begins.
    pub(crate) fn begin(&self, seed: Seed) {
        self.seed.store(seed.0, Ordering::Relaxed);
        self.now.store(0, Ordering::Relaxed);
        self.beat(NOBODY);
    }

    /// A stranger's code has the thread now.
    #[inline(always)]
    pub(crate) fn enter(&self, who: Who, now: u64) {
        self.now.store(now, Ordering::Relaxed);
        self.beat(u64::from(who.0));
    }

    /// And has given it back.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        self.beat.store(self.beat.load(Ordering::Relaxed) | NOBODY, Ordering::Relaxed);
    }

    /// Only its own thread writes, so a load and a store do what a locked addition would.
    #[inline(always)]
    fn beat(&self, who: u64) {
        let next = (self.beat.load(Ordering::Relaxed) | NOBODY).wrapping_add(1); // of the count: the bits below it are full
        self.beat.store(next | who, Ordering::Relaxed);
    }

    fn place(&self) -> Stuck {
        let who = self.beat.load(Ordering::Relaxed) & NOBODY;
        let roles = [Role::Coordinator, Role::Sink];
        let role = roles.into_iter().find(|role| u64::from(*role as u8) == who >> 16);
        Stuck {
            seed: Seed(self.seed.load(Ordering::Relaxed)),
            process: role.map(|role| Name { role, index: who as u16 }),
            at: self.now.load(Ordering::Relaxed),
        }
    }
}

/// Where a thread is that does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stuck {
    pub(crate) seed: Seed,
    /// Who was being polled; nobody, if it is the broker or the input that does not come back.
    pub(crate) process: Option<Name>,
    /// Microseconds since the history began.
    pub(crate) at: u64,
}

/// Notices threads that do not come back.
///
/// It counts its own ticks and reads no clock: a process that was stopped for an hour, or a machine that slept,
/// has then missed one tick and raises no false alarm.
pub(crate) struct Watchdog {
    watched: Vec<Watched>,
    tick: Duration,
    /// After how many ticks without a beat a thread counts as stuck.
    limit: u32,
}

struct Watched {
    pulse: Arc<Pulse>,
    beat: u64,
    ticks: u32,
}

/// No longer than this between two looks, so that a sweep also hears Ctrl-C soon.
const LONGEST_TICK: Duration = Duration::from_millis(100);
const SHORTEST_TICK: Duration = Duration::from_millis(1);

impl Watchdog {
    pub(crate) fn new(timeout: Duration, pulses: impl Iterator<Item = Arc<Pulse>>) -> Self {
        let tick = (timeout / 20).clamp(SHORTEST_TICK, LONGEST_TICK);
        let limit = timeout.as_nanos().div_ceil(tick.as_nanos()).max(1);
        let watched = pulses.map(|pulse| Watched { pulse, beat: 0, ticks: 0 });
        Watchdog { watched: watched.collect(), tick, limit: u32::try_from(limit).unwrap_or(u32::MAX) }
    }

    /// How long to wait between two looks.
    pub(crate) fn tick(&self) -> Duration {
        self.tick
    }

    /// Looks at this thread, once in each tick. Where it is, if it has not moved for too long.
    pub(crate) fn look(&mut self, thread: usize) -> Option<Stuck> {
        let watched = &mut self.watched[thread];
        let beat = watched.pulse.beat.load(Ordering::Relaxed);
        if beat != watched.beat {
            (watched.beat, watched.ticks) = (beat, 0);
            return None;
        }
        watched.ticks = watched.ticks.saturating_add(1);
        (watched.ticks >= self.limit).then(|| watched.pulse.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_does_not_move_is_stuck_where_it_was_and_one_that_moves_is_not() {
        let pulses = [Arc::new(Pulse::default()), Arc::new(Pulse::default())];
        let mut watchdog = Watchdog::new(Duration::from_millis(40), pulses.iter().cloned());
        pulses[0].begin(Seed(41));
        pulses[0].enter(Name::sink(3).into(), 700);
        let mut found = None;
        for _ in 0..=20 {
            assert_eq!(found, None);
            pulses[1].enter(Name::COORDINATOR.into(), 1);
            pulses[1].leave();
            assert_eq!(watchdog.look(1), None);
            found = watchdog.look(0);
        }
        assert_eq!(found, Some(Stuck { seed: Seed(41), process: Some(Name::sink(3)), at: 700 }));
        pulses[0].leave();
        assert_eq!(watchdog.look(0), None);
    }
}
