//! Faults that are dangerous together, or only just then: what blind drawing would need thousands of seeds for.
//!
//! The moments are estimates: checkpoints come about one interval after the other, and complete a round trip later.

use std::time::Duration;

use twophase::Life;

use super::aim::{Aim, send};
use super::millis;
use crate::fault::Fault;
use crate::site::{Ask, Name, Operation, Phase, Site};

impl Aim<'_> {
    /// One of them; the likelier the more seldom it succeeds.
    pub(super) fn plot(&mut self) {
        match self.draw.below(11) {
            0..=2 => self.stopped_before_it_hears(),
            3..=5 => self.repeated_markers(),
            6 => self.deposed_with_a_checkpoint_in_hand(),
            7 => self.commit_never_arrives(),
            8 => self.batch_written_in_silence(),
            9 => self.late_batch(),
            _ => self.failover_before_the_markers(),
        }
    }

    /// About when this checkpoint is complete, counting from 1.
    fn complete(&self, checkpoint: u32) -> Duration {
        self.settings.checkpoint_interval * checkpoint + self.request_timeout
    }

    fn at(&self, process: Name, operation: Operation, ordinal: u32, phase: Phase) -> Site {
        Site { process, life: Life(1), operation, ordinal, phase }
    }

    /// A sink holds what a checkpoint has promised, has not heard of it, and is asked to end.
    fn stopped_before_it_hears(&mut self) {
        let process = self.sink();
        let checkpoint = self.ordinal(self.checkpoints);
        let notice = u32::from(self.settings.parallelism) * (checkpoint - 1) + u32::from(process.index) + 1;
        for notice in [notice, notice + u32::from(self.settings.parallelism)] {
            let at = self.at(Name::COORDINATOR, send("complete"), notice, Phase::Sent);
            self.faults.push(Fault::Lose { at });
        }
        let until = self.settings.checkpoint_interval + self.request_timeout * 2;
        let at = self.complete(checkpoint) + self.draw.span(Duration::ZERO..until);
        let restart_after = self.draw.span(millis(1)..millis(60));
        self.faults.push(Fault::Stop { process, at, restart_after });
    }

    /// A coordinator stands still from the last trigger of a checkpoint on. When it wakes it finds all the
    /// acknowledgements, and a successor.
    fn deposed_with_a_checkpoint_in_hand(&mut self) {
        let last = u32::from(self.settings.parallelism) * self.ordinal(self.checkpoints);
        let at = self.at(Name::COORDINATOR, send("trigger"), last, Phase::Sent);
        let replaced_after = self.draw.span(millis(1)..self.request_timeout * 2);
        let wakes_after = self.draw.span(millis(1)..millis(100));
        self.faults.push(Fault::Zombie { at, replaced_after, wakes_after });
    }

    fn commit_never_arrives(&mut self) {
        let (process, ordinal) = (self.sink(), self.ordinal(self.checkpoints));
        let at = self.at(process, Operation::Ask(Ask::Commit), ordinal, Phase::Sent);
        self.faults.push(Fault::Lose { at });
    }

    /// A batch is written, and the answer is lost.
    fn batch_written_in_silence(&mut self) {
        let (process, ordinal) = (self.sink(), self.draw.within(1..self.produces + 3) as u32);
        let at = self.at(process, Operation::Ask(Ask::Produce), ordinal, Phase::Answered);
        self.faults.push(Fault::Lose { at });
    }

    /// A batch arrives when its sender has long given it up.
    fn late_batch(&mut self) {
        let (process, ordinal) = (self.sink(), self.draw.within(1..self.produces + 3) as u32);
        let at = self.at(process, Operation::Ask(Ask::Produce), ordinal, Phase::Sent);
        let by = self.request_timeout + self.draw.span(Duration::ZERO..self.request_timeout * 3);
        self.faults.push(Fault::Delay { at, by });
    }

    /// The transaction coordinator moves while its decisions are not yet written on the partitions.
    fn failover_before_the_markers(&mut self) {
        let checkpoint = self.ordinal(self.checkpoints);
        let by = self.draw.span(millis(20)..millis(120));
        let at = self.settings.checkpoint_interval * checkpoint;
        let lasts = self.settings.checkpoint_interval * 2;
        self.faults.push(Fault::SlowMarkers { at, lasts, by });
        let at = self.complete(checkpoint) + self.draw.span(Duration::ZERO..by);
        let lasts = self.draw.span(millis(5)..millis(60));
        self.faults.push(Fault::CoordinatorFailover { at, lasts, clock_ahead: Duration::ZERO });
    }

    /// A marker comes again when its producer is used again, one or two checkpoints later.
    fn repeated_markers(&mut self) {
        let after =
            self.draw.span(self.settings.checkpoint_interval / 2..self.settings.checkpoint_interval * 2);
        self.faults.push(Fault::RepeatMarkers { at: Duration::ZERO, lasts: self.heal_at, after });
    }
}
