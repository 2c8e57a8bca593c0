//! Durable checkpoint storage: what a crash cannot take. It obeys its laws and nothing else; requests are
//! lost, delayed and repeated on their way here.

use std::collections::BTreeMap;

use twophase::env::{Key, Value, Version};

/// What was asked of the store.
#[derive(Clone, Debug)]
pub(crate) enum StoreRequest {
    Read(Key),
    Put { key: Key, expected: Option<Version>, value: Value },
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum StoreAnswer {
    /// (In a box, because it is rare and would be most of what every answer is moved with.)
    Read(Option<Box<(Version, Value)>>),
    /// The new version, or, if it was refused, the one that is there.
    Put(Result<Version, Option<Version>>),
}

/// All that is stored.
#[derive(Default, Hash)]
pub(crate) struct Store(BTreeMap<Key, (Version, Value)>);

impl Store {
    pub(crate) fn apply(&mut self, request: &StoreRequest) -> StoreAnswer {
        match request {
            StoreRequest::Read(key) => StoreAnswer::Read(self.0.get(key).cloned().map(Box::new)),
            StoreRequest::Put { key, expected, value } => {
                let there = self.0.get(key).map(|(version, _)| *version);
                if there != *expected {
                    return StoreAnswer::Put(Err(there));
                }
                let version = Version(there.map_or(1, |version| version.0 + 1));
                self.0.insert(key.clone(), (version, value.clone()));
                StoreAnswer::Put(Ok(version))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn put(
        store: &mut Store,
        expected: Option<u64>,
        value: &'static str,
    ) -> Result<Version, Option<Version>> {
        let request = StoreRequest::Put {
            key: Key::Head,
            expected: expected.map(Version),
            value: Value::Bytes(Bytes::from(value)),
        };
        match store.apply(&request) {
            StoreAnswer::Put(result) => result,
            StoreAnswer::Read(_) => unreachable!("a put is answered as a put"),
        }
    }

    #[test]
    fn a_put_counts_only_on_the_version_it_expects() {
        let mut store = Store::default();
        assert_eq!(put(&mut store, None, "a"), Ok(Version(1)));
        assert_eq!(put(&mut store, None, "b"), Err(Some(Version(1))));
        assert_eq!(put(&mut store, Some(1), "c"), Ok(Version(2)));
        assert_eq!(put(&mut store, Some(1), "d"), Err(Some(Version(2))));
        let StoreAnswer::Read(Some(stored)) = store.apply(&StoreRequest::Read(Key::Head)) else {
            panic!("what was put can be read")
        };
        assert_eq!(*stored, (Version(2), Value::Bytes(Bytes::from("c"))));
    }
}
