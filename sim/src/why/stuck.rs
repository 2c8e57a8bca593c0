//! Stuck: something never ends.
//!
//! A transaction that was decided against its promise; one that is left open, so that readers wait below it; one whose
//! marker is missing; one that its sink does not learn the end of; or none at all, and the job itself goes in circles.

use twophase::Fact;
use twophase::kafka::protocol::{Marker, Request, Response};

use super::account::{Account, Deal, DealId, ends, name_of};
use super::promise;
use super::story::Story;
use super::timeout;
use crate::anomaly::{Concerned, Finding};
use crate::event::{Actor, Event, What};
use crate::safe::is_safe;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(deal) = about(account, finding) else { return in_circles(account, Story::default()) };
    let told = account.deal(deal);
    match told.is.decided {
        Some(Marker::Abort) if told.is.is_wrong() => promise::broken(account, deal),
        Some(Marker::Commit) if told.is.is_wrong() => promise::unfounded(account, deal),
        Some(_) => unheard(account, deal),
        None => open(account, deal),
    }
}

/// Whose story it is: the transaction that is said to be open, or below which readers wait; of those that the finding
/// names, one that went wrong, one that its sink has to learn the end of, or one that is open.
fn about(account: &Account<'_>, finding: &Finding) -> Option<DealId> {
    let all = || (0..account.deals.len()).rev();
    let is_named = |deal: &DealId| Some(&account.deal(*deal).is.id) == finding.transaction.as_ref();
    // Whoever cannot get past this one starts anew for ever, and what is open then is only a symptom.
    let is_in_the_way = |deal: &DealId| {
        let is = &account.deal(*deal).is;
        is.is_unknown_to_its_sink() && is.decided == Some(Marker::Commit) && refused(account, *deal).is_some()
    };
    if let Some(deal) = all().filter(is_named).find(is_in_the_way) {
        return Some(deal);
    }
    match &finding.concerned {
        Some(Concerned::Open(id)) => {
            if let Some(deal) = all().find(|deal| account.deal(*deal).is.id == *id) {
                return Some(deal);
            }
        }
        Some(Concerned::ReadersOf(_)) => {
            return all().find(|deal| account.deal(*deal).is.decided.is_none());
        }
        _ => {}
    }
    let named = |is: fn(&Deal) -> bool| all().filter(is_named).find(|deal| is(account.deal(*deal)));
    named(|deal| deal.is.is_wrong())
        .or_else(|| named(|deal| deal.is.is_unknown_to_its_sink()))
        .or_else(|| named(|deal| deal.is.decided.is_none()))
        .or_else(|| named(|_| true))
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
        let before = account
            .named(&told.is.id)
            .into_iter()
            .rfind(|other| *other < deal && account.deal(*other).is.producer == told.is.producer);
        let ended = before.map_or(name.clone(), |before| account.name(before));
        story.deals.extend(before);
        story.should_have = format!("refuse it: INVALID_TXN_STATE, since {ended} was ended before");
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
    match story.broke {
        Some(_) => story,
        None => in_circles(account, story),
    }
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

/// The first request to end it that was refused after it had been decided.
fn refused(account: &Account<'_>, deal: DealId) -> Option<usize> {
    let decided = account.deal(deal).decided?;
    (decided + 1..account.len()).find(|index| {
        ends(&account.events[*index]).is_some_and(|(_, agreed)| !agreed) && account.concerns(*index, deal)
    })
}

/// By which event the next transaction of the same producer was aborted, under the same name.
fn aborted_since(account: &Account<'_>, deal: DealId) -> Option<usize> {
    let told = account.deal(deal);
    account.first(told.decided? + 1, |event| match event.what {
        What::Applied {
            request: Request::EndTxn { id, producer, marker: Marker::Abort, .. },
            response: Response::EndTxn(Ok(_)),
            ..
        } => *id == told.is.id && *producer == told.is.producer,
        _ => false,
    })
}

/// After so long, in microseconds, a marker is not on its way any more.
const MARKERS_TAKE: u64 = 5_000_000;

/// It was decided as it should, but a marker is missing, or its sink does not take the answer.
fn unheard(account: &Account<'_>, deal: DealId) -> Story {
    let (name, told) = (account.name(deal), account.deal(deal));
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let Some(decided) = told.decided else { return story };
    let loaded = account.first(decided, |event| matches!(event.what, What::BrokerUp));
    let marked = (decided..loaded.unwrap_or(account.len())).any(|index| {
        account.concerns(index, deal) && matches!(account.events[index].what, What::MarkerWritten { .. })
    });
    let quiet = account.events.last().map_or(0, |last| last.at - account.events[decided].at);
    if !marked && loaded.is_none() && quiet < MARKERS_TAKE {
        return in_circles(account, story); // it is on its way
    }
    if !marked {
        story.broke = loaded.or(Some(decided));
        story.should_have = format!("write the marker of {name}, which is owed");
        story.rule = format!(
            "That {name} is to end is logged, and outlives the coordinator: whoever loads the log writes the markers \
             that are owed, and only then is it over. What the old one had sent finishes nothing."
        );
        return story;
    }
    if told.is.decided == Some(Marker::Abort) {
        return in_circles(account, story); // as it should be, and over
    }
    if let Some(aborted) = aborted_since(account, deal) {
        story.broke = Some(aborted);
        story.should_have =
            "be of another epoch: a producer is initialised before each transaction".to_owned();
        story.rule = format!(
            "A producer that begins its next transaction without a new init ends it under the same name and epoch. \
             Who asks for the commit of {name} again is told of the end of that one, which was aborted."
        );
        return story;
    }
    let refused = refused(account, deal);
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

/// How many of the last turns are shown of a job that goes in circles.
const LAST: usize = 12;

/// No one transaction is to blame. If they time out again and again, the settings are; otherwise what was said when the
/// job failed for the last time.
fn in_circles(account: &Account<'_>, story: Story) -> Story {
    let timed_out = (0..account.deals.len()).rev().find(|deal| account.deal(*deal).is.timed_out);
    if let (Some(deal), false) = (timed_out, is_safe(account.schedule)) {
        let name = account.name(deal);
        return Story {
            deals: vec![deal],
            broke: account.deal(deal).decided,
            should_have: format!("leave {name} open until its checkpoint completes"),
            rule: "A transaction has to live until its checkpoint is complete and its commit has come. Here they time \
                   out before that, and the job starts anew each time."
                .to_owned(),
            advice: timeout::advice(account, deal),
            ..Story::default()
        };
    }
    let gave_up = |event: &Event<'_>| match event.what {
        What::Ended(Err(_)) | What::Noted(Fact::GaveUp(_)) => true,
        What::Sent { label, .. } => label == "failed",
        _ => false,
    };
    let is_turn = |event: &Event<'_>| {
        gave_up(event)
            || matches!(event.what, What::Noted(Fact::Restarting(_) | Fact::Triggered(_) | Fact::Expired(_)))
            || ends(event).is_some_and(|(_, agreed)| !agreed)
    };
    let turns = (0..account.len()).rev().filter(|index| is_turn(&account.events[*index]));
    Story {
        events: turns.take(LAST).collect(),
        broke: account.last(account.len(), gave_up),
        should_have: "go on: nothing that happened is beyond repair".to_owned(),
        rule: "Once everything is repaired a job comes to its end, from whatever it finds. This one starts anew again \
               and again; these are its last turns."
            .to_owned(),
        ..story
    }
}
