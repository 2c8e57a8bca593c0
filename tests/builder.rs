//! What a test may fix of what a seed draws. What is not fixed stays as it is drawn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use twophase_sim::fault::FaultKind;
use twophase_sim::{Anomaly, Generator, Safety, Schedule, Seed, Simulation, is_safe, subjects};

fn schedules(generator: &Generator) -> Vec<Schedule> {
    let all = (0..100).map(|seed| generator.schedule(Seed(seed)));
    all.collect::<Result<_, _>>().expect("made-up records can always be read")
}

fn simulation() -> Simulation {
    Simulation::new(subjects::exactly_once).seeds(0..100)
}

#[test]
fn an_adjustment_that_changes_nothing_leaves_every_seed_as_it_is() {
    let same = Generator { adjust: Some(Arc::new(|_| {})), ..Generator::default() };
    assert_eq!(schedules(&same), schedules(&Generator::default()));
}

#[test]
fn the_shape_can_be_fixed_and_the_safe_rule_still_holds() {
    let shaped = Generator {
        adjust: Some(Arc::new(|settings| {
            (settings.parallelism, settings.splits, settings.partitions) = (4, 9, 5);
            settings.checkpoint_interval = Duration::from_millis(400);
        })),
        ..Generator::default()
    };
    for schedule in schedules(&shaped) {
        assert_eq!((schedule.settings.parallelism, schedule.input.len()), (4, 9));
        assert_eq!(schedule.settings.checkpoint_interval, Duration::from_millis(400));
        assert!(is_safe(&schedule));
    }
    let shape = |settings: &mut twophase::Settings| (settings.parallelism, settings.splits) = (4, 9);
    simulation().adjust(shape).run().assert_exactly_once();
}

#[test]
fn a_transaction_timeout_below_the_safe_rule_counts_only_outside_of_it() {
    let short = Duration::from_millis(30);
    simulation().transaction_timeout(short).run().assert_exactly_once();
    let outside = simulation().transaction_timeout(short).settings(Safety::Unsafe).run();
    outside.assert_finds(Anomaly::Lost);
}

#[test]
fn a_transaction_timeout_above_the_safe_rule_is_taken_as_it_is() {
    let hour = Some(Duration::from_secs(3_000));
    let long = Generator { transaction_timeout: hour, ..Generator::default() };
    assert!(schedules(&long).iter().all(|schedule| Some(schedule.settings.transaction_timeout) == hour));
}

#[test]
fn kinds_of_faults_can_be_left_out() {
    let report = simulation().without(FaultKind::Crash).without(FaultKind::Zombie).run();
    let struck = |kind: FaultKind| report.summary().struck[kind as usize];
    assert_eq!((struck(FaultKind::Crash), struck(FaultKind::Zombie)), (0, 0));
    assert!(struck(FaultKind::Delay) > 0);
}

#[test]
fn a_budget_of_time_ends_a_sweep() {
    let report = simulation().seeds(0..10_000_000).for_at_most(Duration::from_millis(200)).run();
    assert!((1..10_000_000).contains(&report.summary().seeds));
    report.assert_exactly_once();
}

#[test]
fn settings_that_nobody_can_play_are_refused_by_name() {
    let run = || simulation().adjust(|settings| settings.splits = 0).run();
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it is refused");
    let said = panic.downcast::<String>().expect("it says why");
    assert!(said.contains("settings.splits is 0; expected more"), "{said}");
}
