//! How payloads stand in files: as text where they are UTF-8, otherwise as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twophase::Payload;

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "invalid record; expected a text, or {\"base64\": \"...\"}")]
enum Written {
    Text(String),
    Bytes { base64: String },
}

/// The payloads of each split.
pub(crate) fn serialize<S: Serializer>(splits: &[Vec<Payload>], serializer: S) -> Result<S::Ok, S::Error> {
    let write = |payload: &Payload| match std::str::from_utf8(payload) {
        Ok(text) => Written::Text(text.to_owned()),
        Err(_) => Written::Bytes { base64: STANDARD.encode(payload) },
    };
    serializer.collect_seq(splits.iter().map(|split| split.iter().map(write).collect::<Vec<_>>()))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<Payload>>, D::Error> {
    let splits = Vec::<Vec<Read>>::deserialize(deserializer)?;
    Ok(splits.into_iter().map(|split| split.into_iter().map(|Read(payload)| payload).collect()).collect())
}

/// One record, so that what is wrong with it is found at its place.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Read(Payload);

impl TryFrom<Written> for Read {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(Read(match written {
            Written::Text(text) => Payload::from(text),
            Written::Bytes { base64 } => {
                Payload::from(STANDARD.decode(base64).map_err(|error| format!("{error}; expected base64"))?)
            }
        }))
    }
}
