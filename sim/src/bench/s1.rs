//! Scenario S1: a small exactly-once job with one failure, by which frameworks are compared.
//!
//! Three sinks of 40 records each; every message takes 1 to 10 ms; a checkpoint every 100 ms, stored in 1 to 5 ms;
//! one sink dies at 50 to 400 ms and is back 20 ms later. Heartbeats are so rare that none is sent but
//! the first: those that the scenario was written for have none. Where else ours differs stands in `docs/speed.md`.

use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{Payload, Settings};

use crate::fault::Fault;
use crate::schedule::{BrokerSettings, Schedule, Span, Timing};
use crate::seed::{Purpose, Seed, Stream};
use crate::site::Name;

const SINKS: u16 = 3;
/// Two for each sink.
const SPLITS: u16 = 6;
const RECORDS_PER_SPLIT: u64 = 20;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The history of this seed.
pub fn s1(seed: Seed) -> Schedule {
    Schedule {
        settings: settings(),
        protocol: Protocol::V2,
        naming: Naming::PerTransaction,
        broker: BrokerSettings {
            sweep_interval: millis(1_000),
            sweep_phase: millis(1_000),
            markers: Span::millis(0, 0),
            verification: true,
        },
        timing: Timing {
            seed,
            latency: Span::millis(1, 10),
            store: Span::millis(1, 5),
            pace: Span::millis(0, 0),
            request_timeout: millis(100),
            shuffle: true,
        },
        heal_at: millis(1_000),
        faults: vec![crash(seed)],
        input: payloads(),
    }
}

/// Makes that of one seed the history of another: they differ in what is drawn, and have the same input.
pub(super) fn turn_to(history: &mut Schedule, seed: Seed) {
    history.timing.seed = seed;
    history.faults.clear();
    history.faults.push(crash(seed));
}

fn settings() -> Settings {
    Settings {
        parallelism: SINKS,
        splits: SPLITS,
        partitions: 1,
        checkpoint_interval: millis(100),
        checkpoint_timeout: millis(500),
        checkpoints_in_flight: 1,
        heartbeat_interval: millis(1_500),
        heartbeat_timeout: millis(1_600),
        restart_delay: millis(1), // the 20 ms until the coordinator learns of it are those until the process is back
        restart_delay_max: millis(1),
        // Short, because a run lasts until nothing is open: in one history of 170 a record is on its way when its sink dies,
        // and opens a transaction that nobody finds, and that only the broker's timeout ends.
        transaction_timeout: millis(10_000),
        retry_backoff: millis(5), // a fence waits for the marker of what it aborts
        batch: 1,
        chained: true,
        ..Settings::default()
    }
}

/// Who dies, and when.
fn crash(seed: Seed) -> Fault {
    let draw = &mut Stream::new(seed, Purpose::Generate, 0);
    Fault::CrashAt {
        at: draw.span(millis(50)..millis(400)),
        process: Name::sink(draw.below(u64::from(SINKS)) as u16),
        restart_after: millis(20),
    }
}

/// The same for every seed: a word of its own for each record.
fn payloads() -> Vec<Vec<Payload>> {
    let word = |split: u64, offset: u64| (split << 32 | offset).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let payload = |split, offset| Payload::copy_from_slice(&word(split, offset).to_be_bytes());
    let records = |split| (0..RECORDS_PER_SPLIT).map(|offset| payload(split, offset)).collect();
    (0..u64::from(SPLITS)).map(records).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::{Outcome, Verdict};
    use crate::run::play;
    use crate::safe::is_safe;
    use crate::subjects;
    use crate::watch::Keep;

    fn outcomes() -> Vec<Outcome> {
        let subject = subjects::named("kafka").expect("the correct subject comes along");
        let played = |seed| play(&subject, &Arc::new(s1(Seed(seed))), Keep::default());
        (0..1_000).map(played).collect()
    }

    #[test]
    fn one_history_turns_into_another() {
        let mut history = s1(Seed(3));
        turn_to(&mut history, Seed(4));
        assert_eq!(history, s1(Seed(4)));
    }

    #[test]
    fn every_history_can_be_played_and_holds_with_one_crash() {
        assert_eq!(s1(Seed(0)).check(), Ok(()));
        assert_eq!(s1(Seed(0)).records(), 120);
        assert!(is_safe(&s1(Seed(0))));
        for outcome in outcomes() {
            assert!(matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous), "{:?}", outcome.verdict);
            assert_eq!(outcome.struck.iter().sum::<u32>(), 1);
            assert!((1..=2).contains(&outcome.restarts), "the second only if the tasks ran when it struck");
        }
    }

    /// What makes figures comparable: 508 messages and 880 ms, within a tenth.
    #[test]
    fn the_work_is_that_of_the_reference() {
        let all = outcomes();
        let mean = |of: fn(&Outcome) -> u64| all.iter().map(of).sum::<u64>() as f64 / all.len() as f64;
        let messages = mean(|outcome| outcome.messages);
        let lasted = mean(|outcome| outcome.lasted.as_millis() as u64);
        assert!((508.0 * 0.9..508.0 * 1.1).contains(&messages), "{messages} messages");
        assert!((880.0 * 0.9..880.0 * 1.1).contains(&lasted), "{lasted} ms");
    }
}
