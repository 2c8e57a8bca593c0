//! Stuck: something never ends.
//!
//! A transaction that was decided against its promise; one that is left open, so that readers wait below it; one whose
//! marker is missing; one that its sink does not learn the end of; or none at all, and the job itself goes in circles.

use twophase::Fact;
use twophase::kafka::protocol::Marker;

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
    if let Some(before) = late_batch(account, deal) {
        story.deals.insert(0, before);
        story.broke = Some(told.opened);
        story.should_have =
            format!("refuse it: {} has ended, and its sink opens no new one", account.name(before));
        story.rule = format!(
            "A batch that comes after the end of its transaction belongs to none. If it is taken it opens {name}, \
             which nobody knows of and nobody ends."
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

/// The transaction after whose end a late batch opened this one, under the same producer.
fn late_batch(account: &Account<'_>, deal: DealId) -> Option<DealId> {
    let told = account.deal(deal);
    let before = |other: &DealId| {
        let other = account.deal(*other);
        other.is.producer.id == told.is.producer.id
            && other.decided.is_some_and(|decided| decided < told.opened)
    };
    let earlier = account.named(&told.is.id).into_iter().filter(|other| *other < deal).rfind(before)?;
    told.began.is_none().then_some(earlier)
}

/// It was decided as it should, but a marker is missing, or its sink does not take the answer.
fn unheard(account: &Account<'_>, deal: DealId) -> Story {
    let (name, told) = (account.name(deal), account.deal(deal));
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let Some(decided) = told.decided else { return story };
    let written = account.first(decided, |event| matches!(event.what, What::MarkerWritten { .. }));
    let marked = written.is_some_and(|_| {
        (decided..account.len()).any(|index| {
            account.concerns(index, deal) && matches!(account.events[index].what, What::MarkerWritten { .. })
        })
    });
    if !marked {
        let back = account.first(decided, |event| matches!(event.what, What::BrokerUp));
        story.broke = back.or(Some(decided));
        story.should_have = format!("write the marker of {name}, which is still owed");
        story.rule = format!(
            "That {name} is to end is logged, and so outlives the coordinator: whoever takes over writes the markers \
             that are missing. Readers wait below {name} until then."
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
