//! Where a fault can strike: process, life, operation, ordinal, phase.
//!
//! "sink-0, first life, 2nd commit request, applied" is the place for a crash between the broker's work and
//! its answer. Sites survive small changes of code and of timing; times do not. A site is written as one
//! string, `sink-0/1/end_txn.commit#2/applied`: every part counts from 1, but the index of a process, which
//! counts from 0.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use twophase::kafka::protocol::{Marker, Request};
use twophase::{Address, Life, Role};

/// A process without its life: `sink-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// What it does.
    pub role: Role,
    /// Which of its role, counting from 0.
    pub index: u16,
}

/// What a process asks of the world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Waiting for the clock.
    Sleep,
    /// Asking a source for a record.
    Next,
    /// Waiting for a message.
    Receive,
    /// Sending a message with this label.
    Send(Cow<'static, str>),
    /// Reading from the checkpoint store.
    Read,
    /// Writing to it.
    Put,
    /// A request to the broker; see [`Ask`].
    Ask(Ask),
}

/// An operation as the world meets it. It owns nothing, so that a step may pass it on for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Sleep,
    Next,
    Receive,
    Send(&'static str),
    Read,
    Put,
    Ask(Ask),
}

/// The kinds of requests to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// `InitProducerId`.
    Init,
    /// `AddPartitionsToTxn`.
    AddPartitions,
    /// `AddOffsetsToTxn`.
    AddOffsets,
    /// `Produce`.
    Produce,
    /// `EndTxn(commit)`.
    Commit,
    /// `EndTxn(abort)`.
    Abort,
    /// `TxnOffsetCommit`.
    CommitOffsets,
    /// `DescribeTransactions`.
    Describe,
    /// `ListTransactions`.
    List,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It was asked for; nothing has left the process.
    Before,
    /// The request is on its way.
    Sent,
    /// The other side has done it; the answer is not on its way yet.
    Applied,
    /// The answer is on its way.
    Answered,
    /// The answer has arrived; the process has not acted on it.
    Received,
}

/// A place where a fault can strike. It reads as it prints.
///
/// ```
/// use twophase_sim::fault::Fault;
/// use twophase_sim::site::{Phase, Site};
///
/// let at: Site = "sink-0/1/end_txn.commit#2/answered".parse().unwrap();
/// assert_eq!((at.ordinal, at.phase), (2, Phase::Answered));
/// let lost = Fault::Lose { at }; // the second commit is done, and sink 0 never hears of it
/// assert_eq!(lost.kind().as_str(), "applied, answer lost");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// Who.
    pub process: Name,
    /// In which of its lives.
    pub life: Life,
    /// Doing what.
    pub operation: Operation,
    /// For the how-manieth time in that life, counting from 1.
    pub ordinal: u32,
    /// How far.
    pub phase: Phase,
}

impl Name {
    /// The coordinator.
    pub const COORDINATOR: Name = Name { role: Role::Coordinator, index: 0 };

    /// The sink with this index.
    pub fn sink(index: u16) -> Self {
        Name { role: Role::Sink, index }
    }

    /// Where it stands among all processes of a job, of which there are few.
    #[inline(always)]
    pub(crate) fn place(self) -> usize {
        match self.role {
            Role::Coordinator => 2 * usize::from(self.index),
            Role::Sink => 2 * usize::from(self.index) + 1,
        }
    }
}

impl From<Call> for Operation {
    fn from(call: Call) -> Self {
        match call {
            Call::Sleep => Operation::Sleep,
            Call::Next => Operation::Next,
            Call::Receive => Operation::Receive,
            Call::Send(label) => Operation::Send(Cow::Borrowed(label)),
            Call::Read => Operation::Read,
            Call::Put => Operation::Put,
            Call::Ask(ask) => Operation::Ask(ask),
        }
    }
}

impl PartialEq<Call> for Operation {
    fn eq(&self, call: &Call) -> bool {
        match (self, call) {
            (Operation::Send(known), Call::Send(label)) => known == label,
            (Operation::Ask(known), Call::Ask(ask)) => known == ask,
            (Operation::Sleep, Call::Sleep)
            | (Operation::Next, Call::Next)
            | (Operation::Receive, Call::Receive)
            | (Operation::Read, Call::Read)
            | (Operation::Put, Call::Put) => true,
            _ => false,
        }
    }
}

impl From<Address> for Name {
    fn from(address: Address) -> Self {
        Name { role: address.role, index: address.index }
    }
}

impl Ask {
    /// All kinds, in order.
    pub const ALL: [Ask; 9] = [
        Ask::Init,
        Ask::AddPartitions,
        Ask::AddOffsets,
        Ask::Produce,
        Ask::Commit,
        Ask::Abort,
        Ask::CommitOffsets,
        Ask::Describe,
        Ask::List,
    ];

    /// The kind of this request. Most are batches.
    #[inline]
    pub fn of(request: &Request) -> Self {
        if let Request::Produce(_) = request {
            return Ask::Produce;
        }
        match request {
            Request::InitProducerId(_) => Ask::Init,
            Request::AddPartitions { .. } => Ask::AddPartitions,
            Request::AddOffsets { .. } => Ask::AddOffsets,
            Request::Produce(_) => Ask::Produce,
            Request::EndTxn { marker: Marker::Commit, .. } => Ask::Commit,
            Request::EndTxn { marker: Marker::Abort, .. } => Ask::Abort,
            Request::TxnOffsetCommit { .. } => Ask::CommitOffsets,
            Request::DescribeTransaction(_) => Ask::Describe,
            Request::ListTransactions { .. } => Ask::List,
            other => unreachable!("no client sends {other:?}"),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Ask::Init => "init",
            Ask::AddPartitions => "add_partitions",
            Ask::AddOffsets => "add_offsets",
            Ask::Produce => "produce",
            Ask::Commit => "end_txn.commit",
            Ask::Abort => "end_txn.abort",
            Ask::CommitOffsets => "commit_offsets",
            Ask::Describe => "describe",
            Ask::List => "list",
        }
    }
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Phase; 5] =
        [Phase::Before, Phase::Sent, Phase::Applied, Phase::Answered, Phase::Received];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::Sent => "sent",
            Phase::Applied => "applied",
            Phase::Answered => "answered",
            Phase::Received => "received",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role, self.index)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Sleep => f.write_str("sleep"),
            Operation::Next => f.write_str("next"),
            Operation::Receive => f.write_str("receive"),
            Operation::Send(label) => write!(f, "send.{label}"),
            Operation::Read => f.write_str("read"),
            Operation::Put => f.write_str("put"),
            Operation::Ask(ask) => ask.fmt(f),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}#{}/{}", self.process, self.life.0, self.operation, self.ordinal, self.phase)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("'{text}' is not a process; expected coord-0, sink-0, sink-1, ...");
        let (role, index) = text.split_once('-').ok_or_else(expected)?;
        let role = match role {
            "coord" => Role::Coordinator,
            "sink" => Role::Sink,
            _ => return Err(expected()),
        };
        Ok(Name { role, index: index.parse().map_err(|_| expected())? })
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "sleep" => Operation::Sleep,
            "next" => Operation::Next,
            "receive" => Operation::Receive,
            "read" => Operation::Read,
            "put" => Operation::Put,
            _ => match text.strip_prefix("send.") {
                Some(label) => Operation::Send(Cow::Owned(label.to_owned())),
                None => match Ask::ALL.into_iter().find(|ask| ask.as_str() == text) {
                    Some(ask) => Operation::Ask(ask),
                    None => {
                        return Err(format!(
                            "'{text}' is not an operation; expected one like put, send.ack, produce or end_txn.commit"
                        ));
                    }
                },
            },
        })
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("'{text}' is not a site; expected one like sink-0/1/end_txn.commit#2/applied");
        let mut parts = text.split('/');
        let mut part = || parts.next().ok_or_else(expected);
        let process = part()?.parse()?;
        let life = Life(part()?.parse().map_err(|_| expected())?);
        let (operation, ordinal) = part()?.rsplit_once('#').ok_or_else(expected)?;
        let phase = part()?;
        let phase = Phase::ALL.into_iter().find(|known| known.as_str() == phase).ok_or_else(expected)?;
        if parts.next().is_some() {
            return Err(expected());
        }
        let ordinal = ordinal.parse().map_err(|_| expected())?;
        Ok(Site { process, life, operation: operation.parse()?, ordinal, phase })
    }
}

/// Sites and names stand in files as the one string that is also printed.
macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(Name, Site);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_reads_as_it_prints() {
        for text in [
            "sink-0/1/end_txn.commit#2/applied",
            "coord-0/3/put#1/before",
            "sink-12/2/send.ack#7/sent",
            "sink-1/1/produce#40/received",
        ] {
            assert_eq!(text.parse::<Site>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bad_site_says_what_was_expected() {
        for text in [
            "",
            "sink-0",
            "sink/1/put#1/sent",
            "sink-0/1/put/sent",
            "sink-0/1/put#1/sent/",
            "sink-0/1/jump#1/sent",
        ] {
            assert!(text.parse::<Site>().unwrap_err().contains("expected"), "{text}");
        }
    }
}
