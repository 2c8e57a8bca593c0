//! Flink's V1 two-phase-commit sink over a user's hooks.

mod participant;

pub use participant::Participant;
