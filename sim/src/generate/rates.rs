//! How often a kind of fault strikes, where a test says so. What it does not say stays as it is drawn: each kind
//! has a stream of its own.

use super::aim::{Aim, Family};
use crate::fault::{Fault, FaultKind};
use crate::ratio::Ratio;

/// How often a fault is drawn before it is given up: the rarest kind is one in eight of its family.
const TRIES: u32 = 1_000;

/// Makes `faults` have, or not have, faults of this kind, as the stream of `aim` decides.
pub(super) fn keep_to(
    aim: &mut Aim<'_>,
    kind: FaultKind,
    rate: Ratio,
    may: impl Fn(&Fault) -> bool,
    faults: &mut Vec<Fault>,
) {
    let is_wanted = aim.draw.chance(rate.part.into(), rate.whole.into());
    let is_there = faults.iter().any(|fault| fault.kind() == kind);
    match (is_wanted, is_there) {
        (false, _) => faults.retain(|fault| fault.kind() != kind),
        (true, true) => {}
        (true, false) => add(aim, kind, may, faults),
    }
}

/// One to three of this kind.
pub(super) fn add(aim: &mut Aim<'_>, kind: FaultKind, may: impl Fn(&Fault) -> bool, faults: &mut Vec<Fault>) {
    for _ in 0..1 + aim.draw.below(3) {
        faults.extend(one(aim, kind, &may));
    }
}

fn one(aim: &mut Aim<'_>, kind: FaultKind, may: &impl Fn(&Fault) -> bool) -> Option<Fault> {
    for _ in 0..TRIES {
        let family = *aim.draw.pick(families_of(kind));
        aim.add(family);
        let drawn = aim.faults.drain(..).find(|fault| fault.kind() == kind && may(fault));
        if drawn.is_some() {
            return drawn;
        }
    }
    None
}

fn families_of(kind: FaultKind) -> &'static [Family] {
    match kind {
        FaultKind::Crash => &[Family::Crash, Family::Crash, Family::CrashOfCoordinator],
        FaultKind::Pause => &[Family::Pause],
        FaultKind::Zombie => &[Family::Zombie, Family::Zombie, Family::ZombieCoordinator],
        FaultKind::Stop => &[Family::Stop],
        FaultKind::Lose | FaultKind::Delay | FaultKind::Repeat => &[Family::Request, Family::Message],
        FaultKind::LoseAnswer => &[Family::Request],
        FaultKind::Partition => &[Family::Partition],
        FaultKind::BrokerRestart
        | FaultKind::CoordinatorFailover
        | FaultKind::SlowMarkers
        | FaultKind::RepeatMarkers => &[Family::Broker],
        FaultKind::ClockJump => &[Family::Clock],
    }
}
