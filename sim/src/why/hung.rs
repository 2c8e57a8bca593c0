//! Hung: the code under test never waits.

use super::account::{Account, name_of};
use super::panicked::is_telling;
use super::story::Story;
use crate::anomaly::{Concerned, Finding};

/// How many events of the process, before it hangs, are shown.
const BEFORE: usize = 8;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let spins = match finding.concerned {
        Some(Concerned::Process(name)) => Some(name),
        _ => None,
    };
    let mine = |index: &usize| {
        let event = &account.events[*index];
        (spins.is_none() || name_of(event.who) == spins) && is_telling(&event.what)
    };
    let events: Vec<_> = (0..account.len()).rev().filter(mine).take(BEFORE).collect();
    Story {
        broke: events.first().copied(),
        events,
        processes: spins.into_iter().collect(),
        should_have: "followed by a wait that gives way: env.clock().sleep(..).await".to_owned(),
        rule: "Time goes on only while everybody waits. Who looks at the clock again and again, and does not wait, \
               sees it stand still for ever."
            .to_owned(),
        ..Story::default()
    }
}
