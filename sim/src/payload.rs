//! How payloads stand in files: as text where they are UTF-8, otherwise as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "invalid record; expected a text, or {\"base64\": \"...\"}")]
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
    let splits = Vec::<Vec<Payload>>::deserialize(deserializer)?;
    Ok(splits.into_iter().map(|split| split.into_iter().map(|Payload(payload)| payload).collect()).collect())
}

/// One record, so that what is wrong with it is found at its place.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Payload(Bytes);

impl TryFrom<Written> for Payload {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(Payload(match written {
            Written::Text(text) => Bytes::from(text),
            Written::Bytes { base64 } => {
                Bytes::from(STANDARD.decode(base64).map_err(|error| format!("{error}; expected base64"))?)
            }
        }))
    }
}
