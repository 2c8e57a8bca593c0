//! The records of one batch.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::Record;

/// The records of one batch: a slice that is cheap to clone, so that a repeated request copies nothing.
///
/// Several are shared. One alone stands in its place, because a shared slice would be an allocation for each
/// record that is sent by itself.
///
/// ```
/// use twophase::kafka::protocol::Records;
/// use twophase::{Record, RecordId, SourceOffset, Split};
///
/// let id = RecordId { split: Split(0), offset: SourceOffset(7) };
/// let record = Record { id, payload: "hello".into() };
/// assert_eq!(*Records::from(record.clone()), [record.clone()]);
/// assert_eq!(Records::from(vec![record.clone()]), Records::from(record));
/// ```
#[derive(Clone, Debug)]
pub struct Records(Held);

#[derive(Clone, Debug)]
enum Held {
    One(Record),
    Shared(Arc<[Record]>),
}

impl Deref for Records {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        match &self.0 {
            Held::One(record) => std::slice::from_ref(record),
            Held::Shared(records) => records,
        }
    }
}

impl From<Record> for Records {
    #[inline]
    fn from(record: Record) -> Self {
        Records(Held::One(record))
    }
}

impl From<Vec<Record>> for Records {
    fn from(records: Vec<Record>) -> Self {
        records.into_iter().collect()
    }
}

impl FromIterator<Record> for Records {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        Records(Held::Shared(records.into_iter().collect()))
    }
}

/// By what they hold, however they hold it.
impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Records {}

impl Hash for Records {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
