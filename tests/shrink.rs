//! A schedule that fails becomes the smallest that still fails in the same way, and never another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use twophase::{Env, StandardJob};
use twophase_sim::{
    Anomaly, Expected, Finding, Generator, Keep, Safety, Schedule, Seed, Shrink, Shrunk, StoppedBy, Subject,
    Threads, Window, is_safe, play, subjects,
};

/// The tests are bounded in work, so that they come to the same on every machine.
const NO_BUDGET: Duration = Duration::from_secs(3_600);

fn named(name: &str) -> Subject {
    subjects::named(name).expect("it comes with the framework")
}

/// The first schedule that shows this, and what it shows.
fn find(
    subject: &Subject,
    generator: &Generator,
    expected: (Anomaly, Option<Window>),
) -> (Arc<Schedule>, Finding) {
    let found = (0..10_000).find_map(|seed| {
        let schedule = generator.schedule(Seed(seed)).expect("made-up records can always be read");
        let schedule = Arc::new(schedule);
        let finding = play(subject, &schedule, Keep::default()).finding().cloned()?;
        ((finding.anomaly, finding.window) == expected).then_some((schedule, finding))
    });
    found.expect("it is found")
}

fn found_for(subject: &Subject) -> (Arc<Schedule>, Finding) {
    match subject.expected {
        Expected::Broken(anomaly, window) => find(subject, &subject.generator(), (anomaly, window)),
        Expected::Correct => panic!("{} is not broken", subject.name),
    }
}

fn shrinking(subject: &Subject, tries: u64) -> Shrink<'_> {
    Shrink { budget: NO_BUDGET, tries, threads: Threads::Shared, ..Shrink::new(subject) }
}

fn run(shrink: &Shrink<'_>, (schedule, finding): &(Arc<Schedule>, Finding)) -> Option<Shrunk> {
    let shrunk = shrink.run(schedule, finding, &AtomicBool::new(false), &|_| {});
    shrunk.expect("threads can be started")
}

fn what(finding: &Finding) -> (Anomaly, Option<Window>) {
    (finding.anomaly, finding.window)
}

/// Those that are stuck play tens of thousands of events each time, and some take many seeds to be found. The table in
/// `docs/shrunk.md` has them too.
const SLOW: [&str; 8] = [
    "aborts-on-close",
    "discards-when-aborted",
    "drops-markers-on-failover",
    "forgets-failed-commits",
    "overwrites-the-head",
    "shares-names-with-a-copy",
    "shares-names-with-zombies",
    "takes-committed-for-failure",
];

#[test]
fn the_smallest_schedule_of_a_mistake_has_at_most_four_faults_and_shows_the_same() {
    let mut faults = Vec::new();
    for subject in subjects::all() {
        if subject.expected == Expected::Correct || SLOW.contains(&&*subject.name) {
            continue;
        }
        let found = found_for(&subject);
        let shrunk = run(&shrinking(&subject, 60), &found).expect("it fails again");
        let again = play(&subject, &shrunk.schedule, Keep::default());
        assert_eq!(again.finding().map(what), Some(what(&found.1)), "{}", subject.name);
        assert!(is_safe(&shrunk.schedule) || !is_safe(&found.0), "{} left the safe rule", subject.name);
        assert!(shrunk.schedule.faults.len() <= 4, "{}: {:?}", subject.name, shrunk.schedule.faults);
        assert!(shrunk.schedule.records() <= found.0.records());
        faults.push(shrunk.schedule.faults.len());
    }
    faults.sort_unstable();
    assert!(faults[faults.len() / 2] <= 2, "{faults:?}");
}

#[test]
fn a_mistake_that_needs_one_crash_and_one_record_is_shown_with_one_of_each() {
    let subject = named("fences-before-committing");
    let found = found_for(&subject);
    let shrunk = run(&shrinking(&subject, u64::MAX), &found).expect("it fails again");
    assert_eq!(shrunk.stopped_by, StoppedBy::Nothing);
    let faults: Vec<_> = shrunk.schedule.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["crash sink-0 before its 1st commit request, restart it at once"]);
    let twophase::Settings { parallelism, splits, partitions, .. } = shrunk.schedule.settings;
    let shape = twophase::Settings { parallelism, splits, partitions, ..twophase::Settings::default() };
    assert_eq!((shrunk.schedule.records(), parallelism, splits, partitions), (1, 1, 1, 1));
    assert_eq!(shrunk.schedule.settings, shape, "the settings are the default ones");
}

/// What is not in the way of a person is not in the schedule: a second time nothing more is found.
#[test]
fn what_was_shrunk_stays_as_it_is() {
    let subject = named("takes-silence-for-failure");
    let found = found_for(&subject);
    let once = run(&shrinking(&subject, u64::MAX), &found).expect("it fails again");
    let finding = once.outcome.finding().expect("what was shrunk fails").clone();
    let twice =
        run(&shrinking(&subject, u64::MAX), &(once.schedule.clone(), finding)).expect("it fails again");
    assert_eq!(once.schedule, twice.schedule);
}

#[test]
fn what_comes_of_it_does_not_depend_on_the_number_of_cores() {
    let subject = named("new-sequence-on-retry");
    let found = found_for(&subject);
    let on = |jobs| {
        let shrink = Shrink { jobs, ..shrinking(&subject, 120) };
        let shrunk = run(&shrink, &found).expect("it fails again");
        (shrunk.schedule, shrunk.tried, shrunk.stopped_by)
    };
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(7));
}

#[test]
fn a_loss_to_a_transaction_timeout_keeps_the_setting_that_allowed_it() {
    let subject = named("kafka");
    let generator = Generator { safety: Safety::Unsafe, ..Generator::default() };
    let found = find(&subject, &generator, (Anomaly::Lost, Some(Window::W8)));
    let shrunk = run(&shrinking(&subject, 100), &found).expect("it fails again");
    assert_eq!(shrunk.outcome.finding().map(what), Some((Anomaly::Lost, Some(Window::W8))));
    assert!(!is_safe(&shrunk.schedule));
    assert!(shrunk.schedule.faults.len() <= 2, "{:?}", shrunk.schedule.faults);
}

#[test]
fn it_ends_when_its_bounds_are_reached_and_keeps_the_best_so_far() {
    let subject = named("new-sequence-on-retry");
    let found = found_for(&subject);
    let few = run(&shrinking(&subject, 5), &found).expect("it fails again");
    assert_eq!((few.tried, few.stopped_by), (5, StoppedBy::Tries));

    let no_time = Shrink { budget: Duration::ZERO, ..shrinking(&subject, u64::MAX) };
    let no_time = run(&no_time, &found).expect("it fails again");
    assert_eq!((&no_time.schedule, no_time.stopped_by), (&found.0, StoppedBy::Budget));
}

#[test]
fn an_interrupt_keeps_the_best_so_far() {
    let subject = named("new-sequence-on-retry");
    let found = found_for(&subject);
    let stop = AtomicBool::new(false);
    // Somebody loses patience as soon as it has become smaller.
    let look = |so_far: twophase_sim::Shrinking<'_>| {
        let smaller = so_far.best.faults.len() < found.0.faults.len();
        stop.fetch_or(smaller, Ordering::Relaxed);
    };
    let shrunk = shrinking(&subject, u64::MAX).run(&found.0, &found.1, &stop, &look);
    let shrunk = shrunk.expect("threads can be started").expect("it fails again");
    assert_eq!(shrunk.stopped_by, StoppedBy::Interrupt);
    assert!(shrunk.schedule.faults.len() < found.0.faults.len());
    assert_eq!(shrunk.outcome.finding().map(what), Some(what(&found.1)));
}

#[test]
fn a_schedule_that_does_not_fail_is_not_shrunk() {
    let (broken, correct) = (named("fences-before-committing"), named("kafka"));
    assert!(run(&shrinking(&correct, u64::MAX), &found_for(&broken)).is_none());
}

/// A job that fails the first few times it is played, and never again.
#[test]
fn what_does_not_fail_when_it_is_played_once_more_is_not_handed_out() {
    static PLAYS: AtomicU32 = AtomicU32::new(0);
    let generator = Generator::default();
    let schedule = Arc::new(generator.schedule(Seed(7)).expect("made-up records can always be read"));
    let fickle = Subject::job("fickle", |schedule| {
        let fails = PLAYS.fetch_add(1, Ordering::Relaxed) < 4;
        Box::new(StandardJob::new(schedule.settings.clone(), move |env| {
            assert!(!fails, "it is one of the first");
            subjects::exactly_once(env)
        }))
    });
    let outcome = play(&fickle, &schedule, Keep::default());
    let panics = (schedule, outcome.finding().expect("it panics").clone());
    let shrunk = run(&Shrink { jobs: 1, ..shrinking(&fickle, u64::MAX) }, &panics);
    assert!(PLAYS.load(Ordering::Relaxed) > 4, "some were smaller, and failed");
    assert!(shrunk.is_none(), "by now it holds: {shrunk:?}");
}

/// One that never comes back from a poll ends shrinking, and is not what comes of it.
#[test]
fn a_candidate_that_never_comes_back_ends_it_with_the_best_so_far() {
    let broken = named("flushes-backwards");
    let found = found_for(&broken);
    assert!(found.0.settings.parallelism > 1, "this seed has more than one sink");
    static OVER: AtomicBool = AtomicBool::new(false);
    let hangs = Subject::sink("hangs", move |env| {
        let alone = env.schedule().settings.parallelism == 1 && env.schedule().records() < 3;
        while alone && !OVER.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        assert!(env.me().incarnation.0 > 9, "it fails at once");
        subjects::exactly_once(env)
    });
    let outcome = play(&hangs, &found.0, Keep::default());
    let panics = (found.0, outcome.finding().expect("it panics").clone());
    let shrink = Shrink { hang_timeout: Duration::from_millis(300), ..shrinking(&hangs, u64::MAX) };
    let shrunk = run(&shrink, &panics);
    OVER.store(true, Ordering::Relaxed); // the thread that was left behind ends with the test
    let shrunk = shrunk.expect("it fails again");
    assert_eq!(shrunk.stopped_by, StoppedBy::Hang);
    assert_eq!(shrunk.outcome.finding().map(|finding| finding.anomaly), Some(Anomaly::Panicked));
}

#[test]
fn code_that_never_comes_back_at_all_is_not_shrunk() {
    static OVER: AtomicBool = AtomicBool::new(false);
    let generator = Generator::default();
    let schedule = Arc::new(generator.schedule(Seed(7)).expect("made-up records can always be read"));
    let hangs = Subject::sink("hangs", |env| {
        while !OVER.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        subjects::exactly_once(env)
    });
    let finding = Finding {
        anomaly: Anomaly::Hung,
        window: None,
        at: 0,
        record: None,
        records: 0,
        transaction: None,
        concerned: None,
        detail: String::new(),
    };
    let shrink = Shrink { hang_timeout: Duration::from_millis(300), ..shrinking(&hangs, u64::MAX) };
    let shrunk = run(&shrink, &(schedule.clone(), finding));
    OVER.store(true, Ordering::Relaxed);
    let shrunk = shrunk.expect("it hangs again");
    assert_eq!((shrunk.schedule, shrunk.tried, shrunk.stopped_by), (schedule, 0, StoppedBy::Hang));
}
