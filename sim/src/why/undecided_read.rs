//! Undecided read: a record is visible whose transaction has not ended, or not on this partition.
//!
//! Either readers were let past it, or a marker was written that was not its own.

use twophase::kafka::protocol::Marker;

use super::account::Account;
use super::promise;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::What;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(record) = finding.record else { return Story::default() };
    let shown = account.last(
        account.len(),
        |event| matches!(event.what, What::Visible { record: shown, .. } if shown.id == record),
    );
    let Some(shown) = shown else { return Story::default() };
    let Some(deal) = account.concerned(shown).first().copied() else { return Story::default() };
    let (name, told) = (account.name(deal), account.deal(deal));
    let mut story =
        Story { deals: vec![deal], records: vec![record], broke: Some(shown), ..Story::default() };
    story.rule = format!(
        "A committed reader reads up to the last stable offset, which lies below the first record of the \
         oldest transaction without a marker. Here that is {name} at the latest."
    );
    story.should_have = match told.is.decided {
        Some(Marker::Commit) => format!("wait for the commit marker of {name} on this partition"),
        _ => format!("wait: {name} has not ended"),
    };
    if let Some(before) = promise::reused(account, deal) {
        promise::not_initialised(account, deal, before, &mut story);
        return story;
    }
    let What::Visible { partition: on, .. } = account.events[shown].what else { return story };
    let stray = account.last(shown, |event| {
        matches!(event.what, What::MarkerWritten { partition, id, producer, .. }
            if partition == on && *id == told.is.id && producer.id == told.is.producer.id)
    });
    if let Some(stray) = stray.filter(|stray| *stray > told.opened && told.is.decided.is_none()) {
        let before = account.named(&told.is.id).into_iter().rfind(|other| *other < deal);
        let of = before.map_or("an earlier transaction".to_owned(), |before| account.name(before));
        story.deals.extend(before);
        story.broke = Some(stray);
        story.should_have = format!("refuse it: it is the marker of {of}, come late; {name} has not ended");
        story.rule = format!(
            "A marker ends the transaction it was decided for. {name} was opened after that one had ended."
        );
    }
    story
}
