//! How long a job needs that nothing disturbs: what its clocks must at least allow, or it makes no progress.

use std::time::Duration;

use twophase::Settings;

use crate::schedule::{Span, Timing};

/// A request, and its answer from the slowest there is.
pub(crate) fn round_trip(latency: Span, store: Span) -> Duration {
    latency.max * 2 + store.max
}

/// A checkpoint. A barrier waits for the records before it, for the flush, and for the next transaction to begin.
pub(crate) fn checkpoint(settings: &Settings, timing: &Timing) -> Duration {
    let call = timing.latency.max * 2;
    let per_sink = u32::from(settings.splits.div_ceil(settings.parallelism));
    let before_it = (call + timing.pace.max) * (settings.queue as u32 + 1) * per_sink;
    let around_it = (call + settings.retry_backoff) * (6 + 2 * settings.partitions) + timing.store.max;
    before_it + around_it + Duration::from_millis(20)
}

/// The silence of a process that lives.
pub(crate) fn silence(settings: &Settings, timing: &Timing) -> Duration {
    settings.heartbeat_interval * 3 + timing.request_timeout * 2
}
