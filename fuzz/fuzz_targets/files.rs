//! Bytes as files and messages: an error or a value, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: twophase_fuzz::catch_panics(), |bytes: &[u8]| twophase_fuzz::files::check(bytes));
