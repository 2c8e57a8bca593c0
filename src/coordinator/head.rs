//! The one durable value of the job, and the truth about writes that were not answered.
//!
//! | the store says | then |
//! | --- | --- |
//! | written | it is durable, and this version is ours |
//! | fenced, or no answer | read: what is there now? |
//! | read: what we wrote | it is durable after all |
//! | read: what was there before | not written *yet*: the same write again, it cannot do harm twice |
//! | read: anything else | ours will be refused for ever; whoever asked decides anew from what was read |
//! | refused, ask again | the same write again, a little later |

use std::time::Duration;

use super::Effect;
use crate::env::{Head, Version};
use crate::{Failure, Next, Timestamp};

/// Reads and writes the head, one operation at a time.
#[derive(Debug)]
pub(super) struct HeadKeeper {
    version: Option<Version>,
    head: Head,
    state: State,
    backoff: Duration,
}

#[derive(Debug)]
enum State {
    Idle,
    /// A write is under way.
    Putting(Head),
    /// A read is under way; with it, the write whose fate it is to tell.
    Reading(Option<Head>),
    /// To be asked again at this time.
    Waiting(Timestamp, Again),
}

#[derive(Debug)]
enum Again {
    Put(Head),
    Read(Option<Head>),
}

/// What an answer of the store has settled.
#[derive(Debug)]
pub(super) enum Settled {
    /// Nothing yet.
    Not,
    /// What was to be written is durable.
    Written,
    /// The head is as it was found; what was to be written, if anything, never will be.
    Found,
    /// The store cannot be used any more.
    Broken(String),
}

impl HeadKeeper {
    pub(super) fn new(backoff: Duration) -> Self {
        HeadKeeper { version: None, head: Head::default(), state: State::Idle, backoff }
    }

    /// The newest head that is known.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Learns what is there.
    pub(super) fn read(&mut self, effects: &mut Vec<Effect>) {
        self.ask(Again::Read(None), effects);
    }

    /// Writes this, on top of what is known.
    pub(super) fn write(&mut self, head: Head, effects: &mut Vec<Effect>) {
        self.ask(Again::Put(head), effects);
    }

    /// Stops caring for the write that is not settled. It may still happen; the next write will tell.
    pub(super) fn forget(&mut self) {
        self.state = State::Idle;
    }

    pub(super) fn put_answered(
        &mut self,
        now: Timestamp,
        answer: Result<Version, Failure>,
        effects: &mut Vec<Effect>,
    ) -> Settled {
        let State::Putting(wanted) = std::mem::replace(&mut self.state, State::Idle) else {
            return Settled::Not;
        };
        let failure = match answer {
            Ok(version) => {
                self.adopt(Some(version), wanted);
                return Settled::Written;
            }
            Err(failure) => failure,
        };
        match failure.next() {
            Next::Fenced | Next::OutcomeUnknown => self.ask(Again::Read(Some(wanted)), effects),
            Next::Retry => self.wait(now, Again::Put(wanted)),
            _ => return Settled::Broken(failure.to_string()),
        }
        Settled::Not
    }

    pub(super) fn read_answered(
        &mut self,
        now: Timestamp,
        answer: Result<Option<(Version, Head)>, Failure>,
    ) -> Settled {
        let State::Reading(wanted) = std::mem::replace(&mut self.state, State::Idle) else {
            return Settled::Not;
        };
        let found = match answer {
            Ok(found) => found,
            Err(failure) if matches!(failure.next(), Next::Retry | Next::OutcomeUnknown) => {
                self.wait(now, Again::Read(wanted));
                return Settled::Not;
            }
            Err(failure) => return Settled::Broken(failure.to_string()),
        };
        self.compare(now, wanted, found)
    }

    /// When to call [`HeadKeeper::time`].
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting(until, _) => Some(until),
            _ => None,
        }
    }

    /// Asks again what was to be asked again by now.
    pub(super) fn time(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Waiting(until, again) if until <= now => self.ask(again, effects),
            other => self.state = other,
        }
    }

    fn compare(&mut self, now: Timestamp, wanted: Option<Head>, found: Option<(Version, Head)>) -> Settled {
        let (version, head) = found.map_or((None, Head::default()), |(version, head)| (Some(version), head));
        if version < self.version {
            return Settled::Broken("the store has lost the head of the job".into());
        }
        match wanted {
            Some(wanted) if version == self.version => {
                self.wait(now, Again::Put(wanted));
                Settled::Not
            }
            Some(wanted) if wanted == head => {
                self.adopt(version, head);
                Settled::Written
            }
            _ => {
                self.adopt(version, head);
                Settled::Found
            }
        }
    }

    fn adopt(&mut self, version: Option<Version>, head: Head) {
        self.version = version;
        self.head = head;
    }

    fn wait(&mut self, now: Timestamp, again: Again) {
        self.state = State::Waiting(now.after(self.backoff), again);
    }

    fn ask(&mut self, again: Again, effects: &mut Vec<Effect>) {
        self.state = match again {
            Again::Put(head) => {
                effects.push(Effect::Put { expected: self.version, head: head.clone() });
                State::Putting(head)
            }
            Again::Read(wanted) => {
                effects.push(Effect::Read);
                State::Reading(wanted)
            }
        };
    }
}
