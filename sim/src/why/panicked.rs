//! Panicked: the code under test panicked.

use super::account::{Account, announces, name_of};
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::What;

/// How many events of the process, before its panic, are shown.
const BEFORE: usize = 8;

pub(super) fn tell(account: &Account<'_>, _: &Finding) -> Story {
    let panicked = account.last(account.len(), |event| matches!(event.what, What::Panicked(_)));
    let Some(panicked) = panicked else { return Story::default() };
    let who = name_of(account.events[panicked].who);
    let before = (0..panicked).rev().filter(|index| {
        let event = &account.events[*index];
        name_of(event.who) == who && is_telling(&event.what)
    });
    let mut events: Vec<_> = before.take(BEFORE).collect();
    let from = events.last().copied().unwrap_or(panicked);
    let told = |index: &usize| announces(&account.events[*index]).is_some_and(|(_, to)| Some(to) == who);
    events.extend((from..panicked).filter(told));
    Story {
        events,
        processes: who.into_iter().collect(),
        broke: Some(panicked),
        should_have: "go on, or return an error that says what comes next".to_owned(),
        rule: "Lost, repeated and late messages, and whatever a restore finds, are no bugs of the caller: code that \
               meets them has an answer to each."
            .to_owned(),
        ..Story::default()
    }
}

/// Everything but the noise.
pub(super) fn is_telling(what: &What<'_>) -> bool {
    match what {
        What::Sent { label, .. } | What::Delivered { label, .. } => {
            !matches!(*label, "heartbeat" | "alive" | "progress")
        }
        _ => true,
    }
}
