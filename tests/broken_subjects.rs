//! Every subject that is one mistake away from correct is found for what it is, and no correct one is blamed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use twophase_sim::{
    Anomaly, Concerned, Expected, Generator, Keep, Outcome, Part, Safety, Seed, Subject, Verdict, Window,
    play, subjects,
};

/// Within how many seeds the default generator finds each mistake.
const SEEDS: u64 = 1_000;

/// How many seeds of each correct subject are played here. Long sweeps are the command's business.
const CORRECT_SEEDS: u64 = 200;

/// How many seeds without faults each broken subject is played with.
const CALM_SEEDS: u64 = 60;

fn generator_for(subject: &Subject) -> Generator {
    let Subject { protocol, naming, safety, .. } = *subject;
    Generator { protocol, naming, safety, ..Generator::default() }
}

fn play_seed(subject: &Subject, generator: &Generator, seed: u64) -> Outcome {
    let schedule = generator.schedule(Seed(seed));
    let schedule = schedule.expect("made-up records can always be read");
    play(subject, &Arc::new(schedule), Keep::default())
}

/// What each of them is expected to be found for.
fn broken() -> Vec<(Subject, Anomaly, Option<Window>)> {
    let all = subjects::all().into_iter();
    all.filter_map(|subject| match subject.expected {
        Expected::Correct => None,
        Expected::Broken(anomaly, window) => Some((subject, anomaly, window)),
    })
    .collect()
}

/// `check`s all of them, on all cores, and fails with everything that was said.
fn check_all<T: Sync>(all: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        let taken = std::iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed)));
        taken.filter_map(|one| check(one).err()).collect::<Vec<_>>()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let said: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let workers = workers.into_iter();
        workers.flat_map(|worker| worker.join().expect("no check panics")).collect()
    });
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn every_mistake_is_found_under_its_anomaly_and_window() {
    check_all(&broken(), |(subject, anomaly, window)| {
        let generator = generator_for(subject);
        let found = |seed: u64| {
            let outcome = play_seed(subject, &generator, seed);
            let finding = outcome.finding();
            finding.is_some_and(|finding| (finding.anomaly, finding.window) == (*anomaly, *window))
        };
        let missed = || format!("{}: not {} in {SEEDS} seeds", subject.name, subject.expected);
        (0..SEEDS).any(found).then_some(()).ok_or_else(missed)
    });
}

/// These mistakes are made on every day, and so are seen without any fault. The others need one.
const EVERY_DAY: [&str; 4] =
    ["commits-at-barrier", "notifies-before-storing", "commits-only-the-notified", "flushes-on-close"];

/// So are these, but what is seen first, and so the window, varies.
const EVERY_DAY_ANYWHERE: [&str; 5] = [
    "completes-with-one-missing",
    "forgets-savepoints",
    "asserts-something-pends",
    "ends-with-a-footer",
    "flushes-backwards",
];

/// And of this the other job decides when, and so how, it is seen.
const EVERY_DAY_SOMEHOW: &str = "shares-names-with-a-copy";

#[test]
fn without_faults_only_those_are_found_that_do_wrong_every_day() {
    let mut inside_the_safe_rule = broken();
    inside_the_safe_rule.retain(|(subject, ..)| subject.safety == Safety::Safe); // a short timeout is a fault
    check_all(&inside_the_safe_rule, |(subject, anomaly, window)| {
        let generator = Generator { calm: true, ..generator_for(subject) };
        let outcomes = (0..CALM_SEEDS).map(|seed| play_seed(subject, &generator, seed));
        let found: BTreeSet<_> = outcomes
            .filter_map(|outcome| outcome.finding().map(|finding| (finding.anomaly, finding.window)))
            .collect();
        let name = &*subject.name;
        let stated = (*anomaly, *window);
        let as_expected = if name == EVERY_DAY_SOMEHOW {
            found.contains(&stated)
        } else if EVERY_DAY_ANYWHERE.contains(&name) {
            !found.is_empty() && found.iter().all(|(found, _)| found == anomaly)
        } else {
            found == BTreeSet::from_iter(EVERY_DAY.contains(&name).then_some(stated))
        };
        match as_expected {
            true => Ok(()),
            false => Err(format!("{}: {found:?} without faults", subject.name)),
        }
    });
}

#[test]
fn no_correct_subject_is_blamed() {
    let mut correct = subjects::all();
    correct.retain(|subject| subject.expected == Expected::Correct);
    assert_held_inside_the_safe_rule(&correct);
}

#[test]
fn what_goes_wrong_outside_the_safe_rule_only_is_not_blamed_inside() {
    let mut outside = subjects::all();
    outside.retain(|subject| subject.safety == Safety::Unsafe);
    assert!(!outside.is_empty());
    assert_held_inside_the_safe_rule(&outside);
}

fn assert_held_inside_the_safe_rule(all: &[Subject]) {
    check_all(all, |subject| {
        let generator = Generator { safety: Safety::Safe, ..generator_for(subject) };
        for seed in 0..CORRECT_SEEDS {
            match play_seed(subject, &generator, seed).verdict {
                Verdict::Held | Verdict::Vacuous => {}
                verdict => return Err(format!("{} seed {seed}: {verdict:?}", subject.name)),
            }
        }
        Ok(())
    });
}

/// All of the input can have arrived by then: what waits is the next reader.
#[test]
fn a_transaction_that_nobody_will_end_is_found_though_nothing_follows_it() {
    let subject = subjects::named("leaders-ask-nobody").expect("it is there");
    let generator = generator_for(&subject);
    let hangs = |seed| {
        let outcome = play_seed(&subject, &generator, seed);
        outcome.finding().is_some_and(|finding| matches!(finding.concerned, Some(Concerned::ReadersOf(_))))
    };
    assert!((0..2 * SEEDS).any(hangs));
}

/// The entries of the catalogue of known bugs that must be found.
const ENTRIES: [&str; 14] = [
    "S-01", "S-02", "S-03", "S-04", "S-05", "S-09", "S-15", "T-01", "T-04", "K-01", "K-02", "B-01", "B-03",
    "B-05",
];

#[test]
fn every_entry_that_must_be_found_has_a_subject_that_makes_its_mistake() {
    let broken = broken();
    for entry in ENTRIES {
        let made = |(subject, ..): &(Subject, _, _)| subject.seen_in.starts_with(&format!("{entry}: "));
        assert!(broken.iter().any(made), "{entry}");
    }
}

#[test]
fn the_mistakes_are_spread_over_all_parts_of_a_job() {
    let broken = broken();
    for part in [Part::Sink, Part::Client, Part::Coordinator, Part::Broker] {
        let wrong_in_it = broken.iter().filter(|(subject, ..)| subject.part == part).count();
        assert!(wrong_in_it >= 4, "{wrong_in_it} in the {part}");
    }
    assert!(broken.iter().all(|(subject, ..)| subject.part != Part::Job), "each is wrong in one part");
}

/// The table is written by an example, which nothing else runs.
#[test]
fn the_table_in_the_docs_has_all_of_them_and_each_is_found_soon_enough() {
    let table = include_str!("../docs/subjects.md");
    for (subject, ..) in broken() {
        let name = format!("| `{}`", subject.name);
        let row = table.lines().find(|row| row.starts_with(&name)).expect(&name);
        let worst = row.split('|').nth(5).expect("there is a column of the worst starts").trim();
        assert!(worst.parse().is_ok_and(|worst: u64| worst <= SEEDS), "{row}");
        assert!(row.contains(&subject.about) && row.contains(&subject.seen_in), "{row}");
    }
}

#[test]
fn every_window_that_code_can_get_wrong_has_a_subject_that_does() {
    let covered: BTreeSet<_> = broken().into_iter().map(|(.., window)| window).collect();
    for window in [Window::W1, Window::W2, Window::W3, Window::W4, Window::W5, Window::W7] {
        assert!(covered.contains(&Some(window)), "{window}");
    }
}

#[test]
fn every_anomaly_has_a_subject_that_raises_it() {
    let raised: BTreeSet<_> = broken().into_iter().map(|(_, anomaly, _)| anomaly).collect();
    for anomaly in Anomaly::ALL {
        assert!(raised.contains(&anomaly), "{anomaly}");
    }
}

#[test]
fn subjects_have_names_of_their_own_and_a_sentence() {
    let all = subjects::all();
    let names: BTreeSet<_> = all.iter().map(|subject| &subject.name).collect();
    assert_eq!(names.len(), all.len());
    for subject in &all {
        assert!(!subject.about.is_empty(), "{}", subject.name);
        assert!(subjects::named(&subject.name).is_some());
    }
}
