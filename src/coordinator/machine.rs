//! The coordinator as a machine: in which phase the job is, and what an input changes about it.
//!
//! ```text
//!   TakingOver ──► Gathering ──► Running ──► Ending ──► Stopped
//!                      ▲            │ a task or worker fails
//!                      │            ▼
//!                   Drawing ◄── BackingOff
//! ```
//!
//! What is to be done next is never remembered as a plan; [`Coordinator::advance`] finds it from the state
//! after every input. So whatever was lost, late or found out by surprise, the same few lines decide.

use super::backoff::Backoff;
use super::cadence::Cadence;
use super::deploy::Plan;
use super::head::HeadKeeper;
use super::pending::Pending;
use super::roster::{self, Heard, Roster};
use super::{Decide, Effect, End, Input};
use crate::message::{Progress, Task, ToCoordinator, ToWorker};
use crate::{Address, CheckpointId, Fact, Incarnation, Life, Process, Role, Settings, Term, Timestamp};

/// The correct coordinator. See the [module](super) for the two rules it lives by.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) settings: Settings,
    pub(super) parallelism: u16,
    pub(super) me: Life,
    pub(super) term: Term,
    pub(super) phase: Phase,
    pub(super) keeper: HeadKeeper,
    /// What the head is being written for, while the keeper is not idle.
    pub(super) purpose: Purpose,
    pub(super) roster: Roster,
    /// How far all tasks had come when the last input was taken; `None` while one of them is not known to have started.
    pub(super) reached: Option<Progress>,
    pub(super) pending: Pending,
    pub(super) cadence: Cadence,
    /// When the last input was taken.
    now: Timestamp,
    pub(super) backoff: Backoff,
    /// The newest checkpoint that is known to be durable.
    pub(super) completed: Option<CheckpointId>,
    /// The id that no checkpoint has had yet.
    pub(super) next_id: CheckpointId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Another one may be in charge.
    TakingOver,
    /// The tasks have failed; they are started again after this time.
    BackingOff(Timestamp),
    /// A new incarnation is being drawn for them.
    Drawing,
    /// It is ours. As soon as every worker lives, they are deployed.
    Gathering,
    /// They are deployed. With it, whether all have ended and the final checkpoint was asked for.
    Running { final_asked: bool },
    /// The job has ended, durably. Workers are sent home until all are gone, not before the first and not
    /// after the second time.
    Ending(Timestamp, Timestamp),
    /// Nothing more to do.
    Stopped,
}

/// What the head is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    TakeOver,
    Draw,
    Complete(CheckpointId),
    End,
}

impl Coordinator {
    /// The coordinator of a job with these settings, in the process that `me` is.
    pub fn new(settings: &Settings, me: &Process) -> Self {
        Coordinator {
            settings: settings.clone(),
            parallelism: me.parallelism.max(1),
            me: me.life,
            term: Term::default(),
            phase: Phase::TakingOver,
            keeper: HeadKeeper::new(settings.retry_backoff),
            purpose: Purpose::TakeOver,
            roster: Roster::new(settings.heartbeat_timeout),
            reached: None,
            pending: Pending::default(),
            cadence: Cadence::new(settings),
            now: Timestamp::default(),
            backoff: Backoff::new(settings),
            completed: None,
            next_id: CheckpointId(1),
        }
    }

    /// The incarnation that is ours to run, once one is.
    pub(super) fn incarnation(&self) -> Incarnation {
        self.keeper.head().incarnation
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Whether a message about this incarnation is about the tasks that run now (CC-6).
    fn is_current(&self, incarnation: Incarnation) -> bool {
        self.is_running() && incarnation == self.incarnation()
    }

    /// Says the same to each of them.
    pub(super) fn to_all_tasks(&self, message: impl Fn() -> ToWorker, effects: &mut Vec<Effect>) {
        let tasks = self.roster.here().filter(|&(index, _)| index < self.parallelism);
        effects.extend(tasks.map(|(index, life)| Effect::Send(roster::address(index, life), message())));
    }

    fn message(&mut self, now: Timestamp, from: Address, message: ToCoordinator, effects: &mut Vec<Effect>) {
        let (Role::Sink, Some(life)) = (from.role, from.life) else {
            return;
        };
        match self.roster.hear(now, from.index, life) {
            Heard::Stale => return,
            Heard::New => self.lost(now, from.index, effects),
            Heard::Known => {}
        }
        match message {
            ToCoordinator::Heartbeat(task) => self.heartbeat(from.index, life, task, effects),
            ToCoordinator::Progress(task) => self.roster.report(from.index, Some(task)),
            ToCoordinator::Ack { incarnation, checkpoint, snapshot } => {
                if self.is_current(incarnation) {
                    self.pending.ack(checkpoint, from.index, snapshot);
                }
            }
            ToCoordinator::Decline { incarnation, checkpoint } => {
                if self.is_current(incarnation) {
                    self.declined(checkpoint, effects);
                }
            }
            ToCoordinator::Failed { incarnation, gave_up, reason } => {
                self.answer(from.index, life, incarnation, effects);
                if self.is_current(incarnation) && gave_up {
                    self.give_up(reason, effects);
                } else if self.is_current(incarnation) {
                    self.restart(now, effects);
                }
            }
            ToCoordinator::Bye => {
                self.roster.left(from.index);
                self.lost(now, from.index, effects);
            }
        }
    }

    #[cold]
    fn heartbeat(&mut self, index: u16, life: Life, task: Option<Task>, effects: &mut Vec<Effect>) {
        self.roster.report(index, task);
        let incarnation = task.map_or(Incarnation::default(), |task| task.incarnation);
        self.answer(index, life, incarnation, effects);
    }

    /// Answers a sign of life of a worker whose task belongs to this incarnation.
    fn answer(&self, index: u16, life: Life, incarnation: Incarnation, effects: &mut Vec<Effect>) {
        let answer = match self.phase {
            // Said as often as the worker asks, so it does not matter which of them gets lost.
            Phase::Ending(..) => ToWorker::Shutdown,
            _ => ToWorker::Alive,
        };
        effects.push(Effect::Send(roster::address(index, life), answer));
        if self.is_running() && index < self.parallelism && incarnation < self.incarnation() {
            effects.push(self.plan().deploy(index, life)); // the first was lost, or is still under way
        }
    }

    fn plan(&self) -> Plan<'_> {
        Plan::new(self.keeper.head(), self.parallelism, self.settings.splits)
    }

    /// The task of this worker is gone, if it had one.
    fn lost(&mut self, now: Timestamp, index: u16, effects: &mut Vec<Effect>) {
        if self.is_running() && index < self.parallelism {
            self.restart(now, effects);
        }
    }

    /// Global failover (CC-23). First everything pending is given up, so that nothing completes while the tasks
    /// are restored from what is complete now.
    #[cold]
    pub(super) fn restart(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let given_up = self.pending.abort_all();
        effects.extend(given_up.map(|id| Effect::Note(Fact::Expired(id))));
        self.keeper.forget();
        self.cadence.stop();
        self.phase = Phase::BackingOff(now.after(self.backoff.next_wait()));
    }

    #[cold]
    pub(super) fn give_up(&mut self, reason: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Note(Fact::GaveUp(reason.clone())));
        self.stop(End::GaveUp(reason), effects);
    }

    pub(super) fn stop(&mut self, end: End, effects: &mut Vec<Effect>) {
        self.phase = Phase::Stopped;
        effects.push(Effect::Stop(end));
    }

    fn time(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.expire(now, effects);
        for index in self.roster.mark_silent(now) {
            self.lost(now, index, effects);
        }
        self.keeper.time(now, effects);
    }

    #[cold]
    pub(super) fn end(&mut self, now: Timestamp, not_before: Timestamp, effects: &mut Vec<Effect>) {
        self.pending.abort_all().for_each(drop);
        self.phase = Phase::Ending(not_before, now.after(self.settings.checkpoint_timeout));
        let everyone = self.roster.here();
        effects.extend(
            everyone.map(|(index, life)| Effect::Send(roster::address(index, life), ToWorker::Shutdown)),
        );
    }

    /// Does whatever can be done by now.
    fn advance(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.reached = self.roster.reached(self.parallelism, self.incarnation());
        match self.phase {
            Phase::BackingOff(until) if until <= now => {
                self.phase = Phase::Drawing;
                self.draw(effects);
            }
            Phase::Drawing => self.draw(effects),
            Phase::Gathering if self.roster.has_all(self.parallelism) => self.deploy_all(effects),
            Phase::Running { final_asked } => self.advance_checkpoints(now, final_asked, effects),
            Phase::Ending(not_before, last) => {
                if last <= now || (not_before <= now && self.roster.is_empty()) {
                    effects.push(Effect::Note(Fact::Finished));
                    self.stop(End::Finished, effects);
                }
            }
            Phase::TakingOver | Phase::BackingOff(_) | Phase::Gathering | Phase::Stopped => {}
        }
    }

    #[cold]
    fn deploy_all(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Running { final_asked: false };
        let plan = self.plan();
        let tasks = self.roster.here().filter(|&(index, _)| index < self.parallelism);
        effects.extend(tasks.map(|(index, life)| plan.deploy(index, life)));
    }

    fn phase_deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::BackingOff(until) => Some(until),
            // Also if no slot is free for the next checkpoint yet: nearly always one will be by then. So a timer that is set
            // for it stays, and none is set for the end of the patience with this one, which hardly ever rings.
            Phase::Running { .. } => earlier(self.pending.deadline(), self.cadence.due_after(self.now)),
            Phase::Ending(not_before, _) if self.roster.is_empty() => Some(not_before),
            Phase::Ending(_, last) => Some(last),
            Phase::TakingOver | Phase::Drawing | Phase::Gathering | Phase::Stopped => None,
        }
    }
}

impl Decide for Coordinator {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.now = now;
        match input {
            Input::Started => self.keeper.read(effects),
            Input::Message { from, message } => self.message(now, from, message, effects),
            Input::Time => self.time(now, effects),
            Input::Read(answer) => {
                let settled = self.keeper.read_answered(now, answer);
                self.settled(now, settled, effects);
            }
            Input::Put(answer) => {
                let settled = self.keeper.put_answered(now, answer, effects);
                self.settled(now, settled, effects);
            }
        }
        self.advance(now, effects);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        if self.phase == Phase::Stopped {
            return None;
        }
        let asked = earlier(self.keeper.deadline(), self.roster.deadline());
        earlier(asked, self.phase_deadline())
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}
