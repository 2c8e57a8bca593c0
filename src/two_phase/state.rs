//! What a sink writes into a checkpoint.

use postcard::Serializer;
use postcard::ser_flavors::{ExtendFlavor, Flavor};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::pending::Pending;
use crate::pen::Pen;
use crate::{Failure, Next, Timestamp};

/// The layout of the bytes. It leads them, so that bytes of another build are told from damaged ones.
const FORMAT: u8 = 1;

/// A transaction, and when it was begun.
///
/// The time is stored too (V1-1): a transaction's timeout does not start anew with its process. So ages are
/// measured across machines, and the skew of their clocks shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun<H> {
    /// What outlives the process.
    pub handle: H,
    /// The time right behind the begin.
    pub start: Timestamp,
}

/// The snapshot of one [`TwoPhase`](super::TwoPhase) sink.
///
/// Checkpoint ids are not in it (V1-3): whoever restores it knows that all of `pending` is promised.
///
/// ```
/// use twophase::two_phase::State;
///
/// let state: State<String, ()> = State { current: None, pending: vec![], context: None };
/// let bytes = state.encode()?;
/// assert_eq!(State::decode(&bytes)?, state);
/// # Ok::<(), twophase::Failure>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State<H, C> {
    /// The transaction that was just begun, for the records behind this checkpoint: a restore aborts it (V1-15).
    /// None once the sink is finished.
    pub current: Option<Begun<H>>,
    /// Every transaction that was not known to be committed, oldest first, not only this checkpoint's (V1-14).
    pub pending: Vec<Begun<H>>,
    /// The sink's context, if it has one.
    pub context: Option<C>,
}

/// A [`State`] whose transactions are where their sink has them. It has the same bytes, and copies nothing.
#[derive(Debug, Serialize)]
pub(super) struct StateInPlace<'a, H, C> {
    pub(super) current: Option<&'a Begun<H>>,
    pub(super) pending: &'a Pending<H>,
    pub(super) context: Option<&'a C>,
}

impl<H: Serialize, C: Serialize> State<H, C> {
    /// The bytes of it: a byte that names the layout, then postcard.
    ///
    /// # Errors
    /// [`Next::Fatal`] if a handle or the context cannot be serialised.
    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        encode(self)
    }
}

impl<H: Serialize, C: Serialize> StateInPlace<'_, H, C> {
    /// As [`State::encode`].
    pub(super) fn encode(&self) -> Result<Vec<u8>, Failure> {
        encode(self)
    }
}

fn encode(state: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(128); // two or three handles
    bytes.push(FORMAT);
    let mut serializer = Serializer { output: Pen(ExtendFlavor::new(bytes)) };
    match state.serialize(&mut serializer).and_then(|()| serializer.output.finalize()) {
        Ok(bytes) => Ok(bytes),
        Err(cause) => Err(fatal(format!("the sink's state cannot be serialised: {cause}"))),
    }
}

impl<H: DeserializeOwned, C: DeserializeOwned> State<H, C> {
    /// Reads it back.
    ///
    /// # Errors
    /// [`Next::Fatal`] if the bytes are of another layout, damaged, or more than the state.
    pub fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        match bytes {
            [FORMAT, body @ ..] => Self::decode_body(body),
            [other, ..] => Err(fatal(format!("the sink's state has format {other}, expected {FORMAT}"))),
            [] => Err(fatal(format!("the sink's state is empty, expected format {FORMAT}"))),
        }
    }

    fn decode_body(body: &[u8]) -> Result<Self, Failure> {
        let (state, rest) = postcard::take_from_bytes(body).map_err(|cause| {
            fatal(format!(
                "the sink's state of format {FORMAT} is damaged: {cause}; found {} bytes",
                body.len()
            ))
        })?;
        match rest.len() {
            0 => Ok(state),
            more => Err(fatal(format!(
                "the sink's state of format {FORMAT} ends after {} bytes, found {more} more",
                body.len() - more
            ))),
        }
    }
}

fn fatal(text: String) -> Failure {
    Failure::new(Next::Fatal, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckpointId;

    fn state() -> State<String, u8> {
        let begun = |handle: &str, start| Begun { handle: handle.to_owned(), start: Timestamp(start) };
        State {
            current: Some(begun("t3", 30)),
            pending: vec![begun("t1", 10), begun("t2", 20)],
            context: Some(7),
        }
    }

    fn refusal(bytes: &[u8]) -> String {
        let failure = State::<String, u8>::decode(bytes).unwrap_err();
        assert_eq!(failure.next(), Next::Fatal);
        failure.to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let finished = State { current: None, ..state() };
        for state in [state(), finished] {
            assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
        }
    }

    #[test]
    fn a_state_in_place_has_the_bytes_of_the_state_itself() {
        let owned = state();
        let mut pending = Pending::new();
        for (place, begun) in owned.pending.iter().enumerate() {
            pending.put(CheckpointId(place as u64), begun.clone());
        }
        let current = owned.current.as_ref();
        let in_place = StateInPlace { current, pending: &pending, context: owned.context.as_ref() };
        assert_eq!(in_place.encode().unwrap(), owned.encode().unwrap());
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        assert_eq!(refusal(&[9, 0, 0, 0]), "the sink's state has format 9, expected 1");
        assert_eq!(refusal(&[]), "the sink's state is empty, expected format 1");
    }

    #[test]
    fn no_truncation_and_no_surplus_goes_unnoticed() {
        let bytes = state().encode().unwrap();
        for end in 1..bytes.len() {
            assert!(refusal(&bytes[..end]).starts_with("the sink's state of format 1 is damaged: "));
        }
        let surplus = [&bytes[..], &[0, 0]].concat();
        assert_eq!(
            refusal(&surplus),
            format!("the sink's state of format 1 ends after {} bytes, found 2 more", bytes.len() - 1)
        );
    }
}
