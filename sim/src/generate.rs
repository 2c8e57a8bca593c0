//! From a seed to a schedule: swarm, and aim.
//!
//! Each seed first draws which families of faults exist at all, and how heavy they are; a uniform mix of
//! everything finds less. Crashes are aimed at the windows: at the requests and messages between which a
//! transaction is promised or not. The settings are drawn together, because most real losses are a wrong
//! order of three of them; the transaction timeout comes last, so that it can lie inside the safe rule.
//!
//! A seed means something only to this build of the generator. What lasts is the schedule.

mod aim;
mod plot;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use twophase::Settings;
use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;

use crate::fault::{Fault, FaultKind};
use crate::quiet::{Panic, guarded};
use crate::safe::{is_known_unsafe, safe_rule};
use crate::schedule::{BrokerSettings, Schedule, Span, Timing};
use crate::seed::{Purpose, Seed, Stream, micros};
use aim::Aim;

/// Whether the settings lie inside the safe rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Safety {
    /// Inside: the correct job loses nothing.
    #[default]
    Safe,
    /// Anywhere: a promised transaction may time out, and then records are lost (W8).
    Unsafe,
}

/// Where the records of a history come from.
pub trait Input: Send + Sync {
    /// As many payloads as there are, up to `count`: a contiguous window that begins at `place`, which is
    /// anything; the input makes it a place where a full window fits, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    fn window(&self, place: u64, count: usize) -> std::io::Result<Vec<Bytes>>;
}

/// Draws schedules.
#[derive(Clone, Default)]
pub struct Generator {
    /// Whether the settings lie inside the safe rule.
    pub safety: Safety,
    /// How many records a history has; drawn, if not given.
    pub records: Option<usize>,
    /// Where they come from; made up, if not given.
    pub input: Option<Arc<dyn Input>>,
    /// The protocol; drawn, if not given.
    pub protocol: Option<Protocol>,
    /// The naming; drawn, if not given.
    pub naming: Option<Naming>,
    /// Without any fault.
    pub calm: bool,
    /// Without faults of these kinds.
    pub without: Vec<FaultKind>,
    /// What is changed in the settings once they are drawn; everything else is drawn for what comes out.
    pub adjust: Option<Arc<Adjust>>,
    /// The transaction timeout, or what the safe rule asks for if that is longer; drawn, if not given.
    pub transaction_timeout: Option<Duration>,
}

/// Changes settings that were drawn.
pub type Adjust = dyn Fn(&mut Settings) + Send + Sync;

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("safety", &self.safety)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Generator {
    /// The schedule of this seed.
    ///
    /// # Errors
    /// When the input cannot be read, or the settings were [adjusted](Generator::adjust) to what nobody can play.
    pub fn schedule(&self, seed: Seed) -> std::io::Result<Schedule> {
        let draw = &mut Stream::new(seed, Purpose::Generate, 0);
        let timing = draw_timing(draw, seed);
        let mut settings = draw_shape(draw);
        draw_clocks(draw, &timing, &mut settings);
        self.adjust_settings(seed, &mut settings)?;
        let broker = draw_broker(draw);
        let protocol = *draw.pick(&[Protocol::V1, Protocol::V2]);
        let protocol = self.protocol.unwrap_or(protocol);
        let naming = *draw.pick(&[Naming::PerTransaction, Naming::Pool]);
        let naming = self.naming.unwrap_or(naming);
        let input = self.draw_input(draw, seed, settings.splits)?;
        let heal_at = draw.span(millis(250)..millis(1_200));
        let mut faults = match self.calm {
            true => Vec::new(),
            false => draw_faults(draw, &settings, &timing, protocol, &input, heal_at),
        };
        faults.retain(|fault| !self.without.contains(&fault.kind()));
        if self.safety == Safety::Safe {
            faults.retain(|fault| !is_known_unsafe(fault));
        }
        let mut schedule = Schedule { settings, protocol, naming, broker, timing, heal_at, faults, input };
        self.draw_transaction_timeout(draw, &mut schedule);
        if self.adjust.is_some() || self.transaction_timeout.is_some() {
            schedule.check().map_err(unplayable)?;
        }
        Ok(schedule)
    }

    /// A nought would be divided by before the whole schedule can be checked.
    fn adjust_settings(&self, seed: Seed, settings: &mut Settings) -> std::io::Result<()> {
        let Some(adjust) = &self.adjust else {
            return Ok(());
        };
        guarded(|| adjust(settings)).map_err(|panic| panicked(seed, "what adjusts the settings", &panic))?;
        for (name, count) in [
            ("parallelism", settings.parallelism.into()),
            ("splits", settings.splits.into()),
            ("partitions", settings.partitions.into()),
            ("batch", settings.batch as u64),
            ("checkpoint_interval", micros(settings.checkpoint_interval)),
        ] {
            if count == 0 {
                return Err(unplayable(format!("settings.{name} is 0; expected more")));
            }
        }
        Ok(())
    }

    fn draw_input(&self, draw: &mut Stream, seed: Seed, splits: u16) -> std::io::Result<Vec<Vec<Bytes>>> {
        let drawn = draw.log_within(8..96) as usize;
        let count = self.records.unwrap_or(drawn);
        let place = draw.next();
        let payloads = match &self.input {
            Some(input) => guarded(|| input.window(place, count))
                .unwrap_or_else(|panic| Err(panicked(seed, "the input", &panic)))?,
            None => made_up(seed, count),
        };
        let mut dealt = vec![Vec::with_capacity(count / usize::from(splits) + 1); usize::from(splits)];
        for (number, payload) in payloads.into_iter().enumerate() {
            dealt[number % usize::from(splits)].push(payload);
        }
        Ok(dealt)
    }

    /// The timeout is the last to be drawn: what is safe follows from everything else.
    fn draw_transaction_timeout(&self, draw: &mut Stream, schedule: &mut Schedule) {
        let needed = micros(safe_rule(schedule).needed());
        let timeout = match self.safety {
            Safety::Safe => draw.within(needed..needed * 3 / 2),
            Safety::Unsafe => draw.log_within(20_000..needed.max(40_000)),
        };
        let timeout = match (self.transaction_timeout, self.safety) {
            (None, _) => timeout,
            (Some(given), Safety::Safe) => micros(given).max(needed),
            (Some(given), Safety::Unsafe) => micros(given),
        };
        // Kafka counts in whole milliseconds.
        schedule.settings.transaction_timeout = millis(timeout.div_ceil(1_000));
    }
}

fn unplayable(what: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, what)
}

/// A stranger's code has no schedule to give, so there is no history that could fail.
fn panicked(seed: Seed, who: &str, panic: &Panic) -> std::io::Error {
    unplayable(format!("seed {seed}: {who} {}", panic.to_string().replace('\n', " ")))
}

/// Records with payloads of their own that read as text.
fn made_up(seed: Seed, count: usize) -> Vec<Bytes> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut stream = Stream::new(seed, Purpose::Payload, 0);
    let mut all = BytesMut::with_capacity(count * 16);
    for _ in 0..count {
        let word = stream.next();
        all.extend((0..16).map(|digit| DIGITS[(word >> (digit * 4)) as usize & 15]));
    }
    let all = all.freeze();
    (0..count).map(|number| all.slice(number * 16..(number + 1) * 16)).collect()
}

fn draw_timing(draw: &mut Stream, seed: Seed) -> Timing {
    let fastest = draw.span(Duration::from_micros(200)..millis(1));
    let slowest = fastest + Duration::from_micros(draw.log_within(500..9_000));
    let store = Span::new(Duration::ZERO, draw.span(millis(1)..millis(5)));
    let pace = if draw.chance(1, 4) { 0 } else { draw.log_within(500..8_000) };
    let round_trip = slowest * 2 + store.max;
    Timing {
        seed,
        latency: Span::new(fastest, slowest),
        store,
        pace: Span::new(Duration::ZERO, Duration::from_micros(pace)),
        request_timeout: round_trip + draw.span(round_trip..round_trip * 3),
        shuffle: draw.chance(3, 4),
    }
}

fn draw_shape(draw: &mut Stream) -> Settings {
    let parallelism = draw.weighted(&[(2, 1), (4, 2), (2, 3)]);
    let per_sink = draw.weighted(&[(1, 1), (5, 2), (1, 3)]);
    Settings {
        parallelism,
        splits: parallelism * per_sink,
        partitions: draw.weighted(&[(2, 1), (4, 2), (1, 3)]),
        checkpoints_in_flight: draw.weighted(&[(3, 1), (1, 2)]),
        checkpoint_failures: draw.weighted(&[(1, 1), (1, 3)]),
        batch: draw.weighted(&[(3, 1), (2, 2), (1, 8)]),
        chained: draw.chance(1, 4),
        queue: draw.weighted(&[(1, 1), (2, 2), (2, 6)]),
        ..Settings::default()
    }
}

/// The clocks of the job, in an order in which an undisturbed one makes progress.
fn draw_clocks(draw: &mut Stream, timing: &Timing, settings: &mut Settings) {
    let call = timing.latency.max * 2;
    settings.retry_backoff = draw.span(millis(1)..millis(8));
    settings.checkpoint_interval = Duration::from_micros(draw.log_within(15_000..150_000));
    // A barrier waits for the records before it, for the flush, and for the next transaction to begin.
    let per_sink = u32::from(settings.splits / settings.parallelism);
    let before_it = (call + timing.pace.max) * (settings.queue as u32 + 1) * per_sink;
    let around_it = (call + settings.retry_backoff) * (6 + 2 * settings.partitions) + timing.store.max;
    let undisturbed = before_it + around_it + millis(20);
    settings.checkpoint_timeout = draw.span(undisturbed..undisturbed * 2);
    settings.checkpoint_pause =
        if draw.chance(1, 3) { draw.span(millis(1)..millis(20)) } else { Duration::ZERO };
    settings.heartbeat_interval = draw.span(millis(20)..millis(60));
    let silence = settings.heartbeat_interval * 3 + timing.request_timeout * 2;
    settings.heartbeat_timeout = draw.span(silence..silence * 2);
    settings.restart_delay = draw.span(millis(2)..millis(30));
    settings.restart_delay_max = settings.restart_delay * draw.weighted(&[(1, 1), (1, 4)]);
}

fn draw_broker(draw: &mut Stream) -> BrokerSettings {
    let sweep_interval = draw.span(millis(50)..millis(300));
    BrokerSettings {
        sweep_interval,
        sweep_phase: draw.span(Duration::ZERO..sweep_interval),
        markers: Span::new(Duration::ZERO, Duration::from_micros(draw.log_within(500..20_000))),
        verification: true,
    }
}

/// About how many checkpoints a sink takes while it reads its records, and the final one.
fn checkpoints(settings: &Settings, timing: &Timing, records: u64) -> u64 {
    let call = micros(timing.latency.min + timing.latency.max);
    let each = (call / settings.batch as u64).max(micros(timing.pace.max) / 2);
    records * each / micros(settings.checkpoint_interval) + 1
}

/// Which families exist for this seed, and as many faults of them as its budget allows.
fn draw_faults(
    draw: &mut Stream,
    settings: &Settings,
    timing: &Timing,
    protocol: Protocol,
    input: &[Vec<Bytes>],
    heal_at: Duration,
) -> Vec<Fault> {
    let mut families: Vec<(u64, aim::Family)> = Vec::new();
    for (weight, family) in aim::FAMILIES {
        if draw.chance(1, 2) {
            families.push((weight << draw.below(4), family));
        }
    }
    if families.is_empty() {
        families.push((1, aim::Family::Crash));
    }
    let records = input.iter().map(Vec::len).sum::<usize>() as u64 / u64::from(settings.parallelism);
    let checkpoints = checkpoints(settings, timing, records);
    let mut aim = Aim {
        draw,
        settings,
        protocol,
        produces: (records / settings.batch as u64).max(checkpoints),
        checkpoints,
        request_timeout: timing.request_timeout,
        heal_at,
        faults: Vec::new(),
    };
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
