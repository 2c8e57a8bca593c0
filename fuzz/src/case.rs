//! A correct subject and a schedule that it must survive, as bytes.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use twophase::Settings;
use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase_sim::schedule::{BrokerSettings, Span, Timing};
use twophase_sim::{Keep, Saved, Schedule, Verdict, play, subjects};

use crate::faults::faults;
use crate::tape::{Reader, Tape, Writer, choice, count, micros, millis};

/// What is played: those of the correct subjects that are not one another under another name.
const SUBJECTS: [&str; 2] = ["kafka", SENDS_AGAIN];
const SENDS_AGAIN: &str = "sends-again";

/// A correct subject, and a schedule inside the safe rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The name of the subject.
    pub subject: &'static str,
    /// What it is to survive.
    pub schedule: Schedule,
}

impl Case {
    /// The case that these bytes are; there is one for any bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Case::arbitrary(&mut Unstructured::new(bytes)).expect("no bytes are rejected")
    }

    /// The bytes for this schedule, as near as they can come to it. The payloads are not among them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tape = Writer::default();
        case(&mut tape, &mut self.clone());
        tape.0
    }

    /// Plays it.
    ///
    /// # Panics
    /// If there is an anomaly, with the schedule as a file.
    pub fn check(self) {
        let subject = subjects::named(self.subject).expect("it comes along");
        let schedule = Arc::new(self.schedule);
        let outcome = play(&subject, &schedule, Keep::default());
        if let Verdict::Held | Verdict::Vacuous = outcome.verdict {
            return;
        }
        let saved = Saved::of(&subject, &schedule, &outcome);
        let file = serde_json::to_string_pretty(&saved).expect("a schedule can be written");
        panic!("{}: {:?}\nas a file for `twophase replay`:\n{file}", subject.name, outcome.verdict);
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut read = Case { subject: SUBJECTS[0], schedule: Schedule::calm() };
        case(&mut Reader(bytes), &mut read);
        read.schedule.make_safe();
        if read.subject == SENDS_AGAIN {
            // It does not begin a new life before it sends again, and so nothing fences its late batches: without
            // verification they are never ended (KIP-890), which no broker since Kafka 3.6 does.
            read.schedule.broker.verification = true;
        }
        Ok(read)
    }
}

fn case(tape: &mut impl Tape, case: &mut Case) {
    choice(tape, &mut case.subject, &SUBJECTS);
    let schedule = &mut case.schedule;
    choice(tape, &mut schedule.protocol, &[Protocol::V1, Protocol::V2]);
    choice(tape, &mut schedule.naming, &[Naming::PerTransaction, Naming::Pool]);
    shape(tape, &mut schedule.settings);
    clocks(tape, &mut schedule.settings);
    around(tape, &mut schedule.broker, &mut schedule.timing);
    micros(tape, &mut schedule.heal_at, 0..=1_200_000);
    records(tape, schedule);
    faults(tape, &mut schedule.faults);
}

fn shape(tape: &mut impl Tape, settings: &mut Settings) {
    count(tape, &mut settings.parallelism, 1..=3);
    count(tape, &mut settings.splits, 1..=9);
    count(tape, &mut settings.partitions, 1..=3);
    count(tape, &mut settings.checkpoints_in_flight, 1..=3);
    count(tape, &mut settings.checkpoint_failures, 1..=3);
    count(tape, &mut settings.batch, 1..=8);
    choice(tape, &mut settings.chained, &[false, true]);
    count(tape, &mut settings.queue, 1..=6);
}

/// Those that are too short are lengthened afterwards.
fn clocks(tape: &mut impl Tape, settings: &mut Settings) {
    micros(tape, &mut settings.checkpoint_interval, 5_000..=200_000);
    micros(tape, &mut settings.checkpoint_timeout, 1_000..=3_000_000);
    micros(tape, &mut settings.checkpoint_pause, 0..=20_000);
    micros(tape, &mut settings.heartbeat_interval, 20_000..=60_000);
    micros(tape, &mut settings.heartbeat_timeout, 1_000..=1_000_000);
    micros(tape, &mut settings.restart_delay, 1_000..=30_000);
    micros(tape, &mut settings.restart_delay_max, 1_000..=120_000);
    millis(tape, &mut settings.transaction_timeout, 1..=60_000);
    micros(tape, &mut settings.retry_backoff, 1_000..=8_000);
}

fn around(tape: &mut impl Tape, broker: &mut BrokerSettings, timing: &mut Timing) {
    micros(tape, &mut broker.sweep_interval, 10_000..=300_000);
    micros(tape, &mut broker.sweep_phase, 0..=300_000);
    span(tape, &mut broker.markers, 0..=0, 20_000);
    choice(tape, &mut broker.verification, &[true, false]);
    count(tape, &mut timing.seed.0, 0..=u64::MAX);
    span(tape, &mut timing.latency, 100..=1_000, 10_000);
    span(tape, &mut timing.store, 0..=0, 5_000);
    span(tape, &mut timing.pace, 0..=0, 8_000);
    micros(tape, &mut timing.request_timeout, 1_000..=120_000);
    choice(tape, &mut timing.shuffle, &[false, true]);
}

/// From one of `mins` to at most so much more.
fn span(tape: &mut impl Tape, span: &mut Span, mins: RangeInclusive<u64>, most: u64) {
    let mut more = span.max.saturating_sub(span.min);
    micros(tape, &mut span.min, mins);
    micros(tape, &mut more, 0..=most);
    span.max = span.min + more;
}

/// Each with a payload of its own, dealt out to the splits.
fn records(tape: &mut impl Tape, schedule: &mut Schedule) {
    let mut records = schedule.records();
    count(tape, &mut records, 0..=96);
    let splits = usize::from(schedule.settings.splits);
    schedule.input = vec![Vec::new(); splits];
    for number in 0..records {
        schedule.input[number % splits].push(format!("record {number}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use twophase_sim::{Generator, Seed, is_safe};

    #[test]
    fn what_the_generator_draws_is_read_back_from_its_bytes() {
        for seed in 0..1_000 {
            let schedule =
                Generator::default().schedule(Seed(seed)).expect("made-up records can always be read");
            let written = Case { subject: "kafka", schedule };
            let mut read = Case::from_bytes(&written.to_bytes());
            let lengths = |case: &Case| case.schedule.input.iter().map(Vec::len).collect::<Vec<_>>();
            assert_eq!(lengths(&read), lengths(&written));
            read.schedule.input = written.schedule.input.clone();
            assert_eq!(read, written, "{seed}");
        }
    }

    #[test]
    fn without_any_bytes_there_is_a_case_too() {
        let Case { schedule, .. } = Case::from_bytes(&[]);
        assert!(schedule.check().is_ok() && is_safe(&schedule));
        assert_eq!(schedule.heal_at, Duration::ZERO);
    }
}
