//! Premature: a record is visible that no durable checkpoint covers; the next failure would replay it.

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
    let by = shown.and_then(|shown| account.concerned(shown).first().copied());
    let Some(deal) = by else { return Story { records: vec![record], ..Story::default() } };
    let told = account.deal(deal);
    let stored = || told.is.checkpoint.and_then(|id| account.durable(id));
    let put = told.promised.or_else(stored).filter(|put| Some(*put) < told.decided);
    let incomplete = put.and_then(|put| promise::incomplete(account, put, record));
    let mut story = incomplete.unwrap_or_else(|| promise::unfounded(account, deal));
    if !story.deals.contains(&deal) {
        story.deals.push(deal);
    }
    story.records.push(record);
    story
}
