//! Where faults strike: on the path of a record, of a checkpoint, and of a restore.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::sample::select;
use twophase::Life;

use crate::site::{Ask, Name, Operation, Phase, Site};

/// Anywhere that a process can be struck: the gaps between two of these places are the crash windows. Of the
/// sinks, the first three.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::strategies;
///
/// proptest!(|(site in strategies::sites())| prop_assert!(site.ordinal > 0));
/// ```
pub fn sites() -> impl Strategy<Value = Site> + Clone {
    prop_oneof![
        4 => in_a_sink(Operation::Ask(Ask::Commit), 1..=8),
        2 => in_a_sink(Operation::Ask(Ask::Init), 1..=8),
        2 => in_a_sink(Operation::Ask(Ask::Produce), 1..=40),
        1 => in_a_sink(Operation::Ask(Ask::AddPartitions), 1..=12),
        1 => in_a_sink(Operation::Ask(Ask::Abort), 1..=2),
        1 => in_a_sink(Operation::Ask(Ask::List), 1..=1),
        1 => in_a_sink(Operation::Ask(Ask::Describe), 1..=3),
        2 => in_a_sink(send("ack"), 1..=6),
        1 => in_a_sink(Operation::Receive, 1..=40),
        2 => in_the_coordinator(Operation::Put, 1..=8),
        1 => in_the_coordinator(send("complete"), 1..=12),
        1 => in_the_coordinator(send("trigger"), 1..=12),
        1 => in_the_coordinator(send("deploy"), 1..=6),
        1 => in_the_coordinator(Operation::Receive, 1..=40),
    ]
}

/// Requests and messages, on their way there or back: what can be lost, late and repeated.
///
/// ```
/// use proptest::prelude::*;
/// use twophase_sim::site::Phase;
/// use twophase_sim::strategies;
///
/// proptest!(|(site in strategies::call_sites())| {
///     prop_assert!([Phase::Sent, Phase::Answered].contains(&site.phase));
/// });
/// ```
pub fn call_sites() -> impl Strategy<Value = Site> + Clone {
    let asked = prop_oneof![
        4 => in_a_sink(Operation::Ask(Ask::Commit), 1..=6),
        2 => in_a_sink(Operation::Ask(Ask::Init), 1..=6),
        2 => in_a_sink(Operation::Ask(Ask::Produce), 1..=40),
        1 => in_a_sink(Operation::Ask(Ask::AddPartitions), 1..=8),
        1 => in_a_sink(Operation::Ask(Ask::Abort), 1..=2),
        1 => in_a_sink(Operation::Ask(Ask::List), 1..=1),
        1 => in_a_sink(Operation::Ask(Ask::Describe), 1..=3),
        2 => in_the_coordinator(Operation::Put, 1..=8),
        1 => in_the_coordinator(Operation::Read, 1..=2),
    ];
    let sent = prop_oneof![
        2 => in_a_sink(send("ack"), 1..=6),
        1 => in_a_sink(send("heartbeat"), 1..=10),
        1 => in_a_sink(send("finished"), 1..=2),
        3 => in_the_coordinator(send("complete"), 1..=12),
        1 => in_the_coordinator(send("trigger"), 1..=12),
        1 => in_the_coordinator(send("deploy"), 1..=6),
        1 => in_the_coordinator(send("aborted"), 1..=4),
    ];
    prop_oneof![
        3 => (asked, select(vec![Phase::Sent, Phase::Answered])).prop_map(|(site, phase)| Site { phase, ..site }),
        2 => sent.prop_map(|site| Site { phase: Phase::Sent, ..site }),
    ]
}

fn send(label: &'static str) -> Operation {
    Operation::Send(Cow::Borrowed(label))
}

fn in_a_sink(operation: Operation, ordinals: RangeInclusive<u32>) -> BoxedStrategy<Site> {
    let sinks = (0_u16..3).prop_map(Name::sink);
    at(sinks, operation, ordinals)
}

fn in_the_coordinator(operation: Operation, ordinals: RangeInclusive<u32>) -> BoxedStrategy<Site> {
    at(Just(Name::COORDINATOR), operation, ordinals)
}

/// Late ones often do not come, so the first is as likely as all others.
fn at(
    processes: impl Strategy<Value = Name> + 'static,
    operation: Operation,
    ordinals: RangeInclusive<u32>,
) -> BoxedStrategy<Site> {
    let lives = prop_oneof![6 => Just(1), 2 => Just(2), 1 => Just(3)].prop_map(Life);
    let ordinals = prop_oneof![Just(1), ordinals];
    (lives, ordinals, select(&Phase::ALL[..]), processes)
        .prop_map(move |(life, ordinal, phase, process)| Site {
            process,
            life,
            operation: operation.clone(),
            ordinal,
            phase,
        })
        .boxed()
}
