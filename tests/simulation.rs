//! The builder that an ordinary test uses: what it accepts, what it refuses, and what it says then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use twophase::{Env, StandardJob};
use twophase_sim::{Anomaly, LineFile, Safety, Simulation, Subject, Window, subjects};

const FLIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights.csv");

fn broken(name: &str) -> Simulation {
    Simulation::of(subjects::named(name).expect("it comes with the framework"))
}

/// What a test says that fails.
fn said(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("it fails");
    *panic.downcast::<String>().expect("it says why")
}

#[test]
fn the_correct_sink_passes() {
    Simulation::new(subjects::exactly_once).seeds(0..100).run().assert_exactly_once();
}

#[test]
fn a_broken_sink_fails_with_the_line_that_replays_it() {
    let report = broken("fences-before-committing").seeds(0..100).shrink_budget(Duration::ZERO).run();
    let first = report.assert_finds(Anomaly::Lost).clone();
    let said = said(|| report.assert_exactly_once());
    assert!(said.contains(&format!("FAIL  lost          seed {}   (", first.seed)), "{said}");
    assert!(said.contains("window W4: crash after complete, before commit"), "{said}");
    let test = "a_broken_sink_fails_with_the_line_that_replays_it";
    let replay = format!("cargo test {test}\n");
    assert!(said.contains(&format!("{test}-{}.json {replay}", first.seed)), "what is kept: {said}");
    let said = report.to_string();
    assert!(said.contains(&format!("replay   TWOPHASE_SEED={} {replay}", first.seed)), "{said}");
}

#[test]
fn a_broken_sink_fails_with_the_smallest_schedule_that_still_does() {
    let report = broken("fences-before-committing").seeds(0..20).run();
    let said = said(|| report.assert_exactly_once());
    let small = said.lines().find(|line| line.contains("smallest schedule that still fails: "));
    let small = small.expect("it says how small").trim();
    assert!(small.contains(": 1 fault of ") && small.contains(", 1 record of "), "{said}");
    assert!(
        said.contains("\n    crash sink-0 before its 1st commit request, restart it at once\n"),
        "{said}"
    );
    let shrunk = report.shrunk().expect("it was shrunk");
    assert_eq!(shrunk.outcome.finding().map(|found| found.anomaly), Some(Anomaly::Lost));
}

/// Nor does one that was meant to find something.
#[test]
fn a_test_that_passes_plays_nothing_more() {
    static PLAYED: AtomicU32 = AtomicU32::new(0);
    let counted = || {
        Subject::job("counted", |schedule| {
            PLAYED.fetch_add(1, Ordering::Relaxed);
            Box::new(StandardJob::new(schedule.settings.clone(), subjects::exactly_once))
        })
    };
    let report = Simulation::of(counted()).seeds(0..30).run();
    report.assert_exactly_once();
    assert_eq!(PLAYED.swap(0, Ordering::Relaxed), 31, "one of them twice");
    let found = Simulation::of(counted()).seeds(0..100).settings(Safety::Unsafe).run();
    found.assert_finds(Anomaly::Lost);
    assert_eq!(PLAYED.load(Ordering::Relaxed), 101);
    assert!(report.shrunk().is_none());
}

#[test]
fn an_anomaly_that_was_expected_must_be_found() {
    let report = Simulation::new(subjects::exactly_once).seeds(0..20).run();
    let said = said(|| {
        report.assert_finds(Anomaly::Duplicate);
    });
    assert!(said.contains("duplicate was expected, and not found"), "{said}");
}

#[test]
fn a_run_in_which_nothing_dangerous_happened_fails_unless_that_was_meant() {
    let vacuous = |seed: &u64| {
        let report = Simulation::new(subjects::exactly_once).seeds(*seed..*seed + 1).run();
        report.summary().is_vacuous()
    };
    let seed = (0..200).find(vacuous).expect("one seed in a few is vacuous");
    let report = Simulation::new(subjects::exactly_once).seeds(seed..seed + 1).run();
    let said = said(|| report.assert_exactly_once());
    assert!(said.contains("no history entered any crash window"), "{said}");
    let calm = Simulation::new(subjects::exactly_once).seeds(0..20).faults(false).run();
    calm.assert_exactly_once();
    assert_eq!(calm.summary().vacuous, 20);
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_threads() {
    let on = |jobs| {
        let all = broken("forgets-to-fence").seeds(0..150).jobs(jobs).run();
        all.summary().clone()
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn real_records_can_be_played() {
    let flights = LineFile::open(FLIGHTS.as_ref()).expect("it is there");
    Simulation::new(subjects::exactly_once)
        .input(flights)
        .records(40)
        .seeds(0..50)
        .run()
        .assert_exactly_once();
}

#[test]
fn outside_the_safe_rule_the_setting_that_lost_a_record_is_named() {
    let report = Simulation::new(subjects::exactly_once).settings(Safety::Unsafe).seeds(0..100);
    let report = report.shrink_budget(Duration::ZERO).run();
    assert_eq!(report.assert_finds(Anomaly::Lost).finding.window, Some(Window::W8));
    assert!(said(|| report.assert_exactly_once()).contains("allowed by transaction_timeout = "));
}

#[test]
fn a_static_that_survives_crashes_is_not_deterministic() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let report = Simulation::new(|env| {
        // A crash does not reset it, nor does the next history: no two plays of one seed see the same.
        let turn = MADE.fetch_add(1, Ordering::Relaxed);
        let fact = twophase::Fact::Began(twophase::TransactionalId::new(format!("turn-{turn}")));
        env.note(fact);
        subjects::exactly_once(env)
    })
    .seeds(0..3)
    .run();
    let said = said(|| report.assert_exactly_once());
    assert!(said.contains("FAIL  not deterministic  seed 0"), "{said}");
    assert!(said.contains("first at step") && said.contains("begins turn-"), "{said}");
}

#[test]
fn a_sink_that_panics_is_found_and_the_sweep_goes_on() {
    let report = Simulation::new(|env| {
        assert!(env.me().incarnation.0 < 2, "nobody tried a second time");
        subjects::exactly_once(env)
    })
    .seeds(0..50)
    .run();
    let first = report.assert_finds(Anomaly::Panicked);
    assert!(first.finding.detail.contains("nobody tried a second time"), "{}", first.finding.detail);
    assert_eq!(report.summary().seeds, 50);
}

#[test]
fn no_seed_is_no_test() {
    let said = said(|| drop(Simulation::new(subjects::exactly_once).seeds(5..5).run()));
    assert!(said.contains("holds no seed; expected at least one"), "{said}");
}

/// Runs one test of this file in another process, as a person would.
fn with_environment(variable: &str, value: &str) -> Output {
    let this = std::env::current_exe().expect("a test is a program");
    Command::new(this)
        .args(["--exact", "the_correct_sink_passes", "--nocapture"])
        .env(variable, value)
        .output()
        .expect("it starts")
}

#[test]
fn the_environment_plays_one_seed_of_any_test_and_prints_its_trace() {
    let output = with_environment("TWOPHASE_SEED", "0x29");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("seed 41 of the_correct_sink_passes"), "{printed}");
    assert!(printed.contains("step        time  who"), "{printed}");
}

#[test]
fn a_bad_value_in_the_environment_names_the_variable_and_what_was_expected() {
    for (variable, value) in [("TWOPHASE_SEED", "0xZZ"), ("TWOPHASE_SEEDS", "9..3")] {
        let output = with_environment(variable, value);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        for part in [variable, value, "expected"] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
    }
    assert!(with_environment("TWOPHASE_SEEDS", "7..19").status.success());
}
