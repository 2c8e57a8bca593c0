//! The stage.

pub mod log;
