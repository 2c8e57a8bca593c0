//! What the protocol itself cannot survive: scenarios that are expected to fail, and do.

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase_sim::fault::Fault;
use twophase_sim::schedule::{Schedule, Span};
use twophase_sim::{Anomaly, Generator, Keep, Seed, Verdict, is_safe, play, subjects};

/// One sink with a record every 2 ms and a checkpoint every 20 ms, in which everything else takes 1 ms.
fn calm(protocol: Protocol) -> Schedule {
    let generator = Generator {
        records: Some(40),
        protocol: Some(protocol),
        naming: Some(Naming::PerTransaction),
        calm: true,
        ..Generator::default()
    };
    let millis = Duration::from_millis;
    let mut schedule = generator.schedule(Seed(1)).expect("made-up records can always be read");
    schedule.input = vec![schedule.input.concat()];
    let settings = &mut schedule.settings;
    (settings.parallelism, settings.splits, settings.partitions) = (1, 1, 2);
    (settings.batch, settings.queue, settings.chained) = (1, 1, false);
    settings.checkpoint_interval = millis(20);
    settings.retry_backoff = millis(1);
    settings.transaction_timeout = Duration::from_secs(60);
    schedule.timing.latency = Span::millis(1, 1);
    schedule.timing.store = Span::millis(1, 1);
    schedule.timing.pace = Span::millis(2, 2);
    schedule
}

/// The request that opened the first transaction arrives once more, this much later.
fn init_repeated(after: Duration, protocol: Protocol) -> Schedule {
    let at = "sink-0/1/init#1/sent".parse().expect("the site is well-formed");
    Schedule { faults: vec![Fault::Repeat { at, after }], ..calm(protocol) }
}

/// What the correct job comes to first, of those moments at which it does not hold. The request says nothing that
/// tells it from a takeover; between pre-commit and commit there are a few milliseconds for it to fall into.
fn first_failure(protocol: Protocol) -> Option<Verdict> {
    let correct = subjects::named("kafka").expect("the correct job is there");
    let mut verdicts = (1..80).map(|half_millis| {
        let schedule = init_repeated(Duration::from_micros(half_millis * 500), protocol);
        assert!(!is_safe(&schedule), "the safe rule knows of it");
        play(&correct, &Arc::new(schedule), Keep::default()).verdict
    });
    verdicts.find(|verdict| !matches!(verdict, Verdict::Held | Verdict::Vacuous))
}

#[test]
fn under_the_older_protocol_a_late_repeated_init_loses_records() {
    let failure = first_failure(Protocol::V1);
    let lost = matches!(&failure, Some(Verdict::Failed(finding)) if finding.anomaly == Anomaly::Lost);
    assert!(lost, "{failure:?}");
}

/// The commit of what was aborted is refused there, so the job gives up honestly.
#[test]
fn under_the_newer_protocol_a_late_repeated_init_ends_the_job() {
    let failure = first_failure(Protocol::V2);
    assert!(matches!(failure, Some(Verdict::FailStop(_))), "{failure:?}");
}
