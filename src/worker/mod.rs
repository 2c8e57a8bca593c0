//! A worker: a process that runs one task of the job, one incarnation after the other.
//!
//! ```text
//!   process.rs   heartbeats, deployments; gives an attempt up, starts the next
//!       │ commands          ▲ progress             (line.rs: what they share)
//!       ▼                   │
//!   attempt.rs   one incarnation: restore, write, snapshot, complete
//!       ▲ steps
//!   intake.rs    the splits: align.rs lines up the barriers of the queues that reader.rs fills
//! ```

mod align;
mod attempt;
mod intake;
mod line;
mod process;
mod reader;

pub use process::run;
