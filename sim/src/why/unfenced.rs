//! Unfenced: something of an older epoch took effect after a newer one was granted.

use twophase::TransactionalId;
use twophase::kafka::protocol::{Producer, Request, Response};

use super::account::Account;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::{Event, What};

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let took_effect = account.last(account.len(), |event| {
        event.at == finding.at
            && matches!(event.what, What::Applied { changed: true, .. })
            && asks(event).is_some()
    });
    let Some(broke) = took_effect else { return Story::default() };
    let Some((id, old)) = asks(&account.events[broke]) else { return Story::default() };
    let grants: Vec<_> = (0..broke).filter(|index| grants(&account.events[*index], id)).collect();
    let newer = grants.iter().rev().find_map(|index| granted(&account.events[*index]));
    let why = match newer {
        Some(newer) if newer > old => format!("{} {} was granted before", newer.id, newer.epoch),
        _ => "its epoch was raised when the broker aborted it".to_owned(),
    };
    let deals = account.named(id);
    let hit = deals.iter().copied().rfind(|deal| account.deal(*deal).opened < broke);
    let hit = hit.filter(|deal| account.deal(*deal).is.producer != old);
    let hit = hit.map_or(String::new(), |deal| format!(" Here that is {}.", account.name(deal)));
    Story {
        deals: deals.into_iter().filter(|deal| account.deal(*deal).opened <= broke).collect(),
        events: grants,
        broke: Some(broke),
        should_have: format!("refuse {} {}: INVALID_PRODUCER_EPOCH, since {why}", old.id, old.epoch),
        rule: format!(
            "Who holds an older epoch is shut out: otherwise what comes late, or from a zombie, ends or enters a \
             transaction that is not its own.{hit}"
        ),
        ..Story::default()
    }
}

/// As whom a request was sent that can be too old.
fn asks<'a>(event: &Event<'a>) -> Option<(&'a TransactionalId, Producer)> {
    match event.what {
        What::Applied { request: Request::EndTxn { id, producer, .. }, .. } => Some((id, *producer)),
        What::Applied { request: Request::Produce(produce), .. } => {
            Some((produce.id.as_ref()?, produce.producer?))
        }
        _ => None,
    }
}

fn grants(event: &Event<'_>, id: &TransactionalId) -> bool {
    match event.what {
        What::TimedOut { id: timed_out } => timed_out == id,
        What::Applied { request: Request::InitProducerId(init), .. } => {
            init.id.as_ref() == Some(id) && granted(event).is_some()
        }
        What::Applied { request: Request::EndTxn { id: ended, .. }, .. } => {
            ended == id && granted(event).is_some()
        }
        _ => false,
    }
}

fn granted(event: &Event<'_>) -> Option<Producer> {
    match event.what {
        What::Applied {
            response: Response::InitProducerId(Ok(producer)) | Response::EndTxn(Ok(Some(producer))),
            ..
        } => Some(*producer),
        _ => None,
    }
}
