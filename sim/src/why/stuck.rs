//! Stuck: something never ends.
//!
//! A transaction that was decided against its promise; one that is left open, so that readers wait below it; one whose
//! marker is missing; one that its sink does not learn the end of; or none at all, and the job itself goes in circles.

use twophase::Fact;
use twophase::kafka::protocol::{Marker, Request, Response};

use super::account::{Account, Deal, DealId, ends, name_of};
use super::promise;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::{Actor, What};

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let named = finding.transaction.as_ref().map_or_else(Vec::new, |id| account.named(id));
    let is = |wanted: fn(&Deal) -> bool| named.iter().rev().copied().find(|deal| wanted(account.deal(*deal)));
    if let Some(deal) = is(|deal| deal.is.is_wrong()) {
        return match account.deal(deal).is.decided {
            Some(Marker::Abort) => promise::broken(account, deal),
            _ => promise::unfounded(account, deal),
        };
    }
    if let Some(deal) = is(|deal| deal.is.decided.is_none()) {
        return open(account, deal);
    }
    match named.last() {
        Some(deal) => unheard(account, *deal),
        None => in_circles(account),
    }
}

/// Nobody ends it.
fn open(account: &Account<'_>, deal: DealId) -> Story {
    let (name, told) = (account.name(deal), account.deal(deal));
    let mut story = Story { deals: vec![deal], ..Story::default() };
    story.rule = format!(
        "Readers wait below the first record of {name} until it ends. Whoever follows a dead incarnation ends what \
         that one left: what was promised by commit, all else by abort."
    );
    if let Some(put) = overwritten(account, told.opened) {
        story.events =
            (0..put).filter(|index| matches!(account.events[*index].what, What::Put { .. })).collect();
        story.broke = Some(put);
        story.should_have = "refuse it: the head was written by its successor since".to_owned();
        story.rule = format!(
            "The head of a job is written only by who has read what is there: that fences a coordinator which does not \
             know of its successor. Now the head is not what the tasks were restored from, and {name} is not in it."
        );
        return story;
    }
    if let Some(ended) = ended_before(account, deal) {
        story.events = vec![ended];
        story.broke = Some(told.opened);
        story.should_have = format!("refuse it: INVALID_TXN_STATE, since {name} was ended before");
        story.rule = format!(
            "A batch that comes after the end of its transaction belongs to none. If it is taken it opens {name} anew: \
             nobody knows of that, nobody ends it, and readers wait below it."
        );
        return story;
    }
    let restored = account.first(told.opened, |event| {
        name_of(event.who) == Some(told.is.writer) && matches!(event.what, What::Noted(Fact::Restored))
    });
    story.broke = restored;
    story.should_have = match told.is.promised {
        true => format!("commit {name} first: it is promised"),
        false => format!("abort {name} first: nobody else will"),
    };
    if let (None, true) = (restored, told.is.promised) {
        story.broke = promise::passed_over(account, deal, account.len());
        story.should_have = format!("commit {name}");
    }
    story
}

/// Which write of a coordinator that was replaced went through.
fn overwritten(account: &Account<'_>, from: usize) -> Option<usize> {
    account
        .last(account.len(), |event| {
            matches!(event.who, Actor::Process { current: false, .. })
                && matches!(event.what, What::Put { version: Some(_), .. })
        })
        .filter(|put| *put > from)
}

/// By which event it was ended, after its sink had begun it and before its first batch arrived.
fn ended_before(account: &Account<'_>, deal: DealId) -> Option<usize> {
    let told = account.deal(deal);
    let from = told.began.or_else(|| {
        account
            .named(&told.is.id)
            .iter()
            .filter(|other| **other < deal)
            .find_map(|other| account.deal(*other).began)
    })?;
    let ended = account.last(told.opened, |event| match event.what {
        What::Applied { request: Request::EndTxn { id, .. }, response: Response::EndTxn(Ok(_)), .. } => {
            *id == told.is.id
        }
        _ => false,
    });
    ended.filter(|ended| *ended > from)
}

/// It was decided as it should, but a marker is missing, or its sink does not take the answer.
fn unheard(account: &Account<'_>, deal: DealId) -> Story {
    let (name, told) = (account.name(deal), account.deal(deal));
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let Some(decided) = told.decided else { return story };
    let loaded = account.first(decided, |event| matches!(event.what, What::BrokerUp));
    let marked = (decided..loaded.unwrap_or(account.len())).any(|index| {
        account.concerns(index, deal) && matches!(account.events[index].what, What::MarkerWritten { .. })
    });
    if !marked {
        story.broke = loaded.or(Some(decided));
        story.should_have = format!("write the marker of {name}, which is owed");
        story.rule = format!(
            "That {name} is to end is logged, and outlives the coordinator: whoever loads the log writes the markers \
             that are owed, and only then is it over. What the old one had sent finishes nothing."
        );
        return story;
    }
    let refused = (decided + 1..account.len()).find(|index| {
        ends(&account.events[*index]).is_some_and(|(_, agreed)| !agreed) && account.concerns(*index, deal)
    });
    let gave_up = account.first(decided, |event| {
        name_of(event.who) == Some(told.is.writer)
            && matches!(event.what, What::Ended(Err(_)) | What::Noted(Fact::GaveUp(_)))
    });
    let retold = (decided + 1..account.len())
        .find(|index| ends(&account.events[*index]).is_some() && account.concerns(*index, deal));
    story.broke = gave_up.or(refused).or(retold);
    story.should_have = format!("take {name} for committed before, and go on");
    story.rule = format!(
        "After a failure in window W5 the same commit is asked for again. {name} is committed: that it cannot be \
         committed twice is the answer that was hoped for, not a failure."
    );
    story
}

/// No transaction is to blame: the last thing that somebody gave up for.
fn in_circles(account: &Account<'_>) -> Story {
    let gave_up = account.last(account.len(), |event| {
        matches!(event.what, What::Ended(Err(_)) | What::Noted(Fact::GaveUp(_)))
    });
    let process = gave_up.and_then(|index| match account.events[index].who {
        Actor::Process { name, .. } => Some(name),
        _ => None,
    });
    Story {
        processes: process.into_iter().collect(),
        broke: gave_up,
        should_have: "go on: nothing that happened is beyond repair".to_owned(),
        rule: "Once everything is repaired a job comes to its end, from whatever it finds.".to_owned(),
        ..Story::default()
    }
}
