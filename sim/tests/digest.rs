//! The command gives the digests that were written down, as any other way of playing does.

use std::process::{Command, Stdio};

const GOLDEN: &str = include_str!("../../tests/golden/digests.txt");

fn printed(jobs: &str) -> String {
    let seeds = format!("0..{}", GOLDEN.lines().count());
    let output = Command::new(env!("CARGO_BIN_EXE_twophase"))
        .args(["digest", "--seeds", &seeds, "--jobs", jobs])
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn the_command_prints_the_golden_digests_on_any_number_of_threads() {
    for jobs in ["1", "3"] {
        assert_eq!(printed(jobs), GOLDEN, "--jobs {jobs}");
    }
}
