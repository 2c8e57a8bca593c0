//! The search still searches: a sweep of the correct job goes where it is dangerous, and comes back whole.

use std::sync::Arc;

use twophase_sim::fault::FaultKind;
use twophase_sim::{Generator, Keep, Outcome, Safety, Seed, Verdict, Window, play, subjects};

const SEEDS: u64 = 600;

/// Plays the first seeds of a subject, on all cores.
fn sweep(name: &str, safety: Safety) -> Vec<Outcome> {
    let subject = subjects::named(name).expect("the subject is there");
    let generator =
        Generator { safety, protocol: subject.protocol, naming: subject.naming, ..Generator::default() };
    let one = |seed| {
        let schedule = generator.schedule(Seed(seed)).expect("made-up records can always be read");
        play(&subject, &Arc::new(schedule), Keep::default())
    };
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    std::thread::scope(|scope| {
        let slice =
            |of: u64| scope.spawn(move || (of..SEEDS).step_by(threads as usize).map(one).collect::<Vec<_>>());
        let slices: Vec<_> = (0..threads).map(slice).collect();
        slices.into_iter().flat_map(|slice| slice.join().expect("no history panics")).collect()
    })
}

fn percent(outcomes: &[Outcome], is: impl Fn(&Outcome) -> bool) -> usize {
    outcomes.iter().filter(|outcome| is(outcome)).count() * 100 / outcomes.len()
}

#[test]
fn the_correct_job_holds_under_each_protocol_and_naming() {
    for name in ["kafka-v1", "kafka-v1-pool", "kafka-v2", "kafka-v2-pool"] {
        for outcome in sweep(name, Safety::Safe) {
            assert!(
                matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous),
                "{name}: {:?}",
                outcome.verdict
            );
        }
    }
}

#[test]
fn every_window_a_sink_can_survive_is_entered_by_one_seed_in_a_hundred() {
    let outcomes = sweep("kafka", Safety::Safe);
    for window in Window::ALL {
        let entered = percent(&outcomes, |outcome| outcome.windows.has(window));
        match window {
            Window::W8 => assert_eq!(entered, 0, "inside the safe rule nothing promised times out"),
            _ => assert!(entered >= 1, "{window}: {entered} %"),
        }
    }
}

#[test]
fn few_seeds_are_vacuous_and_every_kind_of_fault_strikes() {
    let outcomes = sweep("kafka", Safety::Safe);
    assert!(percent(&outcomes, |outcome| outcome.verdict == Verdict::Vacuous) <= 20);
    for kind in FaultKind::ALL {
        let strikes: u32 = outcomes.iter().map(|outcome| outcome.struck[kind as usize]).sum();
        assert!(strikes > 0, "{}", kind.as_str());
    }
}

#[test]
fn what_a_zombie_leaves_open_is_timed_out_by_the_broker() {
    assert!(sweep("kafka", Safety::Safe).iter().any(|outcome| outcome.timed_out > 0));
}

#[test]
fn outside_the_safe_rule_promised_transactions_time_out_and_nothing_else_goes_wrong() {
    let outcomes = sweep("kafka", Safety::Unsafe);
    assert!(percent(&outcomes, |outcome| outcome.windows.has(Window::W8)) >= 1);
    for finding in outcomes.iter().filter_map(Outcome::finding) {
        let restarts_for_ever = finding.anomaly == twophase_sim::Anomaly::Stuck;
        assert!(finding.window == Some(Window::W8) || restarts_for_ever, "{finding:?}");
    }
}
