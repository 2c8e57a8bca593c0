//! From a seed to a schedule: swarm, and aim.
//!
//! Each seed first draws which families of faults exist at all, and how heavy they are; a uniform mix of
//! everything finds less. Crashes are aimed at the windows: at the requests and messages between which a
//! transaction is promised or not. The settings are drawn together, because most real losses are a wrong
//! order of three of them; the transaction timeout comes last, so that it can lie inside the safe rule.
//!
//! A seed means something only to this build of the generator. What lasts is the schedule.

mod aim;
pub(crate) mod alone;
mod fixed;
mod plot;
mod rates;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{Payload, Settings};

use crate::fault::{Fault, FaultKind};
use crate::quiet::{Panic, guarded};
use crate::ratio::Ratio;
use crate::report::Millis;
use crate::safe::{is_known_unsafe, safe_rule};
use crate::schedule::{BrokerSettings, Schedule, Span, Timing};
use crate::seed::{Purpose, Seed, Stream, micros};
use crate::undisturbed;
use scene::Scene;

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
    fn window(&self, place: u64, count: usize) -> std::io::Result<Vec<Payload>>;
}

/// A list of records: `vec!["a line", "another"]`.
impl<T: AsRef<[u8]> + Send + Sync> Input for Vec<T> {
    fn window(&self, place: u64, count: usize) -> std::io::Result<Vec<Payload>> {
        if self.is_empty() {
            return Err(unplayable("input(..) holds no record; expected at least one".to_owned()));
        }
        let count = count.min(self.len());
        let first = (place % (self.len() - count + 1) as u64) as usize;
        let window = self[first..first + count].iter();
        Ok(window.map(|record| Payload::copy_from_slice(record.as_ref())).collect())
    }
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
    /// Whether partition leaders verify ([`BrokerSettings::verification`]); they do, if not given.
    pub verification: Option<bool>,
    /// How many sinks there are; drawn, if not given.
    pub parallelism: Option<u16>,
    /// How many splits the input has; drawn, if not given.
    pub splits: Option<u16>,
    /// How many partitions the output has; drawn, if not given.
    pub partitions: Option<u32>,
    /// The time between two checkpoints; drawn, if not given.
    pub checkpoint_interval: Option<Duration>,
    /// How long a checkpoint may take; drawn, if not given.
    pub checkpoint_timeout: Option<Duration>,
    /// Whether the job has no coordinator: what would be aimed at it is aimed at the other processes.
    pub alone: bool,
    /// Without any fault.
    pub calm: bool,
    /// With faults of these kinds and no others, and at least one of them in each history; all, if empty.
    pub only: Vec<FaultKind>,
    /// Without faults of these kinds.
    pub without: Vec<FaultKind>,
    /// Which part of the histories has faults of a kind; drawn, where not given.
    pub rates: Vec<(FaultKind, Ratio)>,
    /// What is changed in the settings once they are drawn; everything else is drawn for what comes out.
    pub adjust: Option<Arc<Adjust>>,
    /// The transaction timeout, which must not be shorter than the safe rule asks for, where that holds; drawn, if
    /// not given.
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
    /// When the input cannot be read, or what is fixed is what nobody can play.
    pub fn schedule(&self, seed: Seed) -> std::io::Result<Schedule> {
        self.check().map_err(unplayable)?;
        let draw = &mut Stream::new(seed, Purpose::Generate, 0);
        let timing = draw_timing(draw, seed);
        let mut settings = self.draw_shape(draw);
        self.draw_clocks(draw, seed, &timing, &mut settings)?;
        self.adjust_settings(seed, &mut settings)?;
        let mut broker = draw_broker(draw);
        broker.verification = self.verification.unwrap_or(broker.verification);
        let protocol = *draw.pick(&[Protocol::V1, Protocol::V2]);
        let protocol = self.protocol.unwrap_or(protocol);
        let naming = *draw.pick(&[Naming::PerTransaction, Naming::Pool]);
        let naming = self.naming.unwrap_or(naming);
        let input = self.draw_input(draw, seed, settings.splits)?;
        let heal_at = draw.span(millis(250)..millis(1_200));
        let scene = Scene { settings: &settings, timing: &timing, protocol, input: &input, heal_at };
        let faults = match self.calm {
            true => Vec::new(),
            false => self.choose(seed, &scene, scene.draw_faults(draw)),
        };
        let mut schedule = Schedule { settings, protocol, naming, broker, timing, heal_at, faults, input };
        self.draw_transaction_timeout(draw, seed, &mut schedule)?;
        if self.adjust.is_some() || self.transaction_timeout.is_some() {
            schedule.check().map_err(unplayable)?;
        }
        Ok(schedule)
    }

    /// Of the faults that were drawn those that there may be; and more, where a rate asks for them.
    fn choose(&self, seed: Seed, scene: &Scene<'_>, mut faults: Vec<Fault>) -> Vec<Fault> {
        let may = |fault: &Fault| {
            self.may_be(fault.kind()) && !(self.safety == Safety::Safe && is_known_unsafe(fault))
        };
        faults.retain(may);
        for (kind, rate) in &self.rates {
            let draw = &mut Stream::new(seed, Purpose::Rate, *kind as u64 + 1);
            rates::keep_to(&mut scene.aim(draw), *kind, *rate, may, &mut faults);
        }
        let must = faults.is_empty() && !self.only.is_empty() && self.rates.is_empty();
        if must {
            let draw = &mut Stream::new(seed, Purpose::Rate, 0);
            let kind = *draw.pick(&self.only);
            rates::add(&mut scene.aim(draw), kind, may, &mut faults);
        }
        if self.alone {
            faults.iter_mut().for_each(|fault| alone::aim_elsewhere(fault, scene.settings.parallelism));
        }
        faults
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

    fn draw_shape(&self, draw: &mut Stream) -> Settings {
        let drawn = draw.weighted(&[(2, 1), (4, 2), (2, 3)]);
        let parallelism = self.parallelism.unwrap_or(drawn);
        let per_sink = draw.weighted(&[(1, 1), (5, 2), (1, 3)]);
        let partitions = draw.weighted(&[(2, 1), (4, 2), (1, 3)]);
        Settings {
            parallelism,
            splits: self.splits.unwrap_or(parallelism * per_sink),
            partitions: self.partitions.unwrap_or(partitions),
            checkpoints_in_flight: draw.weighted(&[(3, 1), (1, 2)]),
            checkpoint_failures: draw.weighted(&[(1, 1), (1, 3)]),
            batch: draw.weighted(&[(3, 1), (2, 2), (1, 8)]),
            chained: draw.chance(1, 4),
            queue: draw.weighted(&[(1, 1), (2, 2), (2, 6)]),
            ..Settings::default()
        }
    }

    /// The clocks of the job, in an order in which an undisturbed one makes progress.
    fn draw_clocks(
        &self,
        draw: &mut Stream,
        seed: Seed,
        timing: &Timing,
        settings: &mut Settings,
    ) -> std::io::Result<()> {
        settings.retry_backoff = draw.span(millis(1)..millis(8));
        let interval = Duration::from_micros(draw.log_within(15_000..150_000));
        settings.checkpoint_interval = self.checkpoint_interval.unwrap_or(interval);
        let undisturbed = undisturbed::checkpoint(settings, timing);
        let timeout = draw.span(undisturbed..undisturbed * 2);
        settings.checkpoint_timeout = self.checkpoint_timeout.unwrap_or(timeout);
        settings.checkpoint_pause =
            if draw.chance(1, 3) { draw.span(millis(1)..millis(20)) } else { Duration::ZERO };
        settings.heartbeat_interval = draw.span(millis(20)..millis(60));
        let silence = undisturbed::silence(settings, timing);
        settings.heartbeat_timeout = draw.span(silence..silence * 2);
        settings.restart_delay = draw.span(millis(2)..millis(30));
        settings.restart_delay_max = settings.restart_delay * draw.weighted(&[(1, 1), (1, 4)]);
        match settings.checkpoint_timeout < undisturbed {
            false => Ok(()),
            true => Err(unplayable(format!(
                "checkpoint_timeout({:?}) is too short: in seed {seed} a checkpoint that nothing disturbs can take \
                 {}; give at least that, or leave it out, and it is drawn",
                settings.checkpoint_timeout,
                Millis(undisturbed)
            ))),
        }
    }

    fn draw_input(&self, draw: &mut Stream, seed: Seed, splits: u16) -> std::io::Result<Vec<Vec<Payload>>> {
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
    fn draw_transaction_timeout(
        &self,
        draw: &mut Stream,
        seed: Seed,
        schedule: &mut Schedule,
    ) -> std::io::Result<()> {
        let rule = safe_rule(schedule);
        let needed = micros(rule.needed());
        let timeout = match self.safety {
            Safety::Safe => draw.within(needed..needed * 3 / 2),
            Safety::Unsafe => draw.log_within(20_000..needed.max(40_000)),
        };
        let timeout = self.transaction_timeout.map_or(timeout, micros);
        if self.safety == Safety::Safe && timeout < needed {
            let (term, length) = rule.largest();
            return Err(unplayable(format!(
                "transaction_timeout({:?}) is shorter than the safe rule asks for: {} in seed {seed}, of which {} \
                 is for {term}; give at least that, or say settings(Safety::Unsafe) to see what is lost",
                Duration::from_micros(timeout),
                Millis(rule.needed()),
                Millis(length)
            )));
        }
        // Kafka counts in whole milliseconds.
        schedule.settings.transaction_timeout = millis(timeout.div_ceil(1_000));
        Ok(())
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
fn made_up(seed: Seed, count: usize) -> Vec<Payload> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut stream = Stream::new(seed, Purpose::Payload, 0);
    let payload =
        |word: u64| -> [u8; 16] { std::array::from_fn(|digit| DIGITS[(word >> (digit * 4)) as usize & 15]) };
    (0..count).map(|_| Payload::copy_from_slice(&payload(stream.next()))).collect()
}

fn draw_timing(draw: &mut Stream, seed: Seed) -> Timing {
    let fastest = draw.span(Duration::from_micros(200)..millis(1));
    let slowest = fastest + Duration::from_micros(draw.log_within(500..9_000));
    let latency = Span::new(fastest, slowest);
    let store = Span::new(Duration::ZERO, draw.span(millis(1)..millis(5)));
    let pace = if draw.chance(1, 4) { 0 } else { draw.log_within(500..8_000) };
    let round_trip = undisturbed::round_trip(latency, store);
    Timing {
        seed,
        latency,
        store,
        pace: Span::new(Duration::ZERO, Duration::from_micros(pace)),
        request_timeout: round_trip + draw.span(round_trip..round_trip * 3),
        shuffle: draw.chance(3, 4),
    }
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
