//! Events in the words of the protocol, for one who has read the README's table of windows and nothing else.

use std::fmt;
use std::time::Duration;

use twophase::Fact;
use twophase::kafka::protocol::{Marker, Request, Response};
use twophase::message::ToCoordinator;

use super::account::{Account, acknowledges, announces, completed, name_of};
use super::story::Story;
use crate::event::{Event, What};
use crate::history::describe;
use crate::report::Millis;
use crate::words::Noun;

/// What happened, as a step of this story.
pub(super) fn say(account: &Account<'_>, story: &Story, index: usize) -> String {
    let event = &account.events[index];
    match event.what {
        What::Started => "starts again".to_owned(),
        What::Struck(fault) => format!("fault: {fault}"),
        What::Applied { request, response, changed, .. } => {
            applied(account, story, index, request, response, changed)
        }
        What::Put { .. } => put(account, story, index),
        What::Unanswered { operation } => format!("gets no answer to its {}", Noun(operation)),
        What::Noted(fact) => noted(account, index, fact),
        What::MarkerWritten { partition, marker, .. } => {
            let of = account.concerned(index).first().map_or("?".to_owned(), |deal| account.name(*deal));
            format!("writes the {} marker of {of} to {partition}", word(marker))
        }
        What::TimedOut { id } => timed_out(account, index, id.as_str()),
        What::Visible { partition, offset, record, .. } => {
            format!("shows {} to readers ({partition}, offset {offset})", record.id)
        }
        What::Sent { to, .. } => match announces(event) {
            Some((checkpoint, _)) => format!("tells {to} that {checkpoint} is complete"),
            None => sent(event),
        },
        What::Delivered { label: "complete", .. } => match heard(account, index) {
            Some(checkpoint) => format!("hears that {checkpoint} is complete"),
            None => "hears that a checkpoint is complete".to_owned(),
        },
        What::Ended(Err(said)) => format!("gives up: {}", short(said)),
        What::Panicked(said) => format!("panics: {}", short(said)),
        other => describe(other),
    }
}

/// What one sends to the coordinator.
fn sent(event: &Event<'_>) -> String {
    let What::Sent { body, .. } = event.what else { return describe(event.what) };
    match (acknowledges(event), ToCoordinator::from_bytes(body)) {
        (Some(checkpoint), _) => format!("sends its acknowledgement of {checkpoint}"),
        (None, Some(ToCoordinator::Failed { reason, .. })) => {
            format!("says that its task has failed: {}", short(&reason))
        }
        _ => describe(event.what),
    }
}

fn applied(
    account: &Account<'_>,
    story: &Story,
    index: usize,
    request: &Request,
    response: &Response,
    changed: bool,
) -> String {
    let of = |id: &str| match account.concerned(index).first() {
        Some(deal) => account.name(*deal),
        None => id.to_owned(),
    };
    match (request, response) {
        (Request::Produce(produce), Response::Produce(answer)) => {
            let id = of(produce.id.as_ref().map_or("no transaction", |id| id.as_str()));
            let what = records(story, produce.records.iter().map(|record| record.id));
            let to = produce.partition;
            match answer {
                Ok(_) if changed => format!("writes {what} to {id}, on {to}{}", late(account, index)),
                Ok(_) => format!("writes {what} to {id} again: known by its number, and kept once"),
                Err(code) => format!("writes {what} to {id}: refused, {code}"),
            }
        }
        (Request::EndTxn { id, producer, marker, .. }, Response::EndTxn(answer)) => {
            let (verb, id) = (word(*marker), of(id.as_str()));
            let as_whom = format!("as {} {}", producer.id, producer.epoch);
            match answer {
                Ok(_) if changed => format!("{verb}s {id}"),
                Ok(_) => format!("{verb}s {id} again, which changes nothing"),
                Err(code) => format!("asks to {verb} {id} {as_whom}: refused, {code}"),
            }
        }
        (Request::InitProducerId(init), Response::InitProducerId(answer)) => {
            let id = init.id.as_ref().map_or("no name", |id| id.as_str());
            let aborted =
                account.concerned(index).iter().any(|deal| account.deal(*deal).decided == Some(index));
            match answer {
                // The code asks it to come again, once the abort is done.
                _ if aborted => format!("fences {id}, which aborts what is open"),
                Ok(producer) => format!("initialises {id}: is {} {}", producer.id, producer.epoch),
                Err(code) => format!("initialises {id}: refused, {code}"),
            }
        }
        _ => describe(account.events[index].what),
    }
}

fn put(account: &Account<'_>, story: &Story, index: usize) -> String {
    let event = &account.events[index];
    let Some(completed) = completed(event) else {
        return match event.what {
            What::Put { head, version: None } => {
                let id =
                    head.completed.as_ref().map_or("no checkpoint".to_owned(), |done| done.id.to_string());
                format!("stores {id} as complete: refused, another has written since")
            }
            other => describe(other),
        };
    };
    let id = completed.id;
    if account.durable(id) != Some(index) {
        return format!("writes the head again, with {id} as its newest checkpoint");
    }
    let promised = |deal: &&usize| account.deal(**deal).promised == Some(index);
    let names: Vec<_> = story.deals.iter().filter(promised).map(|deal| account.name(*deal)).collect();
    match names.as_slice() {
        [] => format!("{id} is durable"),
        [one] => format!("{id} is durable: {one} is promised"),
        many => format!("{id} is durable: {} are promised", many.join(" and ")),
    }
}

fn noted(account: &Account<'_>, index: usize, fact: &Fact) -> String {
    let of = |id: &twophase::TransactionalId| match account.concerned(index).first() {
        Some(deal) => account.name(*deal),
        None => id.to_string(),
    };
    match fact {
        Fact::PreCommitted(checkpoint, id) => format!("pre-commits {} for {checkpoint}", of(id)),
        Fact::Committed(id) => format!("knows {} committed", of(id)),
        Fact::Aborted(id) => format!("knows {} aborted", of(id)),
        Fact::Indistinct(id) => format!("takes {} for committed: the broker tells no longer", of(id)),
        Fact::Restored => "has restored".to_owned(),
        other => describe(What::Noted(other)),
    }
}

fn timed_out(account: &Account<'_>, index: usize, id: &str) -> String {
    let timeout = Long(account.schedule.settings.transaction_timeout);
    match account.concerned(index).iter().find(|deal| account.deal(**deal).decided == Some(index)) {
        Some(deal) => format!(
            "aborts {}: open since {}, longer than the transaction timeout of {timeout}",
            account.name(*deal),
            seconds(account.events[account.deal(*deal).opened].at)
        ),
        None => format!("aborts {id}: open for longer than {timeout}"),
    }
}

/// Whether who sent this request is dead by now.
fn late(account: &Account<'_>, index: usize) -> &'static str {
    match account.is_dead(index) {
        true => ": sent before it died",
        false => "",
    }
}

/// Which checkpoint a notice is about, which the event does not tell: as many were sent to this process as it got, and
/// none was lost or came twice.
fn heard(account: &Account<'_>, index: usize) -> Option<twophase::CheckpointId> {
    let me = name_of(account.events[index].who)?;
    let got = |event: &&Event<'_>| {
        name_of(event.who) == Some(me) && matches!(event.what, What::Delivered { label: "complete", .. })
    };
    let sent: Vec<_> =
        account.events[..index].iter().filter_map(announces).filter(|(_, to)| *to == me).collect();
    let count = account.events[..=index].iter().filter(got).count();
    (sent.len() == count).then(|| sent.last().map(|(checkpoint, _)| *checkpoint)).flatten()
}

/// `s0:1`, `s0:1 and s0:2`, `s0:1 (and 5 more)`: those of the story come first.
fn records(story: &Story, all: impl Iterator<Item = twophase::RecordId>) -> String {
    let all: Vec<_> = all.collect();
    let of_story = all.iter().filter(|record| story.records.contains(record));
    let mut named: Vec<_> = of_story.map(ToString::to_string).collect();
    if named.is_empty() {
        named.extend(all.first().map(ToString::to_string));
    }
    let named_count = named.len();
    let named = named.join(" and ");
    match all.len() - named_count {
        0 => named,
        more => format!("{named} (and {more} more)"),
    }
}

/// `1.012 s`.
pub(super) fn seconds(at: u64) -> String {
    format!("{}.{:03} s", at / 1_000_000, at % 1_000_000 / 1_000)
}

/// `900 s`, `125.09 s`, `149 ms`.
pub(super) struct Long(pub(super) Duration);

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (seconds @ 1.., 0) => write!(f, "{seconds} s"),
            (seconds @ 10.., millis) => {
                let digits = format!("{millis:03}");
                write!(f, "{seconds}.{} s", digits.trim_end_matches('0'))
            }
            _ => Millis(self.0).fmt(f),
        }
    }
}

pub(super) fn word(marker: Marker) -> &'static str {
    match marker {
        Marker::Commit => "commit",
        Marker::Abort => "abort",
    }
}

/// The first line: the rest stands in the report above.
fn short(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

/// Whether this event only repeats in other words what the one before it said.
pub(super) fn repeats(before: &Event<'_>, event: &Event<'_>) -> bool {
    let gave_up = |what| matches!(what, What::Noted(Fact::GaveUp(_)) | What::Ended(Err(_)));
    if gave_up(before.what) && gave_up(event.what) && before.who == event.who {
        return true;
    }
    if acknowledges(event).is_some() && acknowledges(before) == acknowledges(event) && before.who == event.who
    {
        return true;
    }
    matches!(before.what, What::Struck(_))
        && before.at == event.at
        && matches!(event.what, What::Crashed | What::Paused | What::BrokerDown | What::AskedToStop)
}
