//! What a test may fix of what a seed draws. What is not fixed stays as it is drawn.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use twophase_sim::fault::FaultKind;
use twophase_sim::{
    Anomaly, Generator, Ratio, Safety, Schedule, Seed, Simulation, Window, is_safe, subjects,
};

fn schedules(generator: &Generator) -> Vec<Schedule> {
    let all = (0..100).map(|seed| generator.schedule(Seed(seed)));
    all.collect::<Result<_, _>>().expect("made-up records can always be read")
}

/// What it says instead of playing.
fn refused(simulation: Simulation) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| simulation.run())).expect_err("it is refused");
    *panic.downcast().expect("it says why")
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
fn the_shape_and_the_checkpoints_can_be_fixed_each_by_its_name() {
    let (interval, timeout) = (Duration::from_millis(400), Duration::from_secs(3));
    let shaped = Generator {
        parallelism: Some(4),
        splits: Some(9),
        partitions: Some(5),
        checkpoint_interval: Some(interval),
        checkpoint_timeout: Some(timeout),
        ..Generator::default()
    };
    for schedule in schedules(&shaped) {
        let settings = &schedule.settings;
        assert_eq!((settings.parallelism, settings.splits, settings.partitions), (4, 9, 5));
        assert_eq!((settings.checkpoint_interval, settings.checkpoint_timeout), (interval, timeout));
        assert!(is_safe(&schedule));
    }
    let report = simulation().parallelism(4).splits(9).partitions(5);
    let report = report.checkpoint_interval(interval).checkpoint_timeout(timeout).run();
    report.assert_exactly_once();
}

#[test]
fn sinks_that_are_given_have_splits_that_are_drawn_for_them() {
    let sinks = Generator { parallelism: Some(7), ..Generator::default() };
    let splits = schedules(&sinks).iter().map(|schedule| schedule.settings.splits).collect::<BTreeSet<_>>();
    assert_eq!(splits, BTreeSet::from([7, 14, 21]));
}

#[test]
fn checkpoints_as_far_apart_as_in_production_are_struck_too() {
    let report = simulation().checkpoint_interval(Duration::from_secs(10)).run();
    report.assert_exactly_once();
    let seen = |window: Window| report.summary().windows[window as usize];
    assert!(
        [Window::W1, Window::W3, Window::W4, Window::W5].into_iter().all(|window| seen(window) > 0),
        "{report}"
    );
}

#[test]
fn records_can_be_a_list_of_ones_own() {
    let list = vec!["a", "b", "c"];
    let own = Generator { input: Some(Arc::new(list)), records: Some(2), ..Generator::default() };
    for schedule in schedules(&own) {
        let mut window: Vec<_> = schedule.input.concat();
        window.sort();
        assert!(window == ["a", "b"] || window == ["b", "c"], "{window:?}");
    }
}

#[test]
fn a_kind_of_fault_has_the_rate_that_is_given_and_all_others_stay_as_they_are() {
    let with = |rates: &[(FaultKind, Ratio)]| {
        schedules(&Generator { rates: rates.to_vec(), ..Generator::default() })
    };
    let share = |schedules: &[Schedule], kind: FaultKind| {
        schedules.iter().filter(|schedule| schedule.faults.iter().any(|fault| fault.kind() == kind)).count()
    };
    let drawn = with(&[]);
    for kind in FaultKind::ALL {
        assert_eq!(share(&with(&[(kind, Ratio::NEVER)]), kind), 0);
        assert_eq!(share(&with(&[(kind, Ratio::ALWAYS)]), kind), drawn.len(), "{kind:?}");
        let quarter = with(&[(kind, Ratio::new(1, 4))]);
        assert!((10..45).contains(&share(&quarter, kind)), "{kind:?}: {}", share(&quarter, kind));
        let others = |schedule: &Schedule| {
            let others = schedule.faults.iter().filter(|fault| fault.kind() != kind);
            others.cloned().collect::<Vec<_>>()
        };
        assert!(quarter.iter().zip(&drawn).all(|(one, other)| others(one) == others(other)));
    }
}

#[test]
fn only_some_kinds_means_these_and_at_least_one_of_them_in_each_seed() {
    for kind in FaultKind::ALL {
        let only = schedules(&Generator { only: vec![kind], ..Generator::default() });
        for schedule in &only {
            assert!(!schedule.faults.is_empty() && schedule.faults.iter().all(|fault| fault.kind() == kind));
            assert!(is_safe(schedule));
        }
    }
    simulation().only(&[FaultKind::Zombie, FaultKind::Delay]).run().assert_exactly_once();
}

#[test]
fn a_transaction_timeout_below_the_safe_rule_counts_only_outside_of_it() {
    let short = || simulation().transaction_timeout(Duration::from_millis(30));
    let said = refused(short());
    assert!(said.contains("transaction_timeout(30ms) is shorter than the safe rule asks for"), "{said}");
    short().settings(Safety::Unsafe).run().assert_finds(Anomaly::Lost);
}

#[test]
fn the_timeout_that_the_refusal_asks_for_is_long_enough() {
    let said = refused(simulation().transaction_timeout(Duration::from_millis(30)));
    let millis =
        said.split("up to ").nth(1).and_then(|rest| rest.split(" ms").next()).expect("it says how much");
    let enough = Duration::from_micros((millis.parse::<f64>().unwrap() * 1_000.0).ceil() as u64);
    simulation().transaction_timeout(enough).run().assert_exactly_once();
    let said = refused(simulation().transaction_timeout(enough - Duration::from_millis(1)));
    assert!(said.contains("is shorter"), "{said}");
}

#[test]
fn what_cannot_be_played_or_contradicts_itself_is_refused_with_what_was_expected() {
    let nothing = Duration::ZERO;
    let all_out = FaultKind::ALL.into_iter().fold(simulation(), Simulation::without);
    for (refusable, says) in [
        (simulation().parallelism(0), "parallelism(0): expected 1 to 256"),
        (simulation().splits(2_000), "splits(2000): expected 1 to 1024"),
        (simulation().partitions(0), "partitions(0): expected 1 to 64"),
        (simulation().records(0), "records(0): expected 1 to 1000000"),
        (simulation().checkpoint_interval(nothing), "checkpoint_interval(0ns): expected 1ms to"),
        (
            simulation().checkpoint_timeout(Duration::from_millis(2)),
            "checkpoint_timeout(2ms) is too short: in seed",
        ),
        (simulation().transaction_timeout(nothing), "transaction_timeout(0ns): expected 1ms to"),
        (simulation().faults(false).only(&[FaultKind::Crash]), "faults(false) leaves nothing for only(..)"),
        (simulation().only(&[FaultKind::Crash]).without(FaultKind::Crash), "leave no fault at all"),
        (all_out, "leave no fault at all"),
        (simulation().rate(FaultKind::Stop, Ratio::new(3, 2)), "rate(FaultKind::Stop, 3/2): expected a part"),
        (simulation().rate(FaultKind::Stop, Ratio::new(0, 0)), "rate(FaultKind::Stop, 0/0): expected a part"),
        (simulation().rate(FaultKind::Stop, Ratio::ALWAYS).without(FaultKind::Stop), "leave one out"),
        (simulation().input(Vec::<String>::new()), "input(..) holds no record"),
        (simulation().jobs(0), "jobs(0): expected at least 1"),
        (simulation().hang_timeout(nothing), "hang_timeout(0ns): expected some time"),
        (simulation().for_at_most(nothing), "for_at_most(0ns): expected some time"),
        (simulation().seeds(7..7), "seeds(7..7) holds no seed"),
    ] {
        let said = refused(refusable);
        assert!(said.contains(says), "{says}: {said}");
    }
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
    let said = refused(simulation().adjust(|settings| settings.splits = 0));
    assert!(said.contains("settings.splits is 0; expected more"), "{said}");
}
