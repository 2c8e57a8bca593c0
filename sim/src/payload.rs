//! How payloads stand in files: as text where they are UTF-8, otherwise as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { base64: String },
}

/// The payloads of each split.
pub(crate) fn serialize<S: Serializer>(splits: &[Vec<Bytes>], serializer: S) -> Result<S::Ok, S::Error> {
    let write = |payload: &Bytes| match std::str::from_utf8(payload) {
        Ok(text) => Written::Text(text.to_owned()),
        Err(_) => Written::Bytes { base64: STANDARD.encode(payload) },
    };
    serializer.collect_seq(splits.iter().map(|split| split.iter().map(write).collect::<Vec<_>>()))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<Bytes>>, D::Error> {
    let read = |written: Written| match written {
        Written::Text(text) => Ok(Bytes::from(text)),
        Written::Bytes { base64 } => {
            STANDARD.decode(base64).map(Bytes::from).map_err(serde::de::Error::custom)
        }
    };
    let splits = Vec::<Vec<Written>>::deserialize(deserializer)?;
    splits.into_iter().map(|split| split.into_iter().map(read).collect()).collect()
}
