//! The code under test may do anything: each thing that it must not do ends in a verdict that says what it was, and
//! a sweep that shows nothing fails.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use twophase::{CheckpointId, Clock, Env, Failure, Record, Sink};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{Anomaly, Report, SimEnv, Simulation};

/// The correct sink, which does something else besides with each record, and then sleeps for as long as that says.
struct Meddling<F> {
    correct: ExactlyOnce,
    env: SimEnv,
    meddle: F,
}

impl<F: FnMut(&SimEnv) -> Duration + Send + 'static> Sink for Meddling<F> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.correct.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        let pause = (self.meddle)(&self.env);
        if !pause.is_zero() {
            self.env.clock().sleep(pause).await;
        }
        self.correct.write(record).await
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.correct.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.correct.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.correct.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.correct.close().await
    }
}

/// A test of the correct sink that does this besides with each record.
fn meddling<F>(meddle: F) -> Simulation
where
    F: Fn(&SimEnv) -> Duration + Clone + Send + Sync + 'static,
{
    Simulation::new(move |env: SimEnv| Meddling {
        correct: exactly_once(env.clone()),
        env,
        meddle: meddle.clone(),
    })
}

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

#[test]
fn a_loop_inside_one_poll_is_hung_and_ends_the_run_with_its_seed_and_process() {
    static ENOUGH: AtomicBool = AtomicBool::new(false);
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let report = meddling(|_| {
        let loops = WRITTEN.fetch_add(1, Ordering::Relaxed) > 2_000;
        while loops && !ENOUGH.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        Duration::ZERO
    })
    .seeds(0..100_000)
    .jobs(2)
    .hang_timeout(Duration::from_millis(300))
    .run();
    ENOUGH.store(true, Ordering::Relaxed);
    let hung = report.assert_finds(Anomaly::Hung);
    assert!(hung.finding.detail.starts_with("one poll of sink-"), "{}", hung.finding.detail);
    assert_eq!(report.summary().hung, Some(hung.seed));
    assert!((1..100_000).contains(&report.summary().held), "what was played before counts");
    let replay = format!("TWOPHASE_SEED={}", hung.seed);
    says(&report, &["FAIL  hung", "did not come back within 0.3 s", "ended early", &replay]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this is what a stranger's code may do")]
fn a_thread_that_sleeps_inside_a_poll_is_hung() {
    let report = meddling(|_| {
        std::thread::sleep(Duration::from_secs(3_600));
        Duration::ZERO
    })
    .seeds(0..20)
    .jobs(1)
    .hang_timeout(Duration::from_millis(100))
    .run();
    let hung = report.assert_finds(Anomaly::Hung);
    assert_eq!(hung.seed.0, 0);
    assert!(hung.finding.detail.contains("env.clock().sleep"), "{}", hung.finding.detail);
}

#[test]
fn a_loop_over_polls_is_hung_without_any_clock_and_the_sweep_goes_on() {
    let never_waits = |env: SimEnv| {
        env.spawn(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        exactly_once(env)
    };
    let report = Simulation::new(never_waits).seeds(0..3).hang_timeout(Duration::from_secs(600)).run();
    let hung = report.assert_finds(Anomaly::Hung);
    assert_eq!((hung.seed.0, hung.count, report.summary().seeds), (0, 3, 3));
    let detail = &hung.finding.detail;
    assert!(detail.contains("polled for ever and never waits"), "{detail}");
    assert!(detail.starts_with("sink-"), "it is not the coordinator that spins: {detail}");
}

#[test]
fn a_panic_names_the_process_the_line_and_what_was_asked_for_last() {
    let report = meddling(|_| panic!("out of orders")).seeds(0..5).run();
    let detail = &report.assert_finds(Anomaly::Panicked).finding.detail;
    for part in [
        "sink-",
        "panicked: out of orders",
        "\nat tests/not_fooled.rs:",
        "\nthe last thing it asked for was sink-",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert_eq!(report.summary().seeds, 5);
}

#[test]
#[cfg(madsim)] // without the sandbox the thread would start
#[expect(clippy::disallowed_methods, reason = "this is what a stranger's code may do")]
fn a_thread_of_ones_own_is_refused_with_a_hint() {
    let report = meddling(|_| {
        std::thread::spawn(|| ());
        Duration::ZERO
    })
    .seeds(0..2)
    .run();
    report.assert_finds(Anomaly::Panicked);
    says(&report, &["hint: a history has no threads: use env.spawn in place of std::thread::spawn"]);
}

#[test]
fn a_task_or_a_timer_of_tokio_is_refused_with_a_hint() {
    let spawns = meddling(|_| {
        drop(tokio::spawn(async {}));
        Duration::ZERO
    });
    let sleeps = meddling(|_| {
        drop(tokio::time::sleep(Duration::from_millis(1)));
        Duration::ZERO
    });
    for test in [spawns, sleeps] {
        let report = test.seeds(0..2).run();
        report.assert_finds(Anomaly::Panicked);
        says(&report, &["no reactor running", "hint: a history has no tokio runtime: use env.spawn"]);
    }
}

/// Does everything it can when it is dropped.
struct LastWords(SimEnv);

impl Drop for LastWords {
    fn drop(&mut self) {
        let (env, again) = (&self.0, self.0.clone());
        env.note(twophase::Fact::Finished);
        env.spawn(async move { again.note(twophase::Fact::Finished) });
        let mut sleep = Box::pin(env.clock().sleep(Duration::ZERO));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = std::future::Future::poll(sleep.as_mut(), &mut context);
    }
}

#[test]
fn what_is_done_in_drop_while_being_killed_does_nothing() {
    /// Beside the sink, a task that never ends: this is dropped when the process is killed, and not before.
    fn beside<T: Send + 'static>(env: &SimEnv, dropped: T) {
        env.spawn(async move {
            let _dropped = dropped;
            std::future::pending().await
        });
    }

    let silent = |env: SimEnv| {
        beside(&env, ());
        exactly_once(env)
    };
    let talks = |env: SimEnv| {
        beside(&env, LastWords(env.clone()));
        exactly_once(env)
    };
    let silent = Simulation::new(silent).seeds(0..100).run();
    let report = Simulation::new(talks).seeds(0..100).run();
    report.assert_exactly_once();
    assert_eq!(report.summary().events, silent.summary().events);
}

#[test]
fn a_panic_in_drop_while_being_killed_is_found_and_the_sweep_goes_on() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("killed before its time");
        }
    }
    let bombs = |env: SimEnv| {
        for _ in 0..2 {
            let bomb = Bomb;
            env.spawn(async move {
                let _bomb = bomb;
                std::future::pending().await
            });
        }
        exactly_once(env)
    };
    let report = Simulation::new(bombs).seeds(0..50).run();
    let found = report.assert_finds(Anomaly::Panicked);
    assert!(found.finding.detail.contains("killed before its time"), "{}", found.finding.detail);
    assert_eq!(report.summary().seeds, 50);
}

#[test]
fn state_in_a_static_is_not_deterministic_and_the_first_event_that_differs_is_named() {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let report =
        meddling(|_| Duration::from_micros(WRITTEN.fetch_add(1, Ordering::Relaxed))).seeds(0..2).run();
    says(&report, &["FAIL  not deterministic  seed 0", "first at step", "\n  first   ", "\n  second  "]);
}

#[test]
fn a_static_that_is_set_only_once_is_found_by_the_second_play_of_a_single_seed() {
    static CACHED: OnceLock<()> = OnceLock::new();
    let report = meddling(|_| {
        let cached = CACHED.get().is_some();
        CACHED.get_or_init(|| ());
        if cached { Duration::ZERO } else { Duration::from_micros(77) }
    })
    .seeds(0..1)
    .run();
    assert_eq!(report.summary().replayed, 1);
    let step = report.summary().unequal.expect("both plays of the seed differ").step;
    assert!(step > 1, "the beginning was the same");
    says(
        &report,
        &["FAIL  not deterministic  seed 0", &format!("first at step {step}"), "look for a static"],
    );
}

#[test]
#[cfg(madsim)] // without the sandbox the standard library draws other keys for each play
#[expect(clippy::disallowed_types, reason = "this is what a stranger's code may do")]
fn the_order_of_a_standard_hash_map_is_the_same_each_time_a_seed_is_played() {
    let report = meddling(|_| {
        let map: std::collections::HashMap<u64, ()> = (0..64).map(|key| (key, ())).collect();
        Duration::from_micros(map.keys().next().copied().unwrap_or_default())
    })
    .seeds(0..101)
    .run();
    report.assert_exactly_once();
    assert_eq!(report.summary().replayed, 2);
}

#[test]
fn a_sweep_in_which_nothing_dangerous_happened_says_what_it_has_missed() {
    let one = |seed: u64| Simulation::new(exactly_once).seeds(seed..seed + 1).run();
    let report =
        (0..200).map(one).find(|report| report.summary().is_vacuous()).expect("one in a few is vacuous");
    says(
        &report,
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
fn a_long_sweep_kills_processes_at_every_call_that_a_job_must_survive() {
    let report = Simulation::new(exactly_once).seeds(0..1_000).run();
    let never: BTreeMap<_, _> = report.summary().crashed_at.never().into_iter().collect();
    for call in ["put", "produce", "end_txn.commit", "send"] {
        assert_eq!(never.get(call), None, "{call}");
    }
}
