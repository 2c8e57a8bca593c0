//! The faults of a seed: which families it has, and how many of each.

use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::{Payload, Settings};

use super::aim::{Aim, FAMILIES, Family};
use crate::fault::Fault;
use crate::schedule::Timing;
use crate::seed::{Stream, micros};

/// What faults are drawn for: all that is decided before them.
pub(super) struct Scene<'a> {
    pub(super) settings: &'a Settings,
    pub(super) timing: &'a Timing,
    pub(super) protocol: Protocol,
    pub(super) input: &'a [Vec<Payload>],
    pub(super) heal_at: Duration,
}

impl Scene<'_> {
    pub(super) fn aim<'a>(&'a self, draw: &'a mut Stream) -> Aim<'a> {
        let Scene { settings, protocol, heal_at, .. } = *self;
        let records = self.input.iter().map(Vec::len).sum::<usize>() as u64 / u64::from(settings.parallelism);
        let checkpoints = checkpoints(settings, self.timing, records);
        let produces = (records / settings.batch as u64).max(checkpoints);
        Aim {
            draw,
            settings,
            protocol,
            produces,
            checkpoints,
            request_timeout: self.timing.request_timeout,
            heal_at,
            faults: Vec::new(),
        }
    }

    /// Which families exist for this seed, and as many faults of them as its budget allows.
    pub(super) fn draw_faults(&self, draw: &mut Stream) -> Vec<Fault> {
        let mut families: Vec<(u64, Family)> = Vec::new();
        for (weight, family) in FAMILIES {
            if draw.chance(1, 2) {
                families.push((weight << draw.below(4), family));
            }
        }
        if families.is_empty() {
            families.push((1, Family::Crash));
        }
        let mut aim = self.aim(draw);
        // Most seeds begin with something that a sink has to recover from: without it little else is dangerous.
        for _ in 0..aim.draw.weighted(&[(1, 0), (9, 1), (6, 2)]) {
            aim.open();
        }
        if aim.draw.chance(1, 2) {
            aim.plot();
        }
        for _ in 0..aim.draw.log_within(1..8) {
            let family = aim.draw.weighted(&families);
            aim.add(family);
        }
        aim.faults
    }
}

/// About how many checkpoints a sink takes while it reads its records, and the final one.
fn checkpoints(settings: &Settings, timing: &Timing, records: u64) -> u64 {
    let call = micros(timing.latency.min + timing.latency.max);
    let each = (call / settings.batch as u64).max(micros(timing.pace.max) / 2);
    records * each / micros(settings.checkpoint_interval) + 1
}
