//! Whole schedules, of their parts.

use std::time::Duration;

use proptest::prelude::*;
use twophase::Payload;
use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;

use super::faults::{faults, millis};
use super::job::{broker, payloads, settings, timing};
use crate::fault::Fault;
use crate::generate::alone::aim_elsewhere;
use crate::generate::{Generator, Safety};
use crate::schedule::Schedule;
use crate::shrink::within::names_mut;
use crate::subject::Subject;

const MOST_FAULTS: usize = 8;
const MOST_RECORDS: usize = 96;

/// Schedules inside the safe rule, for subjects that take any protocol and naming.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::{is_safe, strategies};
///
/// proptest!(strategies::config(64), |(schedule in strategies::schedules())| {
///     prop_assert!(is_safe(&schedule));
///     prop_assert_eq!(schedule.check(), Ok(()));
/// });
/// ```
pub fn schedules() -> impl Strategy<Value = Schedule> {
    of(Generator::default(), Safety::Safe)
}

/// Schedules for this subject: with its protocol and naming, its input, and for a process without a coordinator no fault of
/// one. Inside the safe rule, but for subjects that are about what happens outside it.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::{strategies, subjects};
///
/// let subject = subjects::named("kafka-v2-pool").unwrap();
/// proptest!(strategies::config(16), |(schedule in strategies::schedules_for(&subject))| {
///     strategies::check(&subject, &schedule)?;
/// });
/// ```
///
/// # Panics
/// When a schedule is drawn and the subject's own input cannot be read.
pub fn schedules_for(subject: &Subject) -> impl Strategy<Value = Schedule> + use<> {
    of(subject.pin(Generator::default()), subject.safety)
}

/// The order is that in which proptest shrinks.
fn of(pinned: Generator, safety: Safety) -> impl Strategy<Value = Schedule> {
    let Generator { protocol, naming, alone, input, .. } = pinned;
    let records: BoxedStrategy<Vec<Payload>> = match input {
        None => payloads(1..MOST_RECORDS).boxed(),
        Some(input) => (1..MOST_RECORDS, any::<u64>().no_shrink())
            .prop_map(move |(count, place)| {
                input.window(place, count).expect("the subject's input can be read")
            })
            .boxed(),
    };
    let protocols = protocol.map_or(vec![Protocol::V2, Protocol::V1], |protocol| vec![protocol]);
    let namings = naming.map_or(vec![Naming::PerTransaction, Naming::Pool], |naming| vec![naming]);
    let how = (prop::sample::select(protocols), prop::sample::select(namings));
    // In percent of what the safe rule asks for.
    let timeouts = match safety {
        Safety::Safe => 100_u32..150,
        Safety::Unsafe => 5..100,
    };
    (faults(0..=MOST_FAULTS), records, settings(), how, timing(), broker(), millis(250..1_200), timeouts)
        .prop_map(move |(faults, records, settings, (protocol, naming), timing, broker, heal_at, timeout)| {
            let input = dealt(records, settings.splits.into());
            let mut schedule =
                Schedule { settings, protocol, naming, broker, timing, heal_at, faults, input };
            let sinks = schedule.settings.parallelism;
            schedule.faults.iter_mut().for_each(|fault| strike_one_of(sinks, fault));
            if alone {
                schedule.faults.iter_mut().for_each(|fault| aim_elsewhere(fault, sinks));
            }
            schedule.make_safe();
            let needed = &mut schedule.settings.transaction_timeout;
            *needed = Duration::from_millis((needed.as_millis() as u64 * u64::from(timeout)).div_ceil(100));
            schedule
        })
}

fn dealt(records: Vec<Payload>, splits: usize) -> Vec<Vec<Payload>> {
    let mut dealt = vec![Vec::new(); splits];
    for (number, record) in records.into_iter().enumerate() {
        dealt[number % splits].push(record);
    }
    dealt
}

/// A fault of a sink that there is not strikes one that there is.
fn strike_one_of(sinks: u16, fault: &mut Fault) {
    names_mut(fault).into_iter().for_each(|name| name.index %= sinks);
}
