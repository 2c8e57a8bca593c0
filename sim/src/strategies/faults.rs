//! What goes wrong. The simplest comes first, and is what shrinking ends at.

use std::ops::Range;
use std::time::Duration;

use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::sites::{call_sites, sites};
use crate::fault::{End, Fault};
use crate::site::Name;

/// So many faults; shrinking leaves out as many as it can.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::{Schedule, is_safe, strategies, subjects};
///
/// proptest!(strategies::config(16), |(faults in strategies::faults(1..4))| {
///     let mut schedule = Schedule { faults, ..Schedule::calm() };
///     schedule.make_safe();
///     strategies::check(&subjects::named("kafka").unwrap(), &schedule)?;
/// });
/// ```
pub fn faults(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Fault>> {
    vec(fault(), count)
}

/// One fault, of any kind that a seed can draw.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(fault in strategies::fault())| prop_assert!(!fault.kind().as_str().is_empty()));
/// ```
pub fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => crash(),
        4 => lose(),
        3 => delay(),
        2 => repeat(),
        1 => pause(),
        4 => zombie(),
        2 => stop(),
        1 => partition(),
        1 => broker_restart(),
        1 => coordinator_failover(),
        1 => slow_markers(),
        1 => repeat_markers(),
        1 => clock_jump(),
    ]
}

/// Whole milliseconds: nobody wants to read more digits.
pub(super) fn millis(range: Range<u64>) -> impl Strategy<Value = Duration> + Clone {
    range.prop_map(Duration::from_millis)
}

/// While a job reads, and a little longer.
fn times() -> impl Strategy<Value = Duration> {
    millis(0..800)
}

fn processes() -> impl Strategy<Value = Name> {
    select(vec![Name::sink(0), Name::sink(1), Name::sink(2), Name::COORDINATOR])
}

fn crash() -> BoxedStrategy<Fault> {
    (sites(), millis(1..60)).prop_map(|(at, restart_after)| Fault::Crash { at, restart_after }).boxed()
}

fn lose() -> BoxedStrategy<Fault> {
    call_sites().prop_map(|at| Fault::Lose { at }).boxed()
}

fn delay() -> BoxedStrategy<Fault> {
    (call_sites(), millis(2..250)).prop_map(|(at, by)| Fault::Delay { at, by }).boxed()
}

fn repeat() -> BoxedStrategy<Fault> {
    (call_sites(), millis(1..250)).prop_map(|(at, after)| Fault::Repeat { at, after }).boxed()
}

fn pause() -> BoxedStrategy<Fault> {
    (sites(), millis(1..250)).prop_map(|(at, lasts)| Fault::Pause { at, lasts }).boxed()
}

fn zombie() -> BoxedStrategy<Fault> {
    let parts = (sites(), millis(1..40), millis(0..150));
    parts
        .prop_map(|(at, replaced_after, wakes_after)| Fault::Zombie { at, replaced_after, wakes_after })
        .boxed()
}

fn stop() -> BoxedStrategy<Fault> {
    let parts = ((0_u16..3).prop_map(Name::sink), times(), millis(1..60));
    parts.prop_map(|(process, at, restart_after)| Fault::Stop { process, at, restart_after }).boxed()
}

fn partition() -> BoxedStrategy<Fault> {
    let coordinator = End::Process(Name::COORDINATOR);
    let sides = (0_u16..3).prop_flat_map(move |sink| {
        let sink = End::Process(Name::sink(sink));
        select(vec![(sink, End::Broker), (sink, coordinator), (coordinator, End::Store)])
    });
    (sides, any::<bool>(), any::<bool>(), times(), millis(5..250))
        .prop_map(|((one, other), turned, both_ways, at, lasts)| {
            let (from, to) = if turned { (other, one) } else { (one, other) };
            Fault::Partition { from, to, both_ways, at, lasts }
        })
        .boxed()
}

fn broker_restart() -> BoxedStrategy<Fault> {
    (times(), millis(5..120)).prop_map(|(at, lasts)| Fault::BrokerRestart { at, lasts }).boxed()
}

fn coordinator_failover() -> BoxedStrategy<Fault> {
    let parts = (times(), millis(5..120), millis(0..100));
    parts.prop_map(|(at, lasts, clock_ahead)| Fault::CoordinatorFailover { at, lasts, clock_ahead }).boxed()
}

fn slow_markers() -> BoxedStrategy<Fault> {
    let parts = (times(), millis(5..300), millis(5..120));
    parts.prop_map(|(at, lasts, by)| Fault::SlowMarkers { at, lasts, by }).boxed()
}

fn repeat_markers() -> BoxedStrategy<Fault> {
    let parts = (times(), millis(5..800), millis(1..300));
    parts.prop_map(|(at, lasts, after)| Fault::RepeatMarkers { at, lasts, after }).boxed()
}

fn clock_jump() -> BoxedStrategy<Fault> {
    (processes(), times(), millis(1..200), any::<bool>())
        .prop_map(|(process, at, by, backwards)| Fault::ClockJump { process, at, by, backwards })
        .boxed()
}
