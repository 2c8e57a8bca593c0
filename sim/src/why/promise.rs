//! What several anomalies share: a promise that was not kept, and a commit that nothing had promised.

use twophase::Fact;
use twophase::kafka::protocol::Request;

use super::account::{Account, DealId, acknowledges, announces, completed, ends, name_of};
use super::story::Story;
use super::timeout;
use crate::event::What;
use crate::safe::is_safe;
use crate::site::{Ask, Operation};

/// A transaction that a durable checkpoint names was aborted.
pub(super) fn broken(account: &Account<'_>, deal: DealId) -> Story {
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let (name, told) = (account.name(deal), account.deal(deal));
    let checkpoint = told.is.checkpoint.map_or("its checkpoint".to_owned(), |id| id.to_string());
    story.rule = format!(
        "{checkpoint} is durable and names {name}: that is a promise. What is promised is committed, \
         however often it takes; nothing may abort it."
    );
    let Some(decided) = told.decided else { return story };
    let before = |other: Option<usize>| other.is_none_or(|other| decided < other);
    if told.is.timed_out && !is_safe(account.schedule) {
        story.broke = Some(decided);
        story.should_have = format!("leave {name} open until its commit comes");
        story.advice = timeout::advice(account, deal);
    } else if before(told.pre_committed) {
        story.broke = told.pre_committed;
        story.should_have = format!("fail {checkpoint}: {name} was aborted before");
    } else if before(told.promised) {
        story.broke = Some(decided);
        story.should_have = match account.first(
            0,
            |event| matches!(event.what, What::Noted(Fact::Expired(id)) if Some(*id) == told.is.checkpoint),
        ) {
            Some(_) => format!("keep {name}: a later checkpoint that completes takes it along"),
            None => format!("keep {name}: {checkpoint} has not failed, and may still complete"),
        };
        story.rule = format!(
            "Once {name} is acknowledged for {checkpoint} only the coordinator knows its fate: it is \
             kept until a checkpoint completes or a restore decides."
        );
    } else if told.is.timed_out {
        neglected(account, deal, &mut story);
    } else {
        story.broke = Some(decided);
        story.should_have = match account.events[decided].what {
            What::Applied { request: Request::InitProducerId(_), .. } => {
                format!("commit {name} first, then fence")
            }
            _ => format!("commit {name}"),
        };
        if let Some(passed) = passed_over(account, deal, decided) {
            mark_passed(account, deal, passed, &mut story);
        }
    }
    story
}

/// The broker timed it out, though there was time enough: its sink went on without it.
fn neglected(account: &Account<'_>, deal: DealId, story: &mut Story) {
    let until = account.deal(deal).decided.unwrap_or(account.len());
    match passed_over(account, deal, until) {
        Some(passed) => mark_passed(account, deal, passed, story),
        None => {
            story.broke = Some(until);
            story.should_have =
                format!("be too late: {} was to be committed long before", account.name(deal));
        }
    }
}

fn mark_passed(account: &Account<'_>, deal: DealId, passed: usize, story: &mut Story) {
    let name = account.name(deal);
    story.broke = Some(passed);
    story.should_have = match account.events[passed].what {
        What::Unanswered { .. } => format!("ask again, until the broker says that {name} is committed"),
        What::Applied { .. } => format!("find out what became of {name}, and commit it"),
        _ => format!("commit {name} too: it was promised before"),
    };
}

/// Where its sink went past a promised transaction without committing it: it gave up asking, or committed a later one.
pub(super) fn passed_over(account: &Account<'_>, deal: DealId, until: usize) -> Option<usize> {
    let told = account.deal(deal);
    let promised = told.promised?;
    let mine = |index: &usize| name_of(account.events[*index].who) == Some(told.is.writer);
    let asked = |index: &usize| {
        let event = &account.events[*index];
        match event.what {
            What::Unanswered { operation } => *operation == Operation::Ask(Ask::Commit),
            _ => ends(event).is_some_and(|(_, agreed)| !agreed) && account.concerns(*index, deal),
        }
    };
    let went_on = |index: &usize| {
        let event = &account.events[*index];
        let other = !account.concerns(*index, deal);
        match event.what {
            What::Noted(Fact::Committed(_)) => other,
            What::Noted(Fact::Restored) => true,
            _ => other && ends(event).is_some_and(|(_, agreed)| agreed),
        }
    };
    let after = || (promised + 1..until).filter(mine);
    after().filter(asked).last().or_else(|| after().find(went_on))
}

/// A transaction was committed that no durable checkpoint had promised.
pub(super) fn unfounded(account: &Account<'_>, deal: DealId) -> Story {
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let (name, told) = (account.name(deal), account.deal(deal));
    let checkpoint = told.is.checkpoint;
    let of = checkpoint.map_or("a checkpoint that names it".to_owned(), |id| id.to_string());
    story.rule = format!(
        "Until {of} is durable the next failure restores from before it, and sends the same records \
         again: what is committed too early is then there twice."
    );
    let decided = told.decided.unwrap_or(account.len() - 1);
    story.broke = Some(decided);
    story.should_have = match checkpoint {
        Some(_) => format!("wait, until {of} is durable"),
        None => format!("wait: {name} is not even pre-committed"),
    };
    let said_complete = account.last(decided, |event| {
        announces(event).is_some_and(|(id, to)| Some(id) >= checkpoint && to == told.is.writer)
    });
    let stored = checkpoint.and_then(|id| account.durable(id)).is_some_and(|stored| stored < decided);
    if let (Some(said), false, Some(id)) = (said_complete, stored, checkpoint) {
        // The sink believed what it was told.
        let first = account.first(0, |event| announces(event).is_some_and(|(announced, _)| announced >= id));
        let said = first.unwrap_or(said);
        let announced = announces(&account.events[said]).map_or(id, |(announced, _)| announced);
        story.broke = Some(said);
        story.should_have = format!("store {announced} first, then tell");
        story.rule = format!(
            "{announced} is complete when the store has it, not before: a sink commits on the word of the \
             coordinator, and a restore goes by the store."
        );
    }
    if told.is.abandoned && story.broke == Some(decided) {
        story.should_have = format!("abort {name}");
        story.rule = format!(
            "Its writer has restored since from a checkpoint that does not name {name}, and sends its \
             records again: what is left of it must be aborted."
        );
    }
    story
}

/// A checkpoint that was completed without everybody's part.
pub(super) fn incomplete(account: &Account<'_>, put: usize, record: twophase::RecordId) -> Option<Story> {
    let id = completed(&account.events[put])?.id;
    let all = (0..account.schedule.settings.parallelism).map(crate::site::Name::sink);
    let acknowledged = account.acknowledged(id, put);
    let missing: Vec<_> = all.filter(|sink| !acknowledged.contains(sink)).collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let acks = (0..put).filter(|index| acknowledges(&account.events[*index]) == Some(id));
    Some(Story {
        broke: Some(put),
        events: acks.collect(),
        should_have: format!("wait for the acknowledgement of {}", names.join(" and ")),
        rule: format!(
            "A checkpoint is complete when every sink has acknowledged it: without {} nobody knows how far {record} \
             and its split are.",
            names.join(" and ")
        ),
        processes: missing,
        ..Story::default()
    })
}
