//! Exactly-once sinks by two-phase commit: **the committed output equals the input, exactly once.**
//!
//! A sink writes each record into a transaction, makes the transaction ready when a checkpoint's barrier passes
//! (*pre-commit*), and commits it only once the checkpoint is durable on all sides. Before that moment the answer
//! to every crash is *abort, and send again*; after it, *commit, however often it takes*. This library is that
//! sentence as code: the sink, the transactional client and the checkpoint coordinator.
//!
//! The limit: nothing here can help if the target aborts, by its own timeout, a transaction that was promised.
//! The timeout has to be longer than the longest outage; how much longer, the safe rule of `twophase-sim` says.
//! And all of it holds for readers who read committed records only.
//!
//! No file here names a runtime, a random generator or a simulator. The logic asks for a clock, a network, a
//! broker, a checkpoint store and sources through the traits of [`env`](mod@env), so the same code runs in production and
//! on the stage of `twophase-sim`, where it is played through crashes and checked.
//!
//! # The map, in reading order
//!
//! What flows, and what it is called:
//! - `record`: [`Record`], its identity ([`Split`], [`SourceOffset`]), and the [`Partition`] it goes to
//! - `payload`: [`Payload`], what a record carries
//! - `transaction`: [`TransactionalId`], the [`Handle`] that outlives a process, and how a commit [`Ended`]
//! - `short_bytes`: [`ShortBytes`], what handles and messages are made of
//! - `checkpoint`: [`CheckpointId`], what a [`Snapshot`] holds, and the numbers that fence: [`Incarnation`], [`Term`]
//! - `error`: [`Failure`], sorted by what the caller does [`Next`]
//! - [`env`](mod@env): what a process may ask of the world, one trait each, bundled as [`Env`]
//!
//! The sink:
//! - `sink`: [`Sink`], what an engine drives
//! - [`two_phase`]: [`TwoPhase`], Flink's V1 state machine over the hooks of a [`Participant`]
//! - `transactional`: [`Transactional`], those hooks over any [`Broker`]: commit what was promised, then fence
//! - [`naming`] and [`ownership`]: what transactions are called, and which sink clears up which leftovers
//! - [`kafka`]: a [`Broker`] that speaks Kafka's requests; the client without any I/O
//!
//! The job around it:
//! - [`message`]: what coordinator and workers say to each other
//! - [`coordinator`]: takes checkpoints, decides when one is complete, restarts what failed
//! - [`worker`]: one task of the job, from its sources through the barriers into its sink
//! - `job`: [`StandardJob`], all of it together; `settings`: its [`Settings`]
//!
//! And small tools that need no runtime: `channel`, `select`, `started`, `companion`, `steady`, `alarm`,
//! `mailbox`; `pen`, which writes values down; and `few`, bytes in their place.

pub mod coordinator;
pub mod env;
pub mod kafka;
pub mod message;
pub mod naming;
pub mod ownership;
pub mod two_phase;
pub mod worker;

mod alarm;
mod channel;
mod checkpoint;
mod companion;
mod error;
mod few;
mod job;
mod mailbox;
mod out_of_line;
mod payload;
mod pen;
mod record;
mod select;
mod settings;
mod short_bytes;
mod sink;
mod started;
mod steady;
mod transaction;
mod transactional;
#[cfg(test)]
mod wakes;

pub use checkpoint::{CheckpointId, Incarnation, Life, Positions, Snapshot, Term};
pub use env::{
    Address, Broker, Capabilities, CheckpointStore, Clock, Env, Fact, Network, Process, Role, Source,
    Timestamp, Transaction,
};
pub use error::{BoxError, Failure, Next};
pub use job::StandardJob;
pub use payload::Payload;
pub use record::{Partition, Record, RecordId, SourceOffset, Split};
pub use settings::Settings;
pub use short_bytes::ShortBytes;
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
