//! A history before it happens: the job's shape, its settings, its input, its timing, and the faults that
//! strike it. Data, and nothing but data.
//!
//! Every sub-list of a schedule's faults is a legal schedule: a fault whose moment never comes is skipped and
//! counted, never an error. So shrinking is deletion, any bytes decode, and old files stay valid.

mod calm;
mod make_safe;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use twophase::kafka::protocol::Protocol;
use twophase::{Payload, Settings, naming::Naming};

use crate::fault::Fault;
use crate::seed::Seed;

/// Everything that decides a history, but for the subject under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How the job checkpoints, notices failures and restarts.
    pub settings: Settings,
    /// Which generation of Kafka's protocol the sinks speak.
    pub protocol: Protocol,
    /// How they name their transactions.
    pub naming: Naming,
    /// How the broker is set up.
    pub broker: BrokerSettings,
    /// How long things take.
    pub timing: Timing,
    /// When everything is repaired; what has not struck by then never will.
    #[serde(with = "humantime_serde")]
    pub heal_at: Duration,
    /// What strikes.
    pub faults: Vec<Fault>,
    /// The payloads of each split.
    #[serde(with = "crate::payload")]
    pub input: Vec<Vec<Payload>>,
}

/// How the broker is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// How often it looks for transactions that have timed out (Kafka's default: 10 s).
    #[serde(with = "humantime_serde")]
    pub sweep_interval: Duration,
    /// When it looks for the first time.
    #[serde(with = "humantime_serde")]
    pub sweep_phase: Duration,
    /// How long a partition waits for its marker once the end of a transaction is decided.
    pub markers: Span,
    /// Whether partition leaders ask the coordinator before they take a batch of the older protocol
    /// (`transaction.partition.verification.enable`; Kafka before 3.6 did not). Without it, a client has to fence
    /// what it finds open, or late batches of it are never ended.
    pub verification: bool,
}

/// How long things take. The delays of a history follow from this part alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// What the delays are drawn from.
    pub seed: Seed,
    /// One way of a message, a request or an answer.
    pub latency: Span,
    /// How long the checkpoint store needs for a write, besides the way there and back.
    pub store: Span,
    /// How long a source needs for its next record.
    pub pace: Span,
    /// After how long a request without an answer is given up.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Whether tasks of one process that are ready together are polled in an order drawn from the seed.
    pub shuffle: bool,
}

/// A range of durations, drawn from uniformly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The shortest.
    #[serde(with = "humantime_serde")]
    pub min: Duration,
    /// The longest is just below this; the same as `min` for a fixed time.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

impl Span {
    /// From `min` up to `max`.
    pub const fn new(min: Duration, max: Duration) -> Self {
        Span { min, max }
    }

    /// From `min` up to `max` milliseconds.
    pub const fn millis(min: u64, max: u64) -> Self {
        Span { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }
}

impl Schedule {
    /// How many records the input has.
    pub fn records(&self) -> usize {
        self.input.iter().map(Vec::len).sum()
    }
}
