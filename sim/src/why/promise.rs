//! What several anomalies share: a promise that was not kept, and a commit that nothing had promised.

use twophase::Fact;
use twophase::kafka::protocol::{Marker, Request};

use super::account::{Account, DealId, acknowledges, announces, completed, ends, name_of};
use super::story::Story;
use super::timeout;
use crate::event::{Actor, What};
use crate::safe::is_safe;
use crate::site::{Ask, Operation};

/// A transaction that a durable checkpoint names was aborted.
pub(super) fn broken(account: &Account<'_>, deal: DealId) -> Story {
    let mut story = Story { deals: vec![deal], ..Story::default() };
    let (name, told) = (account.name(deal), account.deal(deal));
    let pre_committed_for = told.is.checkpoint.map_or("its checkpoint".to_owned(), |id| id.to_string());
    let promised_by = told.promised.and_then(|put| completed(&account.events[put]));
    let promised_by = promised_by.map_or(pre_committed_for.clone(), |completed| completed.id.to_string());
    let named = match promised_by == pre_committed_for {
        true => format!("{promised_by} is durable and names {name}"),
        false => format!("{promised_by} is durable and covers {name}, pre-committed for {pre_committed_for}"),
    };
    story.rule =
        format!("{named}: that is a promise. It is committed, however often it takes; nothing may abort it.");
    let Some(decided) = told.decided else { return story };
    let before = |other: Option<usize>| other.is_none_or(|other| decided < other);
    let by_init =
        matches!(account.events[decided].what, What::Applied { request: Request::InitProducerId(_), .. });
    if let Actor::Process { current: false, .. } = account.events[decided].who {
        story.broke = Some(decided);
        story.should_have = format!("leave {name} alone: it is its successor's");
        story.rule = format!(
            "A zombie must not be able to end what its successor has opened. Whoever initialises a name last owns \
             it, so the names of two incarnations have to differ. Later {named}: that was a promise."
        );
    } else if by_init && !has_restarted(account, deal, decided) {
        story.broke = Some(decided);
        story.should_have = format!("another name: {} is in use", told.is.id);
        story.rule += " Whoever initialises a name takes it over, and aborts what is open under it. Here nobody had \
                       died: two users, or two jobs, have the same names.";
    } else if told.is.timed_out && !is_safe(account.schedule) {
        story.broke = Some(decided);
        story.should_have = format!("leave {name} open until its commit comes");
        story.advice = timeout::advice(account, deal);
    } else if before(told.pre_committed) {
        story.broke = told.pre_committed;
        story.should_have = format!("fail {pre_committed_for}: {name} was aborted before");
    } else if before(told.promised) {
        let given_up = account.first(
            0,
            |event| matches!(event.what, What::Noted(Fact::Expired(id)) if Some(*id) == told.is.checkpoint),
        );
        story.broke = Some(decided);
        story.should_have = match given_up {
            Some(_) => format!("keep {name}: a later checkpoint that completes takes it along"),
            None => format!("keep {name}: {pre_committed_for} has not failed, and may still complete"),
        };
        story.rule = format!(
            "Once {name} is acknowledged for {pre_committed_for} only the coordinator knows its fate: it is \
             kept until a checkpoint completes or a restore decides."
        );
    } else if told.is.timed_out {
        neglected(account, deal, &mut story);
    } else {
        story.broke = Some(decided);
        story.should_have = match by_init {
            true => format!("commit {name} first, then fence"),
            false => format!("commit {name}"),
        };
        if let Some(passed) = passed_over(account, deal, decided) {
            mark_passed(account, deal, passed, &mut story);
        }
    }
    story
}

/// Whether the writer of a transaction began anew while that was open.
fn has_restarted(account: &Account<'_>, deal: DealId, until: usize) -> bool {
    let told = account.deal(deal);
    (told.opened..until).any(|index| {
        let event = &account.events[index];
        name_of(event.who) == Some(told.is.writer) && matches!(event.what, What::Noted(Fact::Restoring(..)))
    })
}

/// The broker timed it out, though there was time enough: its sink went on without it.
fn neglected(account: &Account<'_>, deal: DealId, story: &mut Story) {
    let decided = account.deal(deal).decided.unwrap_or(account.len());
    let told = || told_complete(account, deal).filter(|told| *told < decided);
    match passed_over(account, deal, decided).or_else(told) {
        Some(passed) => mark_passed(account, deal, passed, story),
        None => {
            story.broke = Some(decided);
            story.should_have = format!("find {} committed long before", account.name(deal));
        }
    }
}

/// When its sink heard that a checkpoint is complete that covers it.
fn told_complete(account: &Account<'_>, deal: DealId) -> Option<usize> {
    let told = account.deal(deal);
    let said = account
        .first(told.promised?, |event| announces(event).is_some_and(|(_, to)| to == told.is.writer))?;
    account.first(said, |event| {
        name_of(event.who) == Some(told.is.writer)
            && matches!(event.what, What::Delivered { label: "complete", .. })
    })
}

fn mark_passed(account: &Account<'_>, deal: DealId, passed: usize, story: &mut Story) {
    let name = account.name(deal);
    story.broke = Some(passed);
    let went_on = ends(&account.events[passed]).is_some_and(|(_, agreed)| agreed);
    story.should_have = match account.events[passed].what {
        _ if went_on => format!("commit {name} too: it was promised before"),
        What::Unanswered { .. } => format!("followed by the same request, until {name} is committed"),
        What::Applied { .. } => format!("find out what became of {name}, and commit it"),
        What::Delivered { .. } => format!("followed by the commit of {name}"),
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
            _ => other && ends(event) == Some((Marker::Commit, true)),
        }
    };
    let after = || (promised + 1..until).filter(mine);
    after().rfind(asked).or_else(|| after().find(went_on))
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
    if let Some(before) = reused(account, deal) {
        not_initialised(account, deal, before, &mut story);
    } else if has_restarted(account, deal, decided) && story.broke == Some(decided) {
        story.should_have = format!("abort {name}");
        story.rule = format!(
            "Its writer has restored since from a checkpoint that does not name {name}, and sends its \
             records again: what is left of it must be aborted."
        );
    }
    story
}

/// The transaction before it under the same producer and epoch: nobody can tell them apart.
pub(super) fn reused(account: &Account<'_>, deal: DealId) -> Option<DealId> {
    let told = account.deal(deal);
    let before = |other: &DealId| {
        let other = account.deal(*other);
        other.is.producer == told.is.producer && other.decided.is_some_and(|decided| decided < told.opened)
    };
    (0..deal).rfind(before)
}

/// The older protocol raises the epoch only when a producer is initialised.
pub(super) fn not_initialised(account: &Account<'_>, deal: DealId, before: DealId, story: &mut Story) {
    let (told, before_name) = (account.deal(deal), account.name(before));
    let producer = told.is.producer;
    story.deals.insert(0, before);
    story.broke = told.began.or(Some(told.opened));
    story.should_have = format!("initialise {} first, for an epoch of its own", told.is.id);
    story.rule = format!(
        "{} {} is still the producer of {before_name}, which ended before. What is repeated of that one, or late, \
         ends whatever is open under the same epoch by then.",
        producer.id, producer.epoch
    );
}

/// A checkpoint that was completed without everybody's part.
pub(super) fn incomplete(account: &Account<'_>, put: usize, record: twophase::RecordId) -> Option<Story> {
    let completed = completed(&account.events[put])?;
    let id = completed.id;
    let all = (0..account.schedule.settings.parallelism).map(crate::site::Name::sink);
    let acknowledged = account.acknowledged(id, put);
    let mut missing: Vec<_> = all.filter(|sink| !acknowledged.contains(sink)).collect();
    // It was sent, but the coordinator did not wait for it.
    let resume_at = completed.resume_at.get(usize::from(record.split.0))?;
    if missing.is_empty() && *resume_at <= record.offset {
        missing.push(account.reader(record));
    }
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
