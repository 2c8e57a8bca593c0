//! A loss through a transaction timeout: the settings, what would have been safe, and how long the outage was.

use std::time::Duration;

use twophase::Fact;

use super::account::{Account, DealId, name_of};
use super::say::{Long, seconds};
use crate::event::What;
use crate::safe::safe_rule;

/// What is to be said of the settings that let this transaction time out.
pub(super) fn advice(account: &Account<'_>, deal: DealId) -> Vec<String> {
    let (name, told) = (account.name(deal), account.deal(deal));
    let settings = &account.schedule.settings;
    let opened = account.events[told.opened].at;
    let aborted = told.decided.map_or(opened, |decided| account.events[decided].at);
    let mut said = vec![format!(
        "transaction_timeout = {}: {name} was open from {} until it was aborted at {}, for {}; \
         checkpoint_interval = {}, checkpoint_timeout = {}.",
        Long(settings.transaction_timeout),
        seconds(opened),
        seconds(aborted),
        millis(aborted - opened),
        Long(settings.checkpoint_interval),
        Long(settings.checkpoint_timeout),
    )];
    said.push(outage(account, deal).unwrap_or_else(|| {
        "Nothing was away meanwhile: it is shorter than a checkpoint and its commit take.".to_owned()
    }));
    let rule = safe_rule(account.schedule);
    let (term, length) = rule.largest();
    if settings.transaction_timeout < rule.needed() {
        said.push(format!(
            "Safe, wherever these faults strike: transaction_timeout >= {}, of which {} is for {term}.",
            Long(rule.needed()),
            Long(length)
        ));
    }
    said
}

/// How long its sink, or the broker, was away while it was open.
fn outage(account: &Account<'_>, deal: DealId) -> Option<String> {
    let told = account.deal(deal);
    let until = told.decided?;
    let writer = Some(told.is.writer);
    let mine = |index: usize| name_of(account.events[index].who) == writer;
    let down = |index: &usize| match account.events[*index].what {
        What::Crashed | What::Paused | What::AskedToStop | What::Ended(Err(_)) => mine(*index),
        What::BrokerDown => true,
        _ => false,
    };
    let from = (told.opened..until).find(down)?;
    let broker = matches!(account.events[from].what, What::BrokerDown);
    let back = |index: &usize| match account.events[*index].what {
        What::Noted(Fact::Restored) | What::Resumed => !broker && mine(*index),
        What::BrokerUp => broker,
        _ => false,
    };
    let who = if broker { "the broker".to_owned() } else { told.is.writer.to_string() };
    let (since, aborted) = (account.events[from].at, account.events[until].at);
    Some(match (from..account.len()).find(back) {
        Some(to) => {
            let to = account.events[to].at;
            let when = if to <= aborted { "before" } else { "when it was too late" };
            format!(
                "The outage: {who} was away from {} to {}, for {}; it was back {when}.",
                seconds(since),
                seconds(to),
                millis(to - since)
            )
        }
        None => format!(
            "The outage: {who} was away from {} on, for {} until the abort and longer.",
            seconds(since),
            millis(aborted.saturating_sub(since))
        ),
    })
}

/// Whole milliseconds: nobody sets a timeout to the microsecond.
fn millis(micros: u64) -> String {
    Long(Duration::from_millis(micros / 1_000)).to_string()
}
