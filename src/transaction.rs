//! The names and numbers of transactions.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name a transaction is opened, fenced and found again under.
///
/// Cloning shares the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionalId(Arc<str>);

impl TransactionalId {
    /// The id with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        TransactionalId(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransactionalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All that outlives a process of one transaction: enough to resume, commit or abort it from elsewhere.
///
/// It exists from begin on, because Flink's V1 sink stores the open transaction too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Handle {
    /// The name the transaction runs under.
    pub id: TransactionalId,
    /// Which layout `bytes` has; a broker refuses formats it does not know.
    pub format: u16,
    /// The broker's own part (for Kafka: producer id and epoch).
    pub bytes: Vec<u8>,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// How a transaction came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// This request ended it.
    Now,
    /// It had been ended before, in the way that was asked for.
    Before,
    /// The target tells neither committed nor aborted: "fenced", "no such gid". Only naming and order
    /// can (the second half of *rule R3*: a broker answer never tells which).
    Indistinct,
}
