//! Duplicate: a record is committed twice.
//!
//! Twice in one transaction: it was sent again in a way that the broker cannot know. In two: either one of them was
//! never promised, and so should have been aborted; or whoever wrote the second one had to know of the first.

use twophase::kafka::protocol::{Request, Sequence};

use super::account::{Account, DealId};
use super::promise;
use super::say::seconds;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::What;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(record) = finding.record else { return Story::default() };
    let carriers = account.carriers(record);
    let twice = carriers.iter().copied().find(|deal| fresh_writes(account, record, *deal).len() > 1);
    let mut story = match twice {
        Some(deal) => within_one(account, record, deal),
        None => within_two(account, record, &carriers),
    };
    story.records.push(record);
    story
}

fn fresh_writes(account: &Account<'_>, record: twophase::RecordId, deal: DealId) -> Vec<usize> {
    let changed = |index: &usize| matches!(account.events[*index].what, What::Applied { changed: true, .. });
    account.writes(record, deal).into_iter().filter(changed).collect()
}

fn within_one(account: &Account<'_>, record: twophase::RecordId, deal: DealId) -> Story {
    let writes = fresh_writes(account, record, deal);
    let (first, again) = (writes[0], writes[1]);
    let number = |index: usize| sequence(account, index).map_or(0, |Sequence(number)| number);
    let mut story = Story { deals: vec![deal], broke: Some(again), ..Story::default() };
    story.should_have = match number(first) == number(again) {
        true => format!("know the batch by its number #{}, and keep it once", number(first)),
        false => format!("carry the number it had before, #{}, not #{}", number(first), number(again)),
    };
    story.rule =
        "A batch that was not answered may have been written. Sent again under the same number, the broker \
                  knows it and keeps it once; under another, it is a new one."
            .to_owned();
    story
}

fn sequence(account: &Account<'_>, index: usize) -> Option<Sequence> {
    match account.events[index].what {
        What::Applied { request: Request::Produce(produce), .. } => Some(produce.base_sequence),
        _ => None,
    }
}

fn within_two(account: &Account<'_>, record: twophase::RecordId, carriers: &[DealId]) -> Story {
    use twophase::kafka::protocol::Marker;
    let committed: Vec<_> = carriers
        .iter()
        .copied()
        .filter(|deal| account.deal(*deal).is.decided == Some(Marker::Commit))
        .collect();
    if let Some(story) = written_anew(account, record, &committed) {
        return story;
    }
    let unfounded = committed.iter().copied().find(|deal| account.deal(*deal).is.is_wrong());
    if let Some(deal) = unfounded {
        let mut story = promise::unfounded(account, deal);
        story.deals = committed;
        return story;
    }
    Story { deals: carriers.to_vec(), ..Story::default() }
}

/// It is in a transaction that was promised by the time that it was written to another one.
fn written_anew(account: &Account<'_>, record: twophase::RecordId, committed: &[DealId]) -> Option<Story> {
    let (first, second) = (*committed.first()?, *committed.get(1)?);
    let again = account.writes(record, second).first().copied()?;
    let promised = account.deal(first).promised.filter(|promised| *promised < again)?;
    let name = account.name(first);
    Some(Story {
        deals: vec![first, second],
        broke: Some(again),
        should_have: format!("commit {name} again, and write nothing anew"),
        rule: format!(
            "{name} is promised since {}: whatever came of its commit request, {record} is in it. The answer to \
             silence is the same request again, not the same records.",
            seconds(account.events[promised].at)
        ),
        ..Story::default()
    })
}
