//! The settings of a job, as plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a job checkpoints, notices failures and restarts. Plain data with honest defaults.
///
/// Three of them must be in the right order or records are lost: see the safe rule in the README.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many sinks run.
    pub parallelism: u16,
    /// How many splits the input has. Split `s` is read by sink `s % parallelism`.
    pub splits: u16,
    /// How many partitions the output has.
    pub partitions: u32,
    /// Time between two checkpoints.
    #[serde(with = "humantime_serde")]
    pub checkpoint_interval: Duration,
    /// A checkpoint that is not durable after this long is given up.
    #[serde(with = "humantime_serde")]
    pub checkpoint_timeout: Duration,
    /// Shortest time between the end of a checkpoint and the next one.
    #[serde(with = "humantime_serde")]
    pub checkpoint_pause: Duration,
    /// How many checkpoints may be in flight.
    pub checkpoints_in_flight: u8,
    /// How many checkpoints in a row may fail before the job is restarted.
    pub checkpoint_failures: u8,
    /// How often a worker says that it lives.
    #[serde(with = "humantime_serde")]
    pub heartbeat_interval: Duration,
    /// After how much silence a worker, or to a worker its coordinator, counts as dead.
    #[serde(with = "humantime_serde")]
    pub heartbeat_timeout: Duration,
    /// How long the first restart waits; each one that follows without a completed checkpoint waits twice as long.
    #[serde(with = "humantime_serde")]
    pub restart_delay: Duration,
    /// The longest such wait.
    #[serde(with = "humantime_serde")]
    pub restart_delay_max: Duration,
    /// After how long the broker aborts a transaction that has not ended.
    #[serde(with = "humantime_serde")]
    pub transaction_timeout: Duration,
    /// How long to wait before a refused or unanswered request is sent again.
    #[serde(with = "humantime_serde")]
    pub retry_backoff: Duration,
    /// How many records go into one request to the broker.
    pub batch: usize,
    /// Whether a worker reads its splits itself, one record of each in turn, instead of through a queue each.
    pub chained: bool,
    /// How many records a source may be ahead of its sink.
    pub queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            parallelism: 2,
            splits: 4,
            partitions: 2,
            checkpoint_interval: Duration::from_secs(10),
            checkpoint_timeout: Duration::from_secs(60),
            checkpoint_pause: Duration::ZERO,
            checkpoints_in_flight: 1,
            checkpoint_failures: 3,
            heartbeat_interval: Duration::from_secs(1),
            heartbeat_timeout: Duration::from_secs(5),
            restart_delay: Duration::from_millis(100),
            restart_delay_max: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(900),
            retry_backoff: Duration::from_millis(100),
            batch: 16,
            chained: false,
            queue: 16,
        }
    }
}
