//! What happens in a history, typed, one at a time and in order. Everything that judges or shows a history is
//! a fold over these.

use std::fmt;

use twophase::env::{Head, Key, Value, Version};
use twophase::kafka::protocol::{LogOffset, Marker, Producer, Request, Response};
use twophase::{Fact, Life, Partition, Record, TransactionalId};

use crate::fault::Fault;
use crate::site::{Name, Operation};

/// One thing that happened.
///
/// It borrows: a sweep copies nothing that nobody keeps.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Microseconds since the history began.
    pub at: u64,
    /// Who did it, or to whom it happened.
    pub who: Actor,
    /// What.
    pub what: What<'a>,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// A life of a process. `current` is false for a zombie: its replacement has started.
    Process {
        /// Which process.
        name: Name,
        /// Which life of it.
        life: Life,
        /// Whether no later life has started.
        current: bool,
    },
    /// The broker.
    Broker,
    /// The world itself.
    World,
}

/// What happens.
#[derive(Clone, Copy, Debug, Hash)]
#[non_exhaustive]
pub enum What<'a> {
    /// A life begins.
    Started,
    /// It was killed.
    Crashed,
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// It was asked to end cleanly.
    AskedToStop,
    /// Its main future ended; with what it said, if it gave up.
    Ended(Result<(), &'a str>),
    /// It panicked, saying this.
    Panicked(&'a str),
    /// A fault of the schedule struck.
    Struck(&'a Fault),
    /// Everything was repaired.
    Healed,
    /// A message was handed to the network.
    Sent {
        /// To whom.
        to: Name,
        /// Of which kind.
        label: &'a str,
        /// What it says.
        body: &'a [u8],
    },
    /// A message arrived.
    Delivered {
        /// Which of all things that were sent: two of one kind may overtake each other.
        message: u64,
        /// From whom.
        from: Name,
        /// Of which kind.
        label: &'a str,
        /// What it says.
        body: &'a [u8],
    },
    /// A request reached the broker and was answered.
    Applied {
        /// What was asked.
        request: &'a Request,
        /// What was answered.
        response: &'a Response,
        /// Whether it changed anything there.
        changed: bool,
        /// A digest of what the broker stores about it afterwards.
        state: u64,
    },
    /// A write to the head reached the checkpoint store, and is durable; or was refused.
    Put {
        /// What was written.
        head: &'a Head,
        /// The version it got; `None` if it was refused.
        version: Option<Version>,
    },
    /// A write to anything else reached it, likewise.
    Stored {
        /// Under which name.
        key: &'a Key,
        /// What was written.
        value: &'a Value,
        /// The version it got; `None` if it was refused.
        version: Option<Version>,
    },
    /// A request was given up without an answer.
    Unanswered {
        /// Which kind of request.
        operation: &'a Operation,
    },
    /// What the process says of itself.
    Noted(&'a Fact),
    /// A marker was written.
    MarkerWritten {
        /// Where.
        partition: Partition,
        /// Under which name.
        id: &'a TransactionalId,
        /// Of which producer.
        producer: Producer,
        /// Which.
        marker: Marker,
    },
    /// The broker aborted a transaction that was open for too long.
    TimedOut {
        /// Under which name.
        id: &'a TransactionalId,
    },
    /// A committed reader can see a record from now on.
    Visible {
        /// Where.
        partition: Partition,
        /// At which place.
        offset: LogOffset,
        /// What.
        record: &'a Record,
        /// Who wrote it.
        producer: Option<Producer>,
    },
    /// The broker stopped, or lost its coordinator.
    BrokerDown,
    /// It has loaded its state.
    BrokerUp,
}

/// Whoever folds over the events of a history.
pub trait Observer {
    /// One more event.
    fn see(&mut self, event: &Event<'_>);
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Process { name, current: true, .. } => name.fmt(f),
            Actor::Process { name, life, .. } => write!(f, "{name} (zombie, life {})", life.0),
            Actor::Broker => f.write_str("broker"),
            Actor::World => f.write_str("world"),
        }
    }
}
