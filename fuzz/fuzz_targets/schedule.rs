//! Bytes to a schedule inside the safe rule: no correct subject shows an anomaly under it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: twophase_fuzz::catch_panics(), |bytes: &[u8]| twophase_fuzz::schedule(bytes));
