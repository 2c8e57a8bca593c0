//! Two plays that differ: the first event that does is named, and it is the right one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use twophase::{BoxError, BoxFuture, Env, Fact, Job, StandardJob};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{
    Generator, HANG_TIMEOUT, Keep, Report, Seed, SimEnv, Simulation, Subject, play, play_twice,
};

/// The correct job. The second life of each process says how many histories were begun before this one: what a
/// static tells it, that no crash has cleared.
struct Remembers {
    correct: StandardJob<fn(SimEnv) -> ExactlyOnce>,
    before: u64,
}

impl Job<SimEnv> for Remembers {
    fn start(&self, env: SimEnv) -> BoxFuture<Result<(), BoxError>> {
        if env.me().life.0 == 2 {
            env.note(Fact::GaveUp(format!("after {}", self.before)));
        }
        self.correct.start(env)
    }
}

/// What the static tells a new history.
fn remembers(before: impl Fn() -> u64 + Send + Sync + 'static) -> Subject {
    Subject::job("remembers", move |schedule| {
        let correct = StandardJob::new(schedule.settings.clone(), exactly_once as fn(SimEnv) -> ExactlyOnce);
        Box::new(Remembers { correct, before: before() })
    })
}

/// A seed in which some process has a second life.
const SEED: u64 = 1;

/// In which event that is said, and how it prints, without the number of the step and the time.
fn the_event() -> (usize, String) {
    let schedule = Generator::default().schedule(Seed(SEED)).expect("made-up records can always be read");
    let keep = Keep { history: true, ..Keep::default() };
    let history = play(&remembers(|| 0), &Arc::new(schedule), keep).history.expect("it was kept");
    let lines = (0..history.len()).filter_map(|index| history.line(index).map(|line| (index + 1, line)));
    let (step, line) = { lines }.find(|(_, line)| line.ends_with("gives up: after 0")).expect("it is said");
    (step, line.strip_suffix("0").expect("it ends so").to_owned())
}

#[test]
fn two_plays_name_the_event_with_what_each_of_them_said() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    let subject = remembers(|| BEGUN.fetch_add(1, Ordering::Relaxed));
    let schedule = Generator::default().schedule(Seed(SEED)).expect("made-up records can always be read");
    let twice = play_twice(&subject, &Arc::new(schedule), Keep::default(), HANG_TIMEOUT);
    let (outcome, difference) = twice.expect("threads can be started");
    let (difference, (step, line)) = (difference.expect("they differ"), the_event());
    assert_eq!(difference.step, step);
    assert_eq!(difference.first, Some(format!("{line}0")));
    assert_eq!(difference.second, Some(format!("{line}1")));
    assert!(outcome.history.is_none() && outcome.digests.is_none(), "neither was asked for");
}

fn said(report: &Report) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| report.assert_exactly_once())).expect_err("it fails");
    *panic.downcast::<String>().expect("it says why")
}

#[track_caller]
fn assert_says(report: &Report, parts: &[String]) {
    let said = said(report);
    for part in parts {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

#[test]
fn a_sweep_names_the_event_by_which_the_seed_it_played_again_differed() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    let subject = remembers(|| BEGUN.fetch_add(1, Ordering::Relaxed));
    let report = Simulation::of(subject).seeds(SEED..SEED + 3).jobs(1).run();
    let (step, line) = the_event();
    let unequal = report.summary().unequal.expect("the first seed is played twice");
    assert_eq!((unequal.seed, unequal.step), (Seed(SEED), step));
    assert_says(
        &report,
        &[format!("first at step {step}:"), format!("  first   {line}"), format!("  second  {line}")],
    );
}

#[test]
fn a_static_that_stays_as_the_first_play_has_set_it_is_named_by_the_event_of_later_plays() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    let subject = remembers(|| BEGUN.fetch_add(1, Ordering::Relaxed).min(1));
    let report = Simulation::of(subject).seeds(SEED..SEED + 1).run();
    let (step, line) = the_event();
    assert_says(
        &report,
        &[format!("first at step {step}; two more plays agreed"), format!("  later   {line}1")],
    );
}

#[test]
fn one_seed_in_a_hundred_is_played_again_wherever_in_the_sweep_it_is() {
    // Nobody speaks before the 250th history: the first seed's two plays are alike, and so are the second hundred's.
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    let subject = remembers(|| BEGUN.fetch_add(1, Ordering::Relaxed).saturating_sub(250));
    let report = Simulation::of(subject).seeds(0..600).jobs(1).run();
    let unequal = report.summary().unequal.expect("two plays differ");
    assert!(unequal.seed.0 % 100 == 0 && unequal.seed.0 >= 300, "seed {}", unequal.seed);
    assert_eq!(report.summary().replayed, 6);
}
