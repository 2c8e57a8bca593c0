//! What histories are written by hand upon: a small job in which nothing is drawn and nothing goes wrong.

use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{Payload, Settings};

use super::{BrokerSettings, Schedule, Span, Timing};
use crate::seed::Seed;

const SPLITS: u16 = 4;
const RECORDS_OF_EACH: u16 = 10;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Schedule {
    /// A schedule to write a history by hand upon: two sinks read 10 records from each of four splits, one every
    /// 2 ms, with a checkpoint every 20 ms. Everything else takes 1 ms, and nothing goes wrong.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use twophase_sim::fault::Fault;
    /// use twophase_sim::{Keep, Schedule, Verdict, Window, play, subjects};
    ///
    /// let mut schedule = Schedule::calm();
    /// let at = "sink-0/1/end_txn.commit#1/before".parse().unwrap();
    /// schedule.faults = vec![Fault::Crash { at, restart_after: Duration::from_millis(5) }];
    /// let outcome = play(&subjects::named("kafka").unwrap(), &Arc::new(schedule), Keep::default());
    /// assert!(outcome.windows.has(Window::W4));
    /// assert_eq!(outcome.verdict, Verdict::Held);
    /// ```
    pub fn calm() -> Self {
        Schedule {
            settings: calm_settings(),
            protocol: Protocol::V2,
            naming: Naming::PerTransaction,
            broker: BrokerSettings {
                sweep_interval: millis(10),
                sweep_phase: Duration::ZERO,
                markers: Span::millis(1, 1),
                verification: true,
            },
            timing: Timing {
                seed: Seed(1),
                latency: Span::millis(1, 1),
                store: Span::millis(1, 1),
                pace: Span::millis(2, 2),
                request_timeout: millis(30),
                shuffle: false,
            },
            heal_at: Duration::from_secs(3),
            faults: Vec::new(),
            input: (0..SPLITS).map(payloads_of).collect(),
        }
    }
}

fn calm_settings() -> Settings {
    Settings {
        parallelism: 2,
        splits: SPLITS,
        partitions: 2,
        checkpoint_interval: millis(20),
        checkpoint_timeout: millis(200),
        checkpoint_pause: Duration::ZERO,
        checkpoints_in_flight: 1,
        checkpoint_failures: 3,
        heartbeat_interval: millis(10),
        heartbeat_timeout: millis(100),
        restart_delay: millis(5),
        restart_delay_max: millis(5),
        transaction_timeout: Duration::from_secs(60),
        retry_backoff: millis(1),
        batch: 1,
        chained: false,
        queue: 1,
    }
}

fn payloads_of(split: u16) -> Vec<Payload> {
    (0..RECORDS_OF_EACH).map(|offset| format!("record {offset} of split {split}").into()).collect()
}
