//! The names and numbers of transactions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use fnv::FnvHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ShortBytes;

/// The name a transaction is opened, fenced and found again under.
///
/// Cheap to clone: a short text stands in its place, a longer one is shared. Ids are compared far more often than they
/// are made, and nearly always differ in their last letters only; so each carries a hash of its text, the same on every
/// platform, and that is looked at first.
#[derive(Clone)]
pub struct TransactionalId {
    hash: u64,
    /// As bytes, which are a text.
    text: ShortBytes,
}

impl TransactionalId {
    /// The id with this text.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref().as_bytes();
        let mut hasher = FnvHasher::default();
        hasher.write(text);
        TransactionalId { hash: hasher.finish(), text: text.into() }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("it was made of a text")
    }

    /// Whether its text is empty, which no target takes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl PartialEq for TransactionalId {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for TransactionalId {}

/// By their texts.
impl Ord for TransactionalId {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for TransactionalId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for TransactionalId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for TransactionalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for TransactionalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransactionalId").field(&self.as_str()).finish()
    }
}

/// As its text.
impl Serialize for TransactionalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TransactionalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        Text::deserialize(deserializer).map(|Text(text)| TransactionalId::new(text))
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
    pub bytes: ShortBytes,
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
