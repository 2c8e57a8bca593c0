//! Kafka's transactions: the requests, and the client that speaks them.

mod port;
pub mod protocol;

pub use port::{Port, Unanswered};
