//! The lines of a schedule.

use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use twophase::two_phase::{Options, WarningRatio};

use super::java::Thrown;
use super::rules::Filter;
use super::show::StateForm;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Op {
    Note,
    Set(Change),
    Open {
        subtask: u64,
        #[serde(default)]
        restored: Vec<StateForm>,
    },
    Restore {
        from: Vec<String>,
        parallelism: NonZeroU16,
    },
    Write {
        subtask: u64,
        value: String,
    },
    Snapshot {
        subtask: u64,
        checkpoint: u64,
        #[serde(rename = "as")]
        name: Option<String>,
    },
    NotifyComplete {
        checkpoint: u64,
        subtask: Option<u64>,
    },
    NotifyAborted {
        checkpoint: u64,
        subtask: Option<u64>,
    },
    Finish {
        subtask: u64,
    },
    Close {
        subtask: u64,
    },
    Crash {
        subtask: Option<u64>,
    },
    AdvanceClock {
        ms: i64,
    },
    FailNext {
        #[serde(flatten)]
        filter: Filter,
        #[serde(flatten)]
        thrown: Thrown,
    },
    SlowNext {
        #[serde(flatten)]
        filter: Filter,
        ms: i64,
    },
    ClearRules,
    #[serde(other)]
    Unknown,
}

/// What instances are opened with.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) options: Options,
    pub(super) user_context: Option<String>,
    pub(super) default_recovery: bool,
}

/// A `set`. A field that is left out keeps its value; null means not set.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    #[serde(deserialize_with = "present")]
    transaction_timeout_ms: Option<Option<i64>>,
    #[serde(deserialize_with = "present")]
    warn_ratio: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    ignore_failures_after_timeout: Option<Option<bool>>,
    #[serde(deserialize_with = "present")]
    user_context: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    default_recovery: Option<Option<bool>>,
}

pub(super) enum Refused {
    NegativeTimeout,
    RatioOutOfRange,
}

impl Change {
    /// All of it, or nothing.
    pub(super) fn applied_to(&self, settings: &Settings) -> Result<Settings, Refused> {
        let mut settings = settings.clone();
        if let Some(timeout) = self.transaction_timeout_ms {
            settings.options.transaction_timeout = timeout.map_or(Ok(Options::NEVER), timeout_of)?;
        }
        if let Some(ratio) = self.warn_ratio {
            settings.options.warn_at = ratio.map(ratio_of).transpose()?;
        }
        if let Some(ignore) = self.ignore_failures_after_timeout {
            settings.options.ignore_failures_after_timeout = ignore.unwrap_or_default();
        }
        if let Some(context) = &self.user_context {
            settings.user_context = context.clone();
        }
        if let Some(default) = self.default_recovery {
            settings.default_recovery = default.unwrap_or_default();
        }
        Ok(settings)
    }
}

/// A [`Duration`] cannot be negative, so the class's check for it is the conversion.
fn timeout_of(ms: i64) -> Result<Duration, Refused> {
    u64::try_from(ms).map(Duration::from_millis).map_err(|_| Refused::NegativeTimeout)
}

fn ratio_of(ratio: f64) -> Result<WarningRatio, Refused> {
    WarningRatio::new(ratio).map_err(|_| Refused::RatioOutOfRange)
}

/// Tells null from a field that is not there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
