//! The command `twophase`, over the subjects that come with it.

use std::process::ExitCode;

use twophase_sim::{Threads, cli, subjects};

fn main() -> ExitCode {
    // The built-in subjects use no hash map and no static, so that they need no thread of their own.
    cli(&subjects::all(), Threads::Shared)
}
