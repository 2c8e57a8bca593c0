//! Flink's V1 two-phase-commit sink over a user's hooks: `TwoPhaseCommitSinkFunction`, rule by rule.
//!
//! The whole protocol is the life of one transaction:
//!
//! ```text
//!  begin ──► write … ──► pre-commit ──► pending ──► commit         complete(id): everything up to id
//!    │                       │             │
//!    └── close: abort        │             └── restore: recover and commit, until it succeeds
//!                            └── the next transaction begins; the snapshot names it too,
//!                                and a restore aborts it: the source sends its records again
//! ```
//!
//! Read in this order: [`Participant`] (what a user brings), [`TwoPhase`] (when each hook is called),
//! [`State`] (what a snapshot holds), `restore.rs` (what becomes of it), [`redistribute()`] (who gets it when
//! the parallelism changes). Comments cite the reference's rules as V1-n.

mod machine;
mod misuse;
mod options;
mod participant;
mod pending;
mod redistribute;
mod restore;
mod state;

pub use machine::{TwoPhase, View};
pub use misuse::{CommitFailed, Misuse};
pub use options::{Options, RatioOutOfRange, WarningRatio};
pub use participant::Participant;
pub use redistribute::redistribute;
pub use state::{Begun, State};
