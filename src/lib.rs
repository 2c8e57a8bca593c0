//! Exactly-once sinks by two-phase commit.

pub mod coordinator;
pub mod env;
pub mod kafka;
pub mod message;
pub mod naming;
pub mod ownership;
pub mod two_phase;
pub mod worker;

mod channel;
mod checkpoint;
mod error;
mod job;
mod record;
mod select;
mod settings;
mod sink;
mod steady;
mod transaction;
mod transactional;

pub use checkpoint::{CheckpointId, Incarnation, Life, Snapshot, Term};
pub use env::{
    Address, Broker, Capabilities, CheckpointStore, Clock, Env, Fact, Network, Process, Role, Source,
    Timestamp, Transaction,
};
pub use error::{BoxError, Failure, Next};
pub use job::StandardJob;
pub use record::{Partition, Record, RecordId, SourceOffset, Split};
pub use settings::Settings;
pub use sink::Sink;
pub use transaction::{Ended, Handle, TransactionalId};
pub use transactional::{Route, Transactional, TransactionalOptions, spread};
pub use two_phase::{Participant, TwoPhase, redistribute};

use std::future::Future;
use std::pin::Pin;

/// A future as a trait object.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a run plays: one call is one life of one process. Which process it is, [`Env::me`] says.
pub trait Job<E: Env>: Send + Sync {
    /// The main future of this process. It ends with `Ok` when its work is done, with an error when it gives up.
    fn start(&self, env: E) -> BoxFuture<Result<(), BoxError>>;
}
