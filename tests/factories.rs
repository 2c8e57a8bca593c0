//! What a stranger brings besides a sink: what makes the job, the broker, the input and the settings. It may panic or
//! never come back as well, and that is a verdict or a message too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use twophase::kafka::protocol::{LogOffset, Request, Response};
use twophase::{Partition, Payload, StandardJob, Timestamp};
use twophase_sim::log::{Aborted, Effect, Entry, Log, MarkerWrite, TransactionMetadata, TransactionalLog};
use twophase_sim::subjects::exactly_once;
use twophase_sim::{Anomaly, Input, Report, Simulation, Subject, Verdict};

fn job() -> Subject {
    Subject::job("job", |schedule| Box::new(StandardJob::new(schedule.settings.clone(), exactly_once)))
}

/// Every seed failed with a panic, told like this, and none was left out.
fn assert_all_panicked(report: &Report, seeds: u64, parts: &[&str]) {
    let panicked = report.assert_finds(Anomaly::Panicked);
    assert_eq!((panicked.count, report.summary().seeds), (seeds, seeds));
    for part in parts {
        assert!(panicked.finding.detail.contains(part), "{part}: {}", panicked.finding.detail);
    }
    assert_eq!(report.summary().unequal, None, "it panics the same each time");
}

#[test]
fn a_panic_of_what_makes_the_job_is_a_verdict() {
    let report = Simulation::of(Subject::job("no-job", |_| panic!("no job today"))).seeds(0..40).run();
    assert_all_panicked(
        &report,
        40,
        &["what makes the job under test panicked: no job today", "at tests/factories.rs:"],
    );
}

#[test]
fn a_panic_of_what_makes_the_broker_is_a_verdict() {
    let report = Simulation::of(job().with_log(|_| panic!("no broker today"))).seeds(0..40).run();
    assert_all_panicked(&report, 40, &["what makes the broker under test panicked: no broker today"]);
}

#[test]
fn a_panic_of_what_makes_a_sink_is_a_verdict_about_its_process() {
    let no_sink = |env| {
        assert!(std::hint::black_box(false), "no sink today");
        exactly_once(env)
    };
    let report = Simulation::new(no_sink).seeds(0..5).run();
    assert_all_panicked(&report, 5, &["sink-", "panicked: no sink today"]);
}

#[test]
fn what_makes_the_job_may_loop_for_ever_and_the_sweep_ends() {
    static ENOUGH: AtomicBool = AtomicBool::new(false);
    let never_there = Subject::job("never-there", |schedule| {
        while !ENOUGH.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        Box::new(StandardJob::new(schedule.settings.clone(), exactly_once))
    });
    let report =
        Simulation::of(never_there).seeds(0..20).jobs(1).hang_timeout(Duration::from_millis(100)).run();
    ENOUGH.store(true, Ordering::Relaxed);
    let detail = &report.assert_finds(Anomaly::Hung).finding.detail;
    assert!(detail.contains("what makes the job") && detail.contains("0.1 s"), "{detail}");
}

/// The correct broker, until it has been asked this often.
struct Breaks {
    correct: TransactionalLog,
    after: u64,
}

impl Log for Breaks {
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        self.after = self.after.checked_sub(1).expect("the disk is full");
        self.correct.apply(now, request, effects)
    }
    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), twophase::kafka::protocol::ErrorCode> {
        self.correct.write_marker(now, write, effects)
    }
    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.correct.sweep(now, effects);
    }
    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.correct.reload(now, effects);
    }
    fn restart(&mut self, partition: Partition) {
        self.correct.restart(partition);
    }
    fn partitions(&self) -> u32 {
        self.correct.partitions()
    }
    fn log_end_offset(&self, partition: Partition) -> LogOffset {
        self.correct.log_end_offset(partition)
    }
    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        self.correct.last_stable_offset(partition)
    }
    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        self.correct.entries(partition, from)
    }
    fn aborted(&self, partition: Partition) -> &[Aborted] {
        self.correct.aborted(partition)
    }
    fn transactions(&self) -> &[TransactionMetadata] {
        self.correct.transactions()
    }

    fn changes(&self) -> u64 {
        self.correct.changes()
    }
}

#[test]
fn a_panic_of_the_broker_itself_is_a_verdict_after_a_history_that_can_be_shown() {
    let breaks =
        job().with_log(|settings| Box::new(Breaks { correct: TransactionalLog::new(settings), after: 3 }));
    let report = Simulation::of(breaks.clone()).seeds(0..40).run();
    let broke =
        ["the broker under test, or the stage itself, panicked: the disk is full", "at tests/factories.rs:"];
    assert_all_panicked(&report, 40, &broke);
    let schedule = twophase_sim::Generator::default().schedule(twophase_sim::Seed(1)).expect("it is drawn");
    let keep = twophase_sim::Keep { history: true, ..Default::default() };
    let outcome = twophase_sim::play(&breaks, &Arc::new(schedule), keep);
    assert!(matches!(outcome.verdict, Verdict::Failed(_)));
    assert!(outcome.history.is_some_and(|history| history.len() > 10), "what came before it is kept");
}

/// What the run of a test says when it cannot be played at all.
fn refuses(test: Simulation) -> String {
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test.run())).expect_err("it cannot run");
    *panic.downcast::<String>().expect("it says why")
}

struct TornTape;

impl Input for TornTape {
    fn window(&self, _place: u64, _count: usize) -> std::io::Result<Vec<Payload>> {
        panic!("the tape is torn")
    }
}

#[test]
fn a_panic_of_the_input_or_of_what_adjusts_the_settings_is_one_line_with_the_seed() {
    let input = Simulation::new(exactly_once).input(TornTape).seeds(7..9).jobs(1);
    let adjust = Simulation::new(exactly_once).adjust(|_| panic!("no such setting")).seeds(7..9).jobs(1);
    for (test, said) in [
        (input, "seed 7: the input panicked: the tape is torn at tests/factories.rs:"),
        (adjust, "seed 7: what adjusts the settings panicked: no such setting at tests/factories.rs:"),
    ] {
        let line = refuses(test);
        assert!(line.contains(said) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn one_bad_seed_among_many_does_not_spoil_the_others() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let sometimes = Subject::job("sometimes", |schedule| {
        assert!(schedule.timing.seed.0 != 5, "not this one");
        MADE.fetch_add(1, Ordering::Relaxed);
        Box::new(StandardJob::new(schedule.settings.clone(), exactly_once))
    });
    let report = Simulation::of(sometimes).seeds(0..60).jobs(3).run();
    let panicked = report.assert_finds(Anomaly::Panicked);
    assert_eq!((panicked.seed.0, panicked.count, report.summary().failed), (5, 1, 1));
    assert_eq!(report.summary().seeds, 60);
}
