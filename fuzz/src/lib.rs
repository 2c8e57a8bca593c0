//! What the fuzz targets do with bytes. They stand here, and not in the targets, so that what a fuzzer finds is replayed
//! by `cargo test` on the stable toolchain, without libFuzzer: see `tests/replay.rs`.
//!
//! - [`Case`]: bytes to a schedule, which a correct subject must survive
//! - [`Operations`]: bytes to operations on the transactional log, against its model
//! - [`files`]: bytes as what is read from outside: an error or a value
//!
//! Bytes are read as numbers (`tape.rs`), and are never rejected; nor is a schedule that comes of them, because
//! [`Schedule::make_safe`](twophase_sim::Schedule::make_safe) lengthens what is too short.

mod case;
mod faults;
pub mod files;
#[path = "../../tests/conformance/recordings/lines.rs"]
mod lines;
mod operations;
#[path = "../../tests/log_model/operations/mod.rs"]
mod played;
pub mod starts;
mod tape;

pub use case::Case;
pub use operations::Operations;

/// A target: bytes in, a panic if something is wrong.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 3] = [("schedule", schedule), ("log", log), ("files", files::check)];

/// A correct subject survives the schedule that these bytes are.
///
/// # Panics
/// If it does not.
pub fn schedule(bytes: &[u8]) {
    Case::from_bytes(bytes).check();
}

/// The log does what the model does, whatever operations these bytes are.
///
/// # Panics
/// If it does not.
pub fn log(bytes: &[u8]) {
    Operations::from_bytes(bytes).check();
}

/// Takes libFuzzer's panic hook out, which aborts at every panic, also at one that is caught: the code under test may
/// panic, and the stage makes an anomaly of it. A panic that nobody catches still ends the fuzzer: libfuzzer-sys aborts when one
/// comes as far as the target.
pub fn catch_panics() {
    drop(std::panic::take_hook());
}
