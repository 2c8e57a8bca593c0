//! Several threads that work off a range of seeds, and one that looks after them.
//!
//! The threads are not scoped: one whose code under test never comes back cannot be ended from outside, and the
//! sweep has to end nevertheless. It is left behind, and ends with the process.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::memory::Memory;
use crate::seed::Seed;
use crate::wall::{Pulse, Stuck, Watchdog};

/// How a range of seeds is worked off.
#[derive(Clone, Debug)]
pub(crate) struct Crew {
    pub(crate) seeds: Range<u64>,
    /// On how many threads.
    pub(crate) jobs: usize,
    /// How long a thread may not move before it counts as stuck.
    pub(crate) hang_timeout: Duration,
}

/// What it came to.
pub(crate) struct Folded<T> {
    /// One for each thread; of a stuck one, what it had folded before.
    pub(crate) parts: Vec<T>,
    /// The threads that did not come back, and the seeds they were at.
    pub(crate) stuck: Vec<Stuck>,
}

/// What all threads share.
struct Shared<P> {
    queue: Mutex<Range<u64>>,
    chunk: u64,
    stop: AtomicBool,
    played: AtomicU64,
    play: P,
}

struct Worker<T> {
    pulse: Arc<Pulse>,
    part: Arc<Mutex<T>>,
    handle: JoinHandle<io::Result<()>>,
}

impl Crew {
    /// Plays all seeds, or those before `stop`, and folds what comes of each. Each thread has one memory for all that it
    /// plays. `progress` hears how many more were played.
    pub(crate) fn fold<T, V, P>(
        self,
        stop: &AtomicBool,
        progress: &dyn Fn(u64),
        play: P,
        add: fn(&mut T, Seed, V),
    ) -> io::Result<Folded<T>>
    where
        T: Default + Send + 'static,
        V: 'static,
        P: Fn(Seed, &Pulse, &mut Memory) -> io::Result<V> + Send + Sync + 'static,
    {
        let shared = Arc::new(Shared::new(self.seeds, self.jobs, play));
        let (leave, left) = mpsc::channel();
        let start = |index| Worker::start(index, shared.clone(), add, leave.clone());
        let workers = (0..self.jobs.clamp(1, shared.chunks())).map(start).collect::<io::Result<Vec<_>>>();
        let workers = workers.inspect_err(|_| shared.stop.store(true, Ordering::Relaxed))?;
        let mut watchdog =
            Watchdog::new(self.hang_timeout, workers.iter().map(|worker| worker.pulse.clone()));
        let mut at_work: Vec<_> = (0..workers.len()).collect();
        let mut stuck = Vec::new();
        while !at_work.is_empty() {
            match left.recv_timeout(watchdog.tick()) {
                Ok(index) => at_work.retain(|worker| *worker != index),
                Err(RecvTimeoutError::Timeout) => at_work.retain(|worker| match watchdog.look(*worker) {
                    Some(found) => {
                        stuck.push(found);
                        false
                    }
                    None => true,
                }),
                Err(RecvTimeoutError::Disconnected) => unreachable!("this function keeps a sender"),
            }
            if stop.load(Ordering::Relaxed) || !stuck.is_empty() {
                shared.stop.store(true, Ordering::Relaxed);
            }
            progress(shared.played.swap(0, Ordering::Relaxed));
        }
        Worker::parts(workers, &stuck).map(|parts| Folded { parts, stuck })
    }
}

impl<P> Shared<P> {
    fn new(seeds: Range<u64>, jobs: usize, play: P) -> Self {
        let count = seeds.end.saturating_sub(seeds.start);
        Shared {
            chunk: (count / (jobs.max(1) as u64 * 8)).clamp(1, 32),
            queue: Mutex::new(seeds),
            stop: AtomicBool::new(false),
            played: AtomicU64::new(0),
            play,
        }
    }

    fn chunks(&self) -> usize {
        let left = unpoisoned(&self.queue);
        let count = left.end.saturating_sub(left.start).div_ceil(self.chunk);
        usize::try_from(count).unwrap_or(usize::MAX).max(1)
    }

    /// The seeds that nobody has taken yet are handed out in chunks, from the lowest on.
    fn take(&self) -> Option<Range<u64>> {
        let mut left = unpoisoned(&self.queue);
        if left.is_empty() {
            return None;
        }
        let end = left.start.saturating_add(self.chunk).min(left.end);
        let chunk = left.start..end;
        left.start = end;
        Some(chunk)
    }

    fn work<T, V>(&self, pulse: &Pulse, part: &Mutex<T>, add: fn(&mut T, Seed, V)) -> io::Result<()>
    where
        P: Fn(Seed, &Pulse, &mut Memory) -> io::Result<V>,
    {
        let mut memory = Memory::default();
        while let Some(chunk) = self.take() {
            for seed in chunk.map(Seed) {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                pulse.begin(seed);
                let played = (self.play)(seed, pulse, &mut memory);
                let played = played.inspect_err(|_| self.stop.store(true, Ordering::Relaxed))?;
                add(&mut unpoisoned(part), seed, played);
                self.played.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl<T: Default + Send + 'static> Worker<T> {
    fn start<V, P>(
        index: usize,
        shared: Arc<Shared<P>>,
        add: fn(&mut T, Seed, V),
        leave: Sender<usize>,
    ) -> io::Result<Self>
    where
        V: 'static,
        P: Fn(Seed, &Pulse, &mut Memory) -> io::Result<V> + Send + Sync + 'static,
    {
        let (pulse, part) = (Arc::new(Pulse::default()), Arc::new(Mutex::new(T::default())));
        let (its_pulse, its_part) = (pulse.clone(), part.clone());
        let handle = thread::Builder::new().name(format!("twophase-{index}")).spawn(move || {
            let _leaves = Leaves(index, leave);
            shared.work(&its_pulse, &its_part, add)
        })?;
        Ok(Worker { pulse, part, handle })
    }

    /// What each has folded. A panic of the stage itself goes on here; nobody waits for the stuck.
    fn parts(workers: Vec<Self>, stuck: &[Stuck]) -> io::Result<Vec<T>> {
        let mut parts = Vec::with_capacity(workers.len());
        for worker in workers {
            if stuck.is_empty() || worker.handle.is_finished() {
                worker.handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            parts.push(std::mem::take(&mut *unpoisoned(&worker.part)));
        }
        Ok(parts)
    }
}

/// On every way out, also by a panic.
struct Leaves(usize, Sender<usize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        // Who was given up as stuck may come back when nobody listens any more.
        let _ = self.1.send(self.0);
    }
}

/// Nothing here is half done when a panic passes by.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
