//! The trace of a failing seed, and what the code under test says in it.

use std::process::Command;
use std::sync::Arc;

use tracing::subscriber::NoSubscriber;
use twophase::{CheckpointId, Clock, Env, Failure, Record, Sink};
use twophase_sim::fault::FaultKind;
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{Anomaly, Generator, Keep, Outcome, Seed, SimEnv, Simulation, Subject, play, subjects};

/// The correct sink, which talks, and says itself who it is.
struct Talks(ExactlyOnce, SimEnv);

impl Sink for Talks {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        tracing::info_span!("opening").in_scope(|| tracing::info!(snapshots = restored.len(), "restores"));
        self.0.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        let now = self.1.clock().now().0 % 1_000_000_000_000; // the clocks of the stage begin at a round number
        tracing::debug!(id = %record.id, me = %self.1.me(), now, "has a record");
        self.0.write(record).await
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.0.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.0.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.0.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.0.close().await
    }
}

fn played(keep: Keep) -> Outcome {
    let talks = Subject::sink("talks", |env: SimEnv| Talks(exactly_once(env.clone()), env));
    let mut schedule = Generator::default().schedule(Seed(2)).expect("made-up records can always be read");
    schedule.faults.retain(|fault| fault.kind() != FaultKind::ClockJump); // or its own clock is not the stage's
    play(&talks, &Arc::new(schedule), keep)
}

fn traced() -> String {
    let keep = Keep { history: true, ..Keep::default() };
    played(keep).history.expect("it was kept").to_string()
}

/// Microseconds of a line of the trace.
fn time(line: &str) -> u64 {
    let at = line.split_whitespace().find_map(|word| word.strip_suffix('s')?.parse::<f64>().ok());
    (at.expect("every line has its time") * 1e6).round() as u64
}

#[test]
fn what_the_code_says_stands_between_the_events_with_its_time_and_process() {
    let trace = traced();
    let lines: Vec<_> = trace.lines().skip(1).collect();
    let said: Vec<_> = lines.iter().filter(|line| line.contains("| DEBUG has a record id=s")).collect();
    assert!(said.len() > 5, "{trace}");
    for line in &said {
        let own = |field: &str| line.split(field).nth(1).and_then(|rest| rest.split_whitespace().next());
        let (me, now) = (own("me=").expect("it says who"), own("now=").expect("and when"));
        let who =
            line.split_whitespace().find(|word| word.starts_with("sink-") || word.starts_with("coord-"));
        assert_eq!(who, Some(me), "{line}");
        assert_eq!(time(line).to_string(), now, "{line}");
    }
    assert!(trace.contains("| INFO opening: restores snapshots=0"), "{trace}");
    assert!(lines.windows(2).all(|pair| time(pair[0]) <= time(pair[1])), "{trace}");
}

#[test]
fn what_the_library_says_stands_there_too() {
    assert!(traced().contains("| INFO committing completed="), "{}", traced());
}

#[test]
fn the_same_seed_says_the_same_and_who_listens_changes_nothing() {
    assert_eq!(traced(), traced());
    let keep = Keep { history: true, ..Keep::default() };
    assert_eq!(played(keep).digest, played(Keep::default()).digest);
}

#[test]
fn nothing_stays_installed() {
    traced();
    tracing::dispatcher::get_default(|now| assert!(now.is::<NoSubscriber>()));
    assert!(tracing::subscriber::set_global_default(NoSubscriber::new()).is_ok(), "the place is still free");
}

/// A test of a user that fails as it should.
#[test]
fn a_broken_sink_is_found() {
    let broken = Simulation::new(|env: SimEnv| {
        tracing::warn!(incarnation = env.me().incarnation.0, "made");
        assert!(env.me().incarnation.0 < 2, "nobody tried a second time");
        subjects::exactly_once(env)
    });
    broken.seeds(0..40).run().assert_finds(Anomaly::Panicked);
}

/// Runs the test above in another process, as a person would.
fn with_trace(value: &str) -> (bool, String) {
    let this = std::env::current_exe().expect("a test is a program");
    let output = Command::new(this)
        .args(["--exact", "a_broken_sink_is_found", "--nocapture"])
        .env("TWOPHASE_TRACE", value)
        .output()
        .expect("it starts");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

#[test]
fn the_environment_prints_the_trace_of_the_seed_that_fails() {
    let (passed, printed) = with_trace("1");
    assert!(passed, "{printed}");
    for part in [
        "of a_broken_sink_is_found",
        "step        time  who",
        "| WARN made incarnation=2",
        "panics: nobody tried a second time",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!with_trace("0").1.contains("step        time  who"));
}

#[test]
fn a_bad_value_names_the_variable_and_what_was_expected() {
    let (passed, printed) = with_trace("loud");
    assert!(!passed && printed.contains("TWOPHASE_TRACE: is 'loud'; expected 1 or 0"), "{printed}");
}
