//! The processes: how they start, stand still, are replaced, die and end.

use std::task::Waker;

use twophase::{Life, Partition, Role, TransactionalId};

use super::life::{Condition, LifeState, Pid};
use super::waits::WaitId;
use super::{Chore, Happening, World};
use crate::anomaly::{Concerned, Said};
use crate::event::What;
use crate::hint;
use crate::log::Log;
use crate::quiet::Panic;
use crate::site::Name;

/// How long a supervisor waits before it starts a process again that ended before its time.
const SUPERVISOR_DELAY: u64 = 50_000;

impl World {
    /// A process starts, unless it lives.
    #[cold]
    pub(super) fn start(&mut self, name: Name) {
        if !self.lives.newest(name).is_some_and(|newest| self.is_alive(newest)) {
            self.begin_life(name);
        }
    }

    pub(super) fn begin_life(&mut self, name: Name) {
        let before = self.lives.newest(name).map(|pid| &mut self.lives[pid]);
        let (life, clock_off) = before.map_or((Life(1), 0), |before| {
            before.current = false;
            (Life(before.life.0 + 1), before.clock_off)
        });
        let mut state = LifeState::new(name, life);
        state.clock_off = clock_off;
        state.armed = self.faults_in(name, life);
        let pid = self.lives.add(state);
        self.chores.push(Chore::Start(pid));
        let who = self.lives[pid].actor();
        self.emit(who, What::Started);
    }

    /// A process is gone, here and now. What its futures still ask for on their way out does nothing.
    pub(super) fn kill(&mut self, pid: Pid, restart_after: u64) {
        if !self.lives[pid].is_alive() {
            return;
        }
        let who = self.lives[pid].actor();
        self.lives[pid].condition = Condition::Dead;
        self.chores.push(Chore::Drop(pid));
        self.emit(who, What::Crashed);
        if self.lives[pid].current {
            self.queue.push(self.now + restart_after, Happening::Start(self.lives[pid].name));
        }
    }

    /// The main future of a process has ended. A supervisor starts it again, unless the job is done.
    pub(crate) fn ended(&mut self, pid: Pid, said: Result<(), &str>) {
        if !self.lives[pid].is_alive() {
            return;
        }
        let who = self.lives[pid].actor();
        let who_role = self.lives[pid].name.role;
        self.lives[pid].condition = Condition::Ended;
        self.ends = true;
        self.chores.push(Chore::Drop(pid));
        self.emit(who, What::Ended(said));
        self.lives[pid].done = said.is_ok() && !self.lives[pid].asked_to_stop;
        match (said, who_role) {
            (Err(said), Role::Coordinator) if self.lives[pid].current => {
                self.gave_up = Some(said.to_owned());
            }
            (Err(said), _) if self.alone => self.last_words = Some(format!("{who} gave up, saying: {said}")),
            _ => {}
        }
        let stays = if self.alone { self.lives[pid].done } else { self.watch.is_finished() };
        if self.lives[pid].current && !stays {
            let name = self.lives[pid].name;
            // How long it stays away is said of the life that was asked to stop, and of no later one.
            let asked = self.lives[pid].asked_to_stop;
            let after = asked.then(|| self.restart_after_stop(name)).flatten().unwrap_or(SUPERVISOR_DELAY);
            self.queue.push(self.now + after, Happening::Start(name));
        }
    }

    /// A future of this process panicked. Where in the code is told, but no part of what happened: a line that
    /// moves changes no digest.
    #[cold]
    pub(crate) fn panicked(&mut self, pid: Pid, panic: &Panic) {
        let who = self.lives[pid].actor();
        let is_first = self.watch.finding().is_none();
        self.emit(who, What::Panicked(&panic.message));
        if is_first {
            self.explain_panic(pid, panic);
        }
        self.kill(pid, SUPERVISOR_DELAY);
    }

    fn explain_panic(&mut self, pid: Pid, panic: &Panic) {
        if let Some(place) = &panic.place {
            self.watch.place(place);
        }
        if let Some(site) = self.lives[pid].last_asked() {
            self.watch.explain(&format!("the last thing it asked for was {site}"));
        }
        if let Some(hint) = hint::of(panic) {
            self.watch.explain(&format!("hint: {hint}"));
        }
    }

    /// What ends when this process is asked to end; `None` if it was. `before` is the same wait from before.
    pub(crate) fn stopped(&mut self, pid: Pid, before: Option<WaitId>, waker: &Waker) -> Option<WaitId> {
        if self.lives[pid].asked_to_stop {
            return None;
        }
        match before.filter(|wait| self.waits.poll(*wait, waker).is_none()) {
            Some(wait) => Some(wait),
            None => {
                let wait = self.waits.start_for(waker);
                self.lives[pid].stopping.push(wait);
                Some(wait)
            }
        }
    }

    pub(super) fn pause(&mut self, pid: Pid) {
        if self.lives[pid].condition == Condition::Running {
            self.lives[pid].condition = Condition::Paused;
            self.paused = true;
            let who = self.lives[pid].actor();
            self.emit(who, What::Paused);
        }
    }

    #[cold]
    pub(super) fn resume(&mut self, pid: Pid) {
        if self.lives[pid].condition == Condition::Paused {
            self.lives[pid].condition = Condition::Running;
            let deferred = std::mem::take(&mut self.lives[pid].deferred);
            self.chores.extend(deferred.into_iter().map(Chore::Wake));
            let who = self.lives[pid].actor();
            self.emit(who, What::Resumed);
        }
    }

    /// A process that does not answer is taken for dead: the next life starts while the old one is kept.
    #[cold]
    pub(super) fn replace(&mut self, pid: Pid) {
        if self.lives[pid].current && self.lives[pid].is_alive() {
            self.begin_life(self.lives[pid].name);
        }
    }

    /// Whether anything has happened yet that could end the job. It is asked after every step, and answered at once.
    #[inline]
    pub(crate) fn ends(&self) -> bool {
        self.ends
    }

    /// What the coordinator said when it gave up for good.
    pub(crate) fn gave_up(&self) -> Option<&str> {
        self.gave_up.as_deref()
    }

    /// Whether the job is done: its coordinator says so, or, where there is none, each process by its end.
    pub(crate) fn is_done(&self) -> bool {
        match self.alone {
            false => self.watch.is_finished(),
            true => {
                let all = usize::from(self.schedule.settings.parallelism);
                self.newest_lives().count() == all && self.newest_lives().all(|life| life.done)
            }
        }
    }

    /// Of each process that has started, the newest life.
    fn newest_lives(&self) -> impl Iterator<Item = &LifeState> {
        self.lives.iter().filter(|life| life.current)
    }

    /// Whether nothing more is to come of a job that is done: its coordinator has ended, and the broker has nothing
    /// open.
    pub(crate) fn is_quiet(&self) -> bool {
        let ended = |pid: Pid| self.lives[pid].condition == Condition::Ended;
        (self.alone || self.lives.newest(Name::COORDINATOR).is_some_and(ended))
            && self.open_transaction().is_none()
            && self.hanging().is_none()
    }

    /// A partition whose readers wait, though the coordinator knows of nothing that is open.
    fn hanging(&self) -> Option<Partition> {
        let mut all = (0..self.log.partitions()).map(Partition);
        all.find(|&one| self.log.last_stable_offset(one) < self.log.log_end_offset(one))
    }

    /// What a reader would have to wait for, if not for nothing.
    pub(super) fn open_transaction(&self) -> Option<TransactionalId> {
        let mut all = self.log.transactions().iter();
        all.find(|transaction| transaction.is_unfinished()).map(|open| open.id().clone())
    }

    /// Why the run is not over, in one sentence.
    pub(crate) fn why_not_quiet(&self) -> Said {
        if let Some(id) = self.open_transaction() {
            let detail = format!("{id} is still open");
            return Said::of(Concerned::Open(id), detail);
        }
        if let Some(partition) = self.hanging() {
            let detail = format!(
                "readers of {partition} wait for the end of a transaction that the coordinator does not know"
            );
            return Said::of(Concerned::ReadersOf(partition), detail);
        }
        let job = match () {
            () if self.alone => self.who_is_not_done(),
            () if self.watch.is_finished() => "the coordinator has not ended".to_owned(),
            () => "the job has not said that it is done".to_owned(),
        };
        job.into()
    }

    fn who_is_not_done(&self) -> String {
        let name = self.newest_lives().filter(|life| !life.done).map(|life| life.name).min();
        let name = name.map_or_else(|| "the job".to_owned(), |name| name.to_string());
        match &self.last_words {
            Some(said) => format!("{name} has not ended; {said}"),
            None => format!("{name} has not ended"),
        }
    }
}
