//! What there was to judge by. A job is judged by what the broker and the store know; which windows it was struck in,
//! and some checks, also need what its processes note of themselves. A job that notes nothing is judged all the same,
//! and the report says what could not be.

use twophase::Fact;

use crate::coverage::Window;

/// What was noted, in a history or in many, and what the job is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight(u8);

impl Sight {
    /// A sink noted something of its transactions.
    pub(crate) const SINKS: Sight = Sight(1);
    /// `Fact::PreCommitted` was noted.
    const PRE_COMMITTED: Sight = Sight(1 << 1);
    /// `Fact::Committed` was.
    const COMMITTED: Sight = Sight(1 << 2);
    /// `Fact::Restoring` was.
    const RESTORING: Sight = Sight(1 << 3);
    /// A checkpoint became durable in the head of the store.
    pub(crate) const DURABLE: Sight = Sight(1 << 4);
    /// The job commits only what a durable checkpoint covers.
    pub(crate) const BOUND: Sight = Sight(1 << 5);

    /// Whether all of these were.
    pub(crate) fn has(self, these: Sight) -> bool {
        self.0 & these.0 == these.0
    }

    /// These were, too.
    pub(crate) fn add(&mut self, these: Sight) {
        self.0 |= these.0;
    }

    /// A process noted this.
    pub(crate) fn note(&mut self, fact: &Fact) {
        self.add(match fact {
            Fact::Began(_) | Fact::Aborted(_) | Fact::Restored => Sight::SINKS,
            Fact::PreCommitted(..) => Sight(Sight::SINKS.0 | Sight::PRE_COMMITTED.0),
            Fact::Committed(_) | Fact::Indistinct(_) => Sight(Sight::SINKS.0 | Sight::COMMITTED.0),
            Fact::Restoring(..) => Sight::RESTORING,
            _ => Sight::default(),
        });
    }

    /// Why a crash in this window could not be told from others, if so.
    pub fn blind_to(self, window: Window) -> Option<&'static str> {
        let missing = |these: Sight, why| (!self.has(these)).then_some(why);
        let pre_committed = missing(Sight::PRE_COMMITTED, "nobody notes Fact::PreCommitted");
        match window {
            // The broker knows which transactions are open, and the world which process is a zombie.
            Window::W1 | Window::W7 => None,
            Window::W2 | Window::W3 => pre_committed,
            Window::W4 | Window::W8 => {
                pre_committed.or(missing(Sight::DURABLE, "no checkpoint is written to Key::Head"))
            }
            // Where sinks note nothing at all, one knows when it asks for the next thing.
            Window::W5 if !self.has(Sight::SINKS) => None,
            Window::W5 => missing(Sight::COMMITTED, "nobody notes Fact::Committed"),
            Window::W6 => missing(Sight::RESTORING, "nobody notes Fact::Restoring"),
        }
    }

    /// The checks that could not be made, each with the reason.
    pub fn not_checked(self) -> Vec<(&'static str, &'static str)> {
        let unbound = (!self.has(Sight::BOUND)).then_some("commits are not bound to checkpoints here");
        let never_durable = (!self.has(Sight::DURABLE)).then_some("no checkpoint is written to Key::Head");
        let silent = self.blind_to(Window::W6);
        [("premature commits", unbound), ("transactions left open over a restore", silent.or(never_durable))]
            .into_iter()
            .filter_map(|(check, why)| Some((check, why?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twophase::{CheckpointId, TransactionalId};

    fn blind(sight: Sight) -> Vec<Window> {
        Window::ALL.into_iter().filter(|window| sight.blind_to(*window).is_some()).collect()
    }

    #[test]
    fn whoever_notes_nothing_is_seen_by_the_broker_alone() {
        use Window::*;
        assert_eq!(blind(Sight::default()), [W2, W3, W4, W6, W8]);
        assert_eq!(Sight::default().not_checked().len(), 2);
    }

    #[test]
    fn each_fact_opens_the_windows_that_need_it() {
        use Window::*;
        let id = TransactionalId::new("t0-i1-1");
        let mut sight = Sight::BOUND;
        sight.note(&Fact::Restoring(twophase::Incarnation(1), None));
        assert_eq!(blind(sight), [W2, W3, W4, W8]);
        sight.note(&Fact::PreCommitted(CheckpointId(1), id.clone()));
        assert_eq!(blind(sight), [W4, W5, W8]);
        sight.add(Sight::DURABLE);
        assert_eq!(blind(sight), [W5]);
        sight.note(&Fact::Committed(id));
        assert!(blind(sight).is_empty() && sight.not_checked().is_empty());
    }
}
