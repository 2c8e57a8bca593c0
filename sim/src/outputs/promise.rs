//! What a subject says of its outputs: which there are, and how they are known again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use twophase::{Partition, Payload, Record};

/// One record that is to come out, exactly once: see [`Subject::expect`](crate::Subject::expect).
///
/// ```
/// use twophase::Partition;
/// use twophase_sim::Output;
///
/// let anywhere = Output::from("order 17 paid");
/// let audited = Output::from("order 17 paid").on(Partition(1));
/// assert_ne!(anywhere, audited);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub(super) payload: Payload,
    pub(super) partition: Option<Partition>,
}

impl Output {
    /// On this partition and no other; otherwise it may be on any.
    pub fn on(mut self, partition: Partition) -> Self {
        self.partition = Some(partition);
        self
    }
}

impl<T: Into<Payload>> From<T> for Output {
    fn from(payload: T) -> Self {
        Output { payload: payload.into(), partition: None }
    }
}

/// The outputs of one record of the input.
pub(crate) type Expect = dyn Fn(&Record) -> Vec<Output> + Send + Sync;

/// The identity of an output, by its payload: which of the expected ones it is.
pub(crate) trait Identify: Send + Sync {
    /// Knows these again from now on, each by its place.
    fn index(&self, all: &mut dyn Iterator<Item = &[u8]>) -> Result<Box<dyn Known>, Unclear>;
}

/// The outputs that are known, by their identity.
pub(crate) trait Known: Send {
    fn find(&self, payload: &[u8]) -> Option<usize>;
}

/// Why outputs cannot be told apart.
#[derive(Debug)]
pub(crate) enum Unclear {
    /// The one at this place has no identity.
    Nameless(usize),
    /// Those at these places have the same one, which prints like this.
    Alike(usize, usize, String),
}

/// Identities of one type.
pub(crate) struct ByKey<F>(pub(crate) Arc<F>);

struct Keys<F, K> {
    key: Arc<F>,
    places: BTreeMap<K, usize>,
}

impl<F, K> Identify for ByKey<F>
where
    F: Fn(&[u8]) -> Option<K> + Send + Sync + 'static,
    K: Ord + fmt::Debug + Send + 'static,
{
    fn index(&self, all: &mut dyn Iterator<Item = &[u8]>) -> Result<Box<dyn Known>, Unclear> {
        let mut places = BTreeMap::new();
        for (place, payload) in all.enumerate() {
            let key = (self.0)(payload).ok_or(Unclear::Nameless(place))?;
            if let Some(before) = places.get(&key) {
                return Err(Unclear::Alike(*before, place, format!("{key:?}")));
            }
            places.insert(key, place);
        }
        Ok(Box::new(Keys { key: self.0.clone(), places }))
    }
}

impl<F, K> Known for Keys<F, K>
where
    F: Fn(&[u8]) -> Option<K> + Send + Sync,
    K: Ord + Send,
{
    fn find(&self, payload: &[u8]) -> Option<usize> {
        self.places.get(&(self.key)(payload)?).copied()
    }
}

/// What a subject says of its outputs. Nothing, as nearly always: then they are its input.
#[derive(Clone, Default)]
pub(crate) struct Promise {
    pub(crate) expect: Option<Arc<Expect>>,
    pub(crate) identify: Option<Arc<dyn Identify>>,
}
