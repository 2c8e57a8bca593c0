//! What faults strike: the job's shape and clocks, its input, the broker, and how long things take.

use std::time::Duration;

use proptest::collection::SizeRange;
use proptest::prelude::*;
use twophase::{Payload, Settings};

use super::faults::millis;
use crate::schedule::{BrokerSettings, Span, Timing};
use crate::seed::Seed;

/// Settings in which all clocks are as short as can be; [`make_safe`](crate::Schedule::make_safe) lengthens those that are
/// too short for the rest of a schedule. There are one to three sinks, with as many splits each.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(settings in strategies::settings())| {
///     prop_assert!(settings.splits >= settings.parallelism);
/// });
/// ```
pub fn settings() -> impl Strategy<Value = Settings> {
    let shape = (1_u16..=3, 1_u16..=3, 1_u32..=3, 1_usize..=8, 1_usize..=6, any::<bool>());
    let checkpoints = (millis(15..150), millis(0..20), 1_u8..=2, 1_u8..=3);
    let failures = (millis(20..60), millis(2..30), millis(0..90), millis(1..8));
    (shape, checkpoints, failures).prop_map(|(shape, checkpoints, failures)| {
        let (parallelism, per_sink, partitions, batch, queue, chained) = shape;
        let (checkpoint_interval, checkpoint_pause, checkpoints_in_flight, checkpoint_failures) = checkpoints;
        let (heartbeat_interval, restart_delay, longer, retry_backoff) = failures;
        let shortest = Duration::from_millis(1);
        Settings {
            parallelism,
            splits: parallelism * per_sink,
            partitions,
            checkpoint_interval,
            checkpoint_timeout: shortest,
            checkpoint_pause,
            checkpoints_in_flight,
            checkpoint_failures,
            heartbeat_interval,
            heartbeat_timeout: shortest,
            restart_delay,
            restart_delay_max: restart_delay + longer,
            transaction_timeout: shortest,
            retry_backoff,
            batch,
            chained,
            queue,
        }
    })
}

/// How long things take. The seed stays as it is while everything else shrinks.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(timing in strategies::timing())| prop_assert!(timing.latency.min <= timing.latency.max));
/// ```
pub fn timing() -> impl Strategy<Value = Timing> {
    let spans = (span(1..2, 0..9), span(0..1, 0..5), span(0..1, 0..8));
    (spans, any::<bool>(), millis(1..40), any::<u64>().no_shrink()).prop_map(
        |((latency, store, pace), shuffle, request_timeout, seed)| Timing {
            seed: Seed(seed),
            latency,
            store,
            pace,
            request_timeout: (latency.max * 2 + store.max) * 2 + request_timeout,
            shuffle,
        },
    )
}

/// How the broker is set up.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(broker in strategies::broker())| prop_assert!(!broker.sweep_interval.is_zero()));
/// ```
pub fn broker() -> impl Strategy<Value = BrokerSettings> {
    (span(0..1, 0..20), millis(50..300), millis(0..300)).prop_map(|(markers, sweep_interval, sweep_phase)| {
        BrokerSettings { sweep_interval, sweep_phase, markers, verification: true }
    })
}

/// So many records, each with a payload of its own. Shrinking leaves out the last ones.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(payloads in strategies::payloads(1..20))| prop_assert_eq!(&payloads[0][..], b"record 0"));
/// ```
pub fn payloads(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Payload>> {
    let count = count.into();
    (count.start()..count.end_excl())
        .prop_map(|count| (0..count).map(|number| format!("record {number}").into()).collect())
}

fn span(min: std::ops::Range<u64>, more: std::ops::Range<u64>) -> impl Strategy<Value = Span> {
    (millis(min), millis(more)).prop_map(|(min, more)| Span::new(min, min + more))
}
