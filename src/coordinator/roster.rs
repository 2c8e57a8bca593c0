//! Which workers live, and how far their tasks have come.

use std::time::Duration;

use crate::message::{Progress, Task};
use crate::{Address, Incarnation, Life, Role, Timestamp};

/// All workers that were ever heard of.
#[derive(Debug)]
pub(super) struct Roster {
    /// By their indices.
    workers: Vec<Worker>,
    timeout: Duration,
    /// What [`Roster::reached`] was asked last and has found, as long as no task has changed.
    reached: Option<(u16, Incarnation, Option<Progress>)>,
}

#[derive(Debug)]
struct Worker {
    index: u16,
    life: Life,
    presence: Presence,
    task: Option<Task>,
}

#[derive(Debug, PartialEq, Eq)]
enum Presence {
    /// Heard at this time.
    Here(Timestamp),
    /// Silent for too long; it may be heard again.
    Silent,
    /// Said goodbye. Whatever arrives of this life later was sent before.
    Left,
}

/// What a sign of life says about the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The process is another than the one known under this index: whatever ran in that one is gone.
    New,
    /// The known one.
    Known,
    /// Nothing; it was sent by a process that is no more.
    Stale,
}

impl Roster {
    pub(super) fn new(timeout: Duration) -> Self {
        Roster { workers: Vec::new(), timeout, reached: None }
    }

    /// Takes a sign of life.
    pub(super) fn hear(&mut self, now: Timestamp, index: u16, life: Life) -> Heard {
        let new = Worker { index, life, presence: Presence::Here(now), task: None };
        match self.find(index) {
            Ok(place) => {
                let worker = &mut self.workers[place];
                if worker.life > life || (worker.life == life && worker.presence == Presence::Left) {
                    return Heard::Stale;
                }
                if worker.life == life {
                    worker.presence = new.presence;
                    return Heard::Known;
                }
                *worker = new;
            }
            Err(place) => self.workers.insert(place, new),
        }
        self.reached = None;
        Heard::New
    }

    /// The place of this worker, or where it belongs. It is its index while all in front of it were heard of, as nearly
    /// always.
    fn find(&self, index: u16) -> Result<usize, usize> {
        let at = usize::from(index);
        match self.workers.get(at) {
            Some(worker) if worker.index == index => Ok(at),
            _ => self.workers.binary_search_by_key(&index, |worker| worker.index),
        }
    }

    fn known(&mut self, index: u16) -> Option<&mut Worker> {
        self.find(index).ok().map(|place| &mut self.workers[place])
    }

    /// Takes what a worker that was heard says of its task.
    pub(super) fn report(&mut self, index: u16, task: Option<Task>) {
        let Some(worker) = self.known(index) else {
            return;
        };
        // Heartbeats may overtake each other; a task never goes back.
        let order = |task: Option<Task>| task.map(|task| (task.incarnation, task.progress));
        if order(task) > order(worker.task) {
            worker.task = task;
            self.reached = None;
        }
    }

    /// The worker has said goodbye.
    pub(super) fn left(&mut self, index: u16) {
        if let Some(worker) = self.known(index) {
            worker.presence = Presence::Left;
        }
    }

    /// Marks those who were silent for too long; the indices of those that were not marked before.
    pub(super) fn mark_silent(&mut self, now: Timestamp) -> Vec<u16> {
        let mut silent = Vec::new();
        for worker in &mut self.workers {
            if matches!(worker.presence, Presence::Here(heard) if heard.after(self.timeout) <= now) {
                worker.presence = Presence::Silent;
                silent.push(worker.index);
            }
        }
        silent
    }

    /// When the next one will have been silent for too long.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let mut oldest = Timestamp(u64::MAX);
        for worker in &self.workers {
            if let Presence::Here(heard) = worker.presence {
                oldest = oldest.min(heard);
            }
        }
        (oldest < Timestamp(u64::MAX)).then(|| oldest.after(self.timeout))
    }

    /// Whether each of the first `count` workers is here.
    pub(super) fn has_all(&self, count: u16) -> bool {
        self.first(count).is_some_and(|first| first.iter().all(Worker::is_here))
    }

    /// Whether nobody is here.
    pub(super) fn is_empty(&self) -> bool {
        !self.workers.iter().any(Worker::is_here)
    }

    /// How far the tasks of the first `count` workers have all come in this incarnation; `None` while one of them
    /// is not known to have started. Asked after each message, most of which change nothing about it.
    pub(super) fn reached(&mut self, count: u16, incarnation: Incarnation) -> Option<Progress> {
        match self.reached {
            Some((of, during, reached)) if (of, during) == (count, incarnation) => reached,
            _ => {
                let reached = self.find_reached(count, incarnation);
                self.reached = Some((count, incarnation, reached));
                reached
            }
        }
    }

    fn find_reached(&self, count: u16, incarnation: Incarnation) -> Option<Progress> {
        let mut least = Progress::Finished;
        for worker in self.first(count)? {
            least = least.min(worker.reached(incarnation)?);
        }
        Some(least)
    }

    /// The first `count` workers, once all of them were heard of.
    fn first(&self, count: u16) -> Option<&[Worker]> {
        let first = self.workers.get(..count.into())?;
        first.last().is_none_or(|last| last.index < count).then_some(first)
    }

    /// The lives of all who are here, by index.
    pub(super) fn here(&self) -> impl Iterator<Item = (u16, Life)> {
        self.workers.iter().filter(|worker| worker.is_here()).map(|worker| (worker.index, worker.life))
    }
}

impl Worker {
    fn reached(&self, incarnation: Incarnation) -> Option<Progress> {
        self.task.filter(|task| task.incarnation == incarnation).map(|task| task.progress)
    }

    fn is_here(&self) -> bool {
        matches!(self.presence, Presence::Here(_))
    }
}

/// Where this very life of a worker is reached.
pub(super) fn address(index: u16, life: Life) -> Address {
    Address { role: Role::Sink, index, life: Some(life) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        Roster::new(Duration::from_micros(10))
    }

    #[test]
    fn a_new_life_is_told_from_the_known_one_and_from_a_dead_one() {
        let mut roster = roster();
        assert_eq!(roster.hear(Timestamp(0), 0, Life(2)), Heard::New);
        assert_eq!(roster.hear(Timestamp(1), 0, Life(2)), Heard::Known);
        assert_eq!(roster.hear(Timestamp(2), 0, Life(1)), Heard::Stale);
        assert_eq!(roster.hear(Timestamp(3), 0, Life(3)), Heard::New);
    }

    #[test]
    fn silence_is_noticed_once_and_a_voice_brings_the_worker_back() {
        let mut roster = roster();
        roster.hear(Timestamp(0), 0, Life(1));
        roster.hear(Timestamp(5), 1, Life(1));
        assert_eq!(roster.deadline(), Some(Timestamp(10)));
        assert_eq!(roster.mark_silent(Timestamp(10)), [0]);
        assert_eq!(roster.mark_silent(Timestamp(11)), [] as [u16; 0]);
        assert!(!roster.has_all(2));
        assert_eq!(roster.hear(Timestamp(12), 0, Life(1)), Heard::Known);
        assert!(roster.has_all(2));
    }

    #[test]
    fn a_heartbeat_that_arrives_after_the_goodbye_does_not_bring_the_worker_back() {
        let mut roster = roster();
        roster.hear(Timestamp(0), 0, Life(1));
        roster.left(0);
        assert_eq!(roster.hear(Timestamp(1), 0, Life(1)), Heard::Stale);
        assert!(roster.is_empty());
    }

    #[test]
    fn a_report_that_was_overtaken_does_not_take_a_task_back() {
        let mut roster = roster();
        let task = |progress| {
            let incarnation = Incarnation(3);
            Some(Task { incarnation, progress })
        };
        roster.hear(Timestamp(0), 0, Life(1));
        roster.report(0, task(Progress::Ended));
        roster.report(0, task(Progress::Running));
        roster.report(0, None);
        assert_eq!(roster.reached(1, Incarnation(3)), Some(Progress::Ended));
        assert_eq!(roster.reached(1, Incarnation(4)), None);
        assert_eq!(roster.reached(2, Incarnation(3)), None, "the other was never heard of");
    }
}
