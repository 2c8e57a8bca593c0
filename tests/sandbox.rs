//! Inside a history the standard clock is the world's, and threads are refused; without the sandbox nothing but
//! that differs.
#![cfg(madsim)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use twophase::{CheckpointId, Clock, Env, Failure, Record, Sink, Timestamp};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{
    Anomaly, Generator, Keep, Outcome, SANDBOXED, Seed, SimClock, SimEnv, Subject, Verdict, play,
};

/// The correct sink, which does something else besides with each record.
struct Meddling<F> {
    correct: ExactlyOnce,
    clock: SimClock,
    meddle: F,
}

impl<F: FnMut(Timestamp) + Send + 'static> Sink for Meddling<F> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.correct.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        (self.meddle)(self.clock.now());
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

fn played<F>(meddle: impl Fn() -> F + Clone + Send + Sync + 'static) -> Outcome
where
    F: FnMut(Timestamp) + Send + 'static,
{
    let subject = Subject::sink("meddling", move |env: SimEnv| Meddling {
        clock: env.clock().clone(),
        correct: exactly_once(env),
        meddle: meddle(),
    });
    let calm = Generator { calm: true, ..Generator::default() };
    let schedule = calm.schedule(Seed(3)).expect("made-up records can always be read");
    play(&subject, &Arc::new(schedule), Keep::default())
}

#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is what a stranger's code may do"
)]
fn the_standard_clock_goes_with_the_world() {
    let compared = Arc::new(AtomicU64::new(0));
    let counter = compared.clone();
    let outcome = played(move || {
        let counter = counter.clone();
        let mut first = None;
        move |now: Timestamp| {
            let (began, at) = *first.get_or_insert((std::time::Instant::now(), now));
            let drift = began.elapsed().abs_diff(now.since(at));
            assert!(drift < Duration::from_micros(10), "the clocks have parted by {drift:?}");
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(outcome.verdict, Verdict::Vacuous);
    assert!(compared.load(Ordering::Relaxed) > 5 && SANDBOXED);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this is what a stranger's code may do")]
fn a_thread_of_its_own_is_refused() {
    let outcome = played(|| {
        |_| {
            std::thread::spawn(|| ());
        }
    });
    let finding = outcome.finding().expect("it cannot be played");
    assert_eq!(finding.anomaly, Anomaly::Panicked);
}
