//! The logic does what the real systems were recorded doing, line by line.
//!
//! Each folder here holds recordings of one system: what to do (`schedules/NAME.jsonl`) and what it did then
//! (`traces/NAME.jsonl`). The module of that name only translates between our names and the recorded ones;
//! `recordings.rs` reads, compares and tells. Recordings of the same form from elsewhere are played with
//! `TWOPHASE_CONFORMANCE_DIR=parent-of-the-folders cargo test --test conformance`.

mod flink_2pc;
mod kafka_transactions;
mod recordings;

/// One test for each folder that is played, and the list of them.
macro_rules! played {
    ($($module:ident => $folder:literal,)+) => {
        const PLAYED: &[&str] = &[$($folder),+];

        $(
            #[test]
            fn $module() {
                recordings::check($folder, PLAYED, $module::play);
            }
        )+
    };
}

played! {
    flink_2pc => "flink-2pc",
    kafka_transactions => "kafka-transactions",
}

/// So that nobody takes a folder for tested that nothing here can play.
#[test]
fn folders_that_nothing_plays_are_named() {
    recordings::name_the_rest(PLAYED);
}
