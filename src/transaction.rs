//! The names and numbers of transactions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use fnv::FnvHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

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

    /// The id whose text is this one's and then `more`. Its hash goes on from this one's.
    pub(crate) fn followed_by(&self, more: &str) -> Self {
        let more = more.as_bytes();
        let mut hasher = FnvHasher::with_key(self.hash);
        hasher.write(more);
        TransactionalId { hash: hasher.finish(), text: self.text.followed_by(more) }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("it was made of a text")
    }

    /// Whether its text begins with this one.
    pub fn starts_with(&self, prefix: &str) -> bool {
        self.text.starts_with(prefix.as_bytes())
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

/// As its text. Where nobody reads that, as the bytes of it: to find that they are one is most of what it costs to write
/// a handle down.
impl Serialize for TransactionalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.serialize_str(self.as_str()),
            false => self.text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TransactionalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        if deserializer.is_human_readable() {
            return Text::deserialize(deserializer).map(|Text(text)| TransactionalId::new(text));
        }
        let bytes = ShortBytes::deserialize(deserializer)?;
        std::str::from_utf8(&bytes).map(TransactionalId::new).map_err(D::Error::custom)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_made_of_parts_is_the_id_of_the_whole() {
        let whole = TransactionalId::new("orders-0-i2-4");
        assert_eq!(TransactionalId::new("orders").followed_by("-0-i2-").followed_by("4"), whole);
    }

    #[test]
    fn an_id_is_written_as_its_text_and_read_back_from_nothing_else() {
        let id = TransactionalId::new("t0-i1-\u{e4}");
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"t0-i1-\u{e4}\"");
        assert_eq!(serde_json::from_str::<TransactionalId>(&json).unwrap(), id);

        let bytes = postcard::to_stdvec(&id).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(id.as_str()).unwrap());
        assert_eq!(postcard::from_bytes::<TransactionalId>(&bytes).unwrap(), id);
        assert!(postcard::from_bytes::<TransactionalId>(&[1, 0xff]).is_err());
    }
}
