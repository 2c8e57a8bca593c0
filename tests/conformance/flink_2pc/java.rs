//! Errors, under the names that the recordings have for them.

use std::error::Error;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use twophase::two_phase::{CommitFailed, Misuse};
use twophase::{Failure, Next};

use super::op::Refused;

/// What a rule makes a callback throw.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Thrown {
    message: String,
    #[serde(default)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Runtime,
    Checked,
    Error,
}

/// What came out of the sink, or out of one of its hooks.
pub(super) fn error(cause: &(dyn Error + 'static)) -> Value {
    if let Some(thrown) = cause.downcast_ref::<Thrown>() {
        return json!(thrown);
    }
    if let Some(failed) = cause.downcast_ref::<CommitFailed>() {
        return json!({
            "type": "org.apache.flink.util.FlinkRuntimeException",
            "message": "Committing one of transactions failed, logging first encountered failure",
            "cause": error(failed.first().cause()),
        });
    }
    let message = match cause.downcast_ref::<Misuse>() {
        Some(Misuse::NoTransaction) => {
            "Two phase commit sink function with null transaction should not be invoked! "
        }
        Some(Misuse::NotOpened) => "context is null",
        _ => panic!("the class has no such failure: {cause}"),
    };
    json!({"type": "java.lang.NullPointerException", "message": message})
}

/// What came out of a setting.
pub(super) fn refused(refused: Refused) -> Value {
    let message = match refused {
        Refused::NegativeTimeout => "transactionTimeout must not be negative",
        Refused::RatioOutOfRange => "warningRatio must be in range [0,1]",
    };
    json!({"type": "java.lang.IllegalArgumentException", "message": message})
}

impl From<Thrown> for Failure {
    /// Java's `Error` is what no caller is meant to survive; of the others, none says what to do next.
    fn from(thrown: Thrown) -> Self {
        let next = match thrown.kind {
            Kind::Error => Next::Fatal,
            Kind::Runtime | Kind::Checked => Next::AbortAndRetry,
        };
        Failure::new(next, thrown)
    }
}

impl Serialize for Thrown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let class = match self.kind {
            Kind::Runtime => "java.lang.RuntimeException",
            Kind::Checked => "java.io.IOException",
            Kind::Error => "java.lang.Error",
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", class)?;
        map.serialize_entry("message", &self.message)?;
        map.end()
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Thrown {}
