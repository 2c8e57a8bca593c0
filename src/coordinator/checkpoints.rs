//! The life of a checkpoint, from its trigger to its completion or its end (reference 4.2 to 4.5).

use super::Effect;
use super::machine::{Coordinator, Phase, Purpose};
use crate::env::Head;
use crate::message::{Progress, ToWorker};
use crate::{CheckpointId, Fact, Timestamp};

impl Coordinator {
    /// What the tasks' progress and their acknowledgements allow by now.
    pub(super) fn advance_checkpoints(
        &mut self,
        now: Timestamp,
        final_asked: bool,
        effects: &mut Vec<Effect>,
    ) {
        if self.reached >= Some(Progress::Running) {
            self.cadence.start(now);
        }
        if self.reached >= Some(Progress::Ended) && !final_asked {
            // CC-29: the last transactions wait for a checkpoint that is taken after the end of the input.
            self.phase = Phase::Running { final_asked: true };
            self.cadence.hurry(now);
        }
        if self.keeper.is_idle() {
            self.write_next(effects);
        }
        if self.is_to_trigger(now) {
            self.trigger(now, effects);
        }
    }

    fn write_next(&mut self, effects: &mut Vec<Effect>) {
        let known = self.keeper.head();
        if self.reached == Some(Progress::Finished) {
            let head = Head { ended: true, ..known.clone() };
            self.write(Purpose::End, head, effects);
        } else if let Some(ready) = self.pending.ready() {
            let (id, completed) = (ready.id, Some(ready.clone()));
            let head = Head { completed, ..*known };
            self.write(Purpose::Complete(id), head, effects);
        }
    }

    /// Whether the next checkpoint is due. One that is waits for a free slot (CC-2).
    fn is_to_trigger(&self, now: Timestamp) -> bool {
        let slots = usize::from(self.settings.checkpoints_in_flight.max(1));
        let is_possible = self.pending.len() < slots && self.reached != Some(Progress::Finished);
        is_possible && self.cadence.is_due(now)
    }

    fn trigger(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let checkpoint = self.next_id;
        self.next_id = checkpoint.next();
        self.cadence.triggered(now);
        let deadline = now.after(self.settings.checkpoint_timeout);
        self.pending.trigger(checkpoint, self.parallelism, self.settings.splits, deadline);
        effects.push(Effect::Note(Fact::Triggered(checkpoint)));
        let incarnation = self.incarnation();
        self.to_all_tasks(|| ToWorker::Trigger { incarnation, checkpoint }, effects);
    }

    /// A checkpoint is known to be durable, by our write or because the head shows it.
    pub(super) fn durable(&mut self, now: Timestamp, checkpoint: CheckpointId, effects: &mut Vec<Effect>) {
        self.completed = Some(checkpoint);
        self.backoff.reset();
        self.cadence.completed(now);
        effects.push(Effect::Note(Fact::Completed(checkpoint)));
        if self.is_running() {
            // Said once (R2): if it gets lost, the next completion or the next restore makes up for it.
            let incarnation = self.incarnation();
            self.to_all_tasks(|| ToWorker::Complete { incarnation, checkpoint }, effects);
        }
        for subsumed in self.pending.complete(checkpoint) {
            self.say_aborted(subsumed, effects);
        }
    }

    /// Gives up what is not durable in time, also a checkpoint whose write is still a riddle: holding on to it
    /// would stop all that follow, and if it is durable after all, the next write of the head will show it.
    pub(super) fn expire(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some(id) = self.pending.overdue(now) {
            self.give_up_checkpoint(id, effects);
            if self.cadence.failed() {
                self.restart(now, effects);
            }
        }
    }

    /// A task will not take the checkpoint because a newer one overtook it; that is not a failure (CC-12).
    pub(super) fn declined(&mut self, id: CheckpointId, effects: &mut Vec<Effect>) {
        self.give_up_checkpoint(id, effects);
    }

    fn give_up_checkpoint(&mut self, id: CheckpointId, effects: &mut Vec<Effect>) {
        if !self.pending.abort(id) {
            return;
        }
        if self.purpose == Purpose::Complete(id) {
            self.keeper.forget();
        }
        self.say_aborted(id, effects);
    }

    fn say_aborted(&self, checkpoint: CheckpointId, effects: &mut Vec<Effect>) {
        effects.push(Effect::Note(Fact::Expired(checkpoint)));
        let (incarnation, completed) = (self.incarnation(), self.completed);
        self.to_all_tasks(|| ToWorker::Aborted { incarnation, checkpoint, completed }, effects);
    }
}
