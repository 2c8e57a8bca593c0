//! Being in charge: taking over, drawing incarnations, and noticing that somebody else has taken over.

use super::head::Settled;
use super::machine::{Coordinator, Phase, Purpose};
use super::{Effect, End};
use crate::env::Head;
use crate::{CheckpointId, Fact, Incarnation, Term, Timestamp};

impl Coordinator {
    pub(super) fn settled(&mut self, now: Timestamp, settled: Settled, effects: &mut Vec<Effect>) {
        match (settled, self.purpose) {
            (Settled::Not, _) => {}
            (Settled::Broken(reason), _) => self.give_up(reason, effects),
            (Settled::Found, Purpose::TakeOver) => self.take_over(now, effects),
            (Settled::Found, _) => self.found(now, effects),
            (Settled::Written, Purpose::Complete(id)) => self.durable(now, id, effects),
            (Settled::Written, Purpose::End) => self.end(now, now, effects),
            (Settled::Written, Purpose::TakeOver | Purpose::Draw) => self.drawn(effects),
        }
    }

    /// The head was read: raises the term, unless another coordinator is in charge that started later.
    ///
    /// That one must win, because workers talk to whichever started last; and the older must stop for good,
    /// or the two would depose each other for ever.
    fn take_over(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let head = self.keeper.head();
        if head.leader > self.me {
            return self.deposed(effects);
        }
        if head.ended {
            // Its predecessor died while it sent the workers home. Those that are left must find somebody.
            return self.end(now, now.after(self.settings.heartbeat_timeout), effects);
        }
        self.term = Term(head.term.0 + 1);
        let mine = Head {
            term: self.term,
            leader: self.me,
            incarnation: Incarnation(head.incarnation.0 + 1),
            ..head.clone()
        };
        self.completed = head.completed.as_ref().map(|completed| completed.id);
        self.next_id = self.completed.map_or(CheckpointId(1), CheckpointId::next);
        self.write(Purpose::TakeOver, mine, effects);
    }

    /// A write was refused, and this is why.
    fn found(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let head = self.keeper.head();
        if (head.term, head.leader) != (self.term, self.me) {
            return self.deposed(effects);
        }
        // An earlier write of ours came through after we had given it up (CC-24). Whatever the tasks were
        // told, it is durable; what was to be written now is decided again on top of it.
        if let Some(id) = head.completed.as_ref().map(|completed| completed.id) {
            if Some(id) > self.completed {
                self.durable(now, id, effects);
            }
        }
        if self.keeper.head().ended {
            self.end(now, now, effects);
        }
    }

    fn deposed(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Note(Fact::Deposed));
        self.stop(End::Deposed, effects);
    }

    /// The incarnation is ours.
    fn drawn(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Gathering;
        if self.incarnation() > Incarnation(1) {
            effects.push(Effect::Note(Fact::Restarting(self.incarnation())));
        }
    }

    pub(super) fn draw(&mut self, effects: &mut Vec<Effect>) {
        if self.keeper.is_idle() {
            let mut head = self.keeper.head().clone();
            head.incarnation = Incarnation(head.incarnation.0 + 1);
            self.write(Purpose::Draw, head, effects);
        }
    }

    pub(super) fn write(&mut self, purpose: Purpose, head: Head, effects: &mut Vec<Effect>) {
        self.purpose = purpose;
        self.keeper.write(head, effects);
    }
}
