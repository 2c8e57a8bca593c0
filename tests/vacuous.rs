//! A sweep in which nothing dangerous happened shows nothing. It fails, and says what it has missed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use twophase::kafka::protocol::Protocol;
use twophase_sim::subjects::exactly_once;
use twophase_sim::{Report, Simulation};

/// What a test says that fails.
fn said(report: &Report) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| report.assert_exactly_once())).expect_err("it fails");
    *panic.downcast::<String>().expect("it says why")
}

fn says(report: &Report, parts: &[&str]) {
    let said = said(report);
    for part in parts {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

/// A sweep of one seed that enters no window, under this protocol.
fn vacuous(protocol: Protocol) -> Report {
    let one = |seed: u64| Simulation::new(exactly_once).protocol(protocol).seeds(seed..seed + 1).run();
    (0..200).map(one).find(|report| report.summary().is_vacuous()).expect("one in a few is vacuous")
}

#[test]
fn a_test_in_which_nothing_dangerous_happened_fails_and_says_what_it_has_missed() {
    says(
        &vacuous(Protocol::V2),
        &[
            "FAIL  vacuous",
            "windows never entered\n    W1   crash before pre-commit\n",
            "    W4   crash after complete, before commit\n",
            "calls at which no process was ever killed, by phase\n",
            "    end_txn.commit   before sent applied answered received\n",
        ],
    );
}

#[test]
fn a_call_that_the_job_never_makes_is_told_from_one_that_was_never_crashed_at() {
    // Partitions are added by the client in the older protocol, and by the leader in the newer one.
    let (with, without) = (said(&vacuous(Protocol::V1)), said(&vacuous(Protocol::V2)));
    let parts = |said: &str| {
        let (missed, unmade) = said.split_once("calls that the job never made\n").expect("there are both");
        (missed.contains("    add_partitions "), unmade.contains(" add_partitions "))
    };
    assert_eq!(parts(&with), (true, false), "{with}");
    assert_eq!(parts(&without), (false, true), "{without}");
}

#[test]
fn the_same_test_passes_where_nothing_was_to_go_wrong() {
    let calm = Simulation::new(exactly_once).faults(false).seeds(0..20).run();
    assert!(calm.summary().is_vacuous());
    calm.assert_exactly_once();
}

#[test]
fn a_long_sweep_kills_processes_at_every_call_that_a_job_must_survive() {
    let report = Simulation::new(exactly_once).seeds(0..1_000).run();
    let never: BTreeMap<_, _> = report.summary().crashed_at.never().into_iter().collect();
    for call in ["put", "produce", "end_txn.commit", "send"] {
        assert_eq!(never.get(call), None, "{call}");
    }
}
