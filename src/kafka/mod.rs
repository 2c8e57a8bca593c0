//! Kafka's transactions: the requests, and the client that speaks them.
//!
//! Reading order: [`protocol`] (requests, answers and error codes as values), [`Port`] (who carries them),
//! [`class()`] (what an error means to whom), [`Client`] (the state machine), [`KafkaBroker`] (the same as a
//! [`Broker`](crate::Broker), and what commit and abort conclude from an answer).

mod batches;
mod broker;
mod class;
pub mod client;
mod driver;
mod fate;
mod handle;
mod options;
mod outbox;
mod port;
mod producers;
pub mod protocol;
mod records;
mod requests;
mod task;
mod trouble;

pub use broker::{KafkaBroker, KafkaTransaction};
pub use class::{Class, Kind, class};
pub use client::{Client, Turn};
pub use options::KafkaOptions;
pub use port::{Port, Unanswered};
pub use trouble::Trouble;
