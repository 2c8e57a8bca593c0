//! Aborted read: a record of an aborted transaction is visible.

use super::account::Account;
use super::say::seconds;
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
    let name = by.map_or("its transaction".to_owned(), |deal| account.name(deal));
    let when = by
        .and_then(|deal| account.deal(deal).decided)
        .map_or(String::new(), |decided| format!(", aborted at {}", seconds(account.events[decided].at)));
    Story {
        deals: by.into_iter().collect(),
        records: vec![record],
        broke: shown,
        should_have: format!("skip it: {name} was aborted"),
        rule: format!(
            "With what it reads a committed reader gets the list of aborted transactions, and passes over their \
             records. {name}{when}, is not in the list that it got."
        ),
        ..Story::default()
    }
}
