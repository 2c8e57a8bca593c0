//! The settings of a Kafka target.

use std::time::Duration;

use super::protocol::Protocol;

/// How a [`KafkaBroker`](super::KafkaBroker) and its clients behave. Plain data with honest defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KafkaOptions {
    /// Which generation of the protocol new transactions are written in.
    pub protocol: Protocol,
    /// After how long the broker aborts a transaction that has not ended. A broker refuses more than its own
    /// `transaction.max.timeout.ms`, 15 minutes by default.
    pub transaction_timeout: Duration,
    /// How long to wait after a "not now".
    pub retry_backoff: Duration,
    /// How many records go into one request.
    pub batch: usize,
    /// How often in a row a request may go unanswered before the operation's outcome counts as unknown.
    pub attempts: u32,
    /// How often a request may be answered "not now" before the operation fails. With the default back-off
    /// this is `delivery.timeout.ms`, 2 minutes.
    pub refusals: u32,
    /// How many producers are kept for the next transaction under their name.
    pub idle: usize,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        KafkaOptions {
            protocol: Protocol::V2,
            transaction_timeout: Duration::from_secs(900),
            retry_backoff: Duration::from_millis(100),
            batch: 16,
            attempts: 5,
            refusals: 1200,
            idle: 8,
        }
    }
}
