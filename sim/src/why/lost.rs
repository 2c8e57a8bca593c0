//! Lost: a record never arrived, and never can.
//!
//! Either its transaction was promised, and aborted; or a durable checkpoint covers it, so that nobody sends it again,
//! though no transaction that is promised has it; or the job ended before any checkpoint covered it.

use twophase::{Fact, RecordId};

use super::account::{Account, DealId, acknowledges, name_of, wrote};
use super::promise;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::What;
use crate::site::{Ask, Operation};

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(record) = finding.record else { return Story::default() };
    let carriers = account.carriers(record);
    let promised = carriers.iter().copied().find(|deal| account.deal(*deal).is.promised);
    let mut story = match promised {
        Some(deal) => promise::broken(account, deal),
        None => match account.covered(record) {
            Some((put, completed)) => left_out(account, record, put, completed.id, &carriers),
            None => after_the_end(account, record, &carriers),
        },
    };
    story.records.push(record);
    story
}

/// The checkpoint covers it, so it is never read again; but its sink had not written it by then.
fn left_out(
    account: &Account<'_>,
    record: RecordId,
    put: usize,
    checkpoint: twophase::CheckpointId,
    carriers: &[DealId],
) -> Story {
    let reader = account.reader(record);
    let mine = |index: usize| name_of(account.events[index].who) == Some(reader);
    let acknowledged = (0..put).rev().find(|index| {
        mine(*index)
            && match account.events[*index].what {
                What::Noted(Fact::PreCommitted(id, _)) => *id == checkpoint,
                _ => false,
            }
    });
    let acknowledged = acknowledged.or_else(|| {
        (0..put).find(|index| mine(*index) && acknowledges(&account.events[*index]) == Some(checkpoint))
    });
    let culprit = acknowledged.unwrap_or(put);
    let unanswered = (0..culprit).rev().find(|index| {
        let produce = Operation::Ask(Ask::Produce);
        mine(*index)
            && matches!(account.events[*index].what, What::Unanswered { operation } if *operation == produce)
    });
    let next_write = account.first(culprit, |event| {
        name_of(event.who) == Some(reader) && wrote(event).is_some_and(|mut all| all.any(|one| one == record))
    });
    let mut story = Story {
        deals: carriers.to_vec(),
        processes: vec![reader],
        events: vec![put],
        broke: Some(culprit),
        rule: format!(
            "{checkpoint} says that everything before offset {} of split {} is in a transaction it names. \
             After a restore from it {record} is not read again.",
            account.covered(record).map_or(0, |(_, done)| done.resume_at[usize::from(record.split.0)].0),
            record.split.0
        ),
        ..Story::default()
    };
    story.should_have = match (unanswered, next_write) {
        (Some(unanswered), None) => {
            story.events.push(unanswered);
            format!("send {record} again first: nobody has answered that it is written")
        }
        _ => format!("write {record} first: it belongs to {checkpoint}"),
    };
    story
}

/// No checkpoint covers it, and there will be none.
fn after_the_end(account: &Account<'_>, record: RecordId, carriers: &[DealId]) -> Story {
    let finished = account.last(account.len(), |event| matches!(event.what, What::Noted(Fact::Finished)));
    let ended = account.last(account.len(), |event| {
        matches!(event.what, What::Ended(_)) && name_of(event.who) == Some(account.reader(record))
    });
    Story {
        deals: carriers.to_vec(),
        processes: vec![account.reader(record)],
        broke: finished.or(ended),
        should_have: format!("take one more checkpoint: none covers {record} yet"),
        rule: "A job has ended when a durable checkpoint covers all of its input, and all that it names is committed."
            .to_owned(),
        ..Story::default()
    }
}
