//! What outlives the process of a Kafka transaction: enough to end it from anywhere, without an init.

use postcard::ser_flavors::Slice;
use serde::{Deserialize, Serialize};

use super::protocol::{Producer, Protocol};
use crate::pen::Pen;
use crate::{Failure, Handle, Next, ShortBytes, TransactionalId};

/// The number of the layout below.
const FORMAT: u16 = 1;

/// The contents of a [`Handle`] in format 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KafkaHandle {
    /// Who wrote it. With the epoch it says which of the transactions under a name is meant.
    pub(super) producer: Producer,
    /// How it was written. It must be ended in the same way: a commit by V1 of what a V2 request has
    /// committed is answered "fenced", although all is well (S2-18).
    pub(super) protocol: Protocol,
    /// Known at pre-commit: nothing was sent, so the broker knows of no transaction, and ending it could only
    /// end another one of the same epoch (KC-14).
    pub(super) empty: bool,
}

impl KafkaHandle {
    pub(super) fn encode(&self, id: TransactionalId) -> Handle {
        let bytes = ShortBytes::written(|room| {
            let written = postcard::serialize_with_flavor(self, Pen(Slice::new(room)));
            written.expect("at most 10 bytes of a producer id, 3 of an epoch, and two more").len()
        });
        Handle { id, format: FORMAT, bytes }
    }

    /// # Errors
    /// [`Next::Fatal`], with what was found, if this is no handle of ours.
    pub(super) fn decode(handle: &Handle) -> Result<Self, Failure> {
        let Handle { id, format, bytes } = handle;
        if *format != FORMAT {
            let text = format!("the handle of {id} has format {format}, and only format {FORMAT} is known");
            return Err(Failure::new(Next::Fatal, text));
        }
        match postcard::take_from_bytes(bytes) {
            Ok((found, [])) => Ok(found),
            Ok((_, rest)) => Err(damaged(id, bytes, format!("{} bytes too many", rest.len()))),
            Err(error) => Err(damaged(id, bytes, error.to_string())),
        }
    }
}

fn damaged(id: &TransactionalId, bytes: &[u8], how: String) -> Failure {
    let text = format!("the handle of {id} is damaged ({how}): {bytes:02x?}");
    Failure::new(Next::Fatal, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::{ProducerEpoch, ProducerId};

    fn handle() -> KafkaHandle {
        KafkaHandle {
            producer: Producer { id: ProducerId(4000), epoch: ProducerEpoch(7) },
            protocol: Protocol::V2,
            empty: false,
        }
    }

    #[test]
    fn a_handle_reads_back_from_its_bytes() {
        let bytes = handle().encode(TransactionalId::new("t0-i1-1"));
        assert_eq!(KafkaHandle::decode(&bytes).unwrap(), handle());
    }

    #[test]
    fn format_1_keeps_its_bytes() {
        // snapshots of older versions hold them: another layout needs another number
        assert_eq!(handle().encode(TransactionalId::new("t0-i1-1")).bytes[..], [0xc0, 0x3e, 14, 1, 0]);
    }

    #[test]
    fn another_format_is_refused_by_number() {
        let mut other = handle().encode(TransactionalId::new("t0-i1-1"));
        other.format = 2;
        let failure = KafkaHandle::decode(&other).unwrap_err();
        assert_eq!(failure.next(), Next::Fatal);
        assert_eq!(failure.to_string(), "the handle of t0-i1-1 has format 2, and only format 1 is known");
    }

    #[test]
    fn damaged_bytes_are_refused_and_shown() {
        let whole = handle().encode(TransactionalId::new("t0-i1-1"));
        for bytes in [vec![], whole.bytes[..3].to_vec(), [&whole.bytes[..], &[9]].concat()] {
            let failure =
                KafkaHandle::decode(&Handle { bytes: bytes.clone().into(), ..whole.clone() }).unwrap_err();
            assert_eq!(failure.next(), Next::Fatal);
            assert!(failure.to_string().ends_with(&format!("{bytes:02x?}")), "{failure}");
        }
    }
}
