//! The command `twophase`, over the subjects that come with it.

use std::process::ExitCode;

use twophase_sim::{Threads, cli_on, subjects};

fn main() -> ExitCode {
    // The built-in subjects use no hash map and no static, so that they need no thread of their own.
    cli_on(Threads::Shared, subjects::all())
}
