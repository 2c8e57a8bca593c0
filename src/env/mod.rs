//! What a process may ask of the world: one capability, one trait, one file; [`Env`] bundles them.
//!
//! Every call is async, and **every await is a place to die**: a crash drops the process's futures at once,
//! and only what went through [`CheckpointStore`] or [`Broker`] survives.

mod broker;
mod clock;
mod network;
mod process;
mod source;
mod store;

use std::future::Future;

pub use broker::{Broker, Capabilities, Finish, Outcomes, Scope, Transaction};
pub use clock::{Clock, Elapsed, Timestamp, timeout};
pub use network::{Envelope, Network};
pub use process::{Address, Fact, Process, Role};
pub use source::Source;
pub use store::{CheckpointStore, Completed, Head, Key, Value, Version};

/// The bundle of capabilities that one life of a process is given.
///
/// Cloning is cheap: clones share one world.
pub trait Env: Clone + Send + Sync + 'static {
    /// See [`Clock`].
    type Clock: Clock;
    /// See [`Network`].
    type Network: Network;
    /// See [`Broker`].
    type Broker: Broker;
    /// See [`CheckpointStore`].
    type Store: CheckpointStore;
    /// See [`Source`].
    type Source: Source;

    /// The clock of the machine this process runs on.
    fn clock(&self) -> &Self::Clock;
    /// Messages to and from the other processes of the job.
    fn network(&self) -> &Self::Network;
    /// The target that sinks write to.
    fn broker(&self) -> &Self::Broker;
    /// Durable storage for checkpoints.
    fn store(&self) -> &Self::Store;
    /// A reader of one split of the input, at its beginning.
    fn source(&self, split: crate::Split) -> Self::Source;
    /// Who this process is.
    fn me(&self) -> &Process;
    /// The same capabilities for the same process under another identity: the worker uses it when the
    /// coordinator gives its task a new incarnation or another parallelism.
    fn identify(&self, me: Process) -> Self;
    /// Runs a task beside the process's main future; it lives and dies with the process.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
    /// Resolves when this process is asked to end cleanly (as SIGTERM does). Never resolves otherwise.
    fn stopped(&self) -> impl Future<Output = ()> + Send;
    /// Says what the process knows to be so. Reports and crash windows are made from it; nothing's
    /// correctness may depend on it.
    fn note(&self, fact: Fact);
}
