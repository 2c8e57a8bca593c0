//! Bytes to operations on the transactional log: readers see what the model says.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: twophase_fuzz::catch_panics(), |bytes: &[u8]| twophase_fuzz::log(bytes));
