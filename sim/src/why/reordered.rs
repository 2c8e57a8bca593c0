//! Reordered: two records of one split are visible in the wrong order, on one partition.

use super::account::Account;
use super::story::Story;
use crate::anomaly::Finding;
use crate::event::What;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(record) = finding.record else { return Story::default() };
    let shown = account.last(
        account.len(),
        |event| matches!(event.what, What::Visible { record: shown, .. } if shown.id == record),
    );
    let Some(shown) = shown else { return Story::default() };
    let What::Visible { partition: on, .. } = account.events[shown].what else { return Story::default() };
    // The one that it should have come before.
    let later = account.events[..shown].iter().rev().find_map(|event| match event.what {
        What::Visible { record: other, partition, .. }
            if partition == on && other.id.split == record.split && other.id.offset > record.offset =>
        {
            Some(other.id)
        }
        _ => None,
    });
    let by = account.concerned(shown).first().copied();
    let mut story = Story { records: vec![record], broke: Some(shown), ..Story::default() };
    story.deals.extend(by);
    story.rule =
        "Records of one split keep their order on each partition: a reader applies the later one last."
            .to_owned();
    let Some(later) = later else { return story };
    story.records.insert(0, later);
    let late = by.and_then(|deal| account.writes(record, deal).first().copied());
    let early = account.carriers(later).into_iter().find_map(|deal| {
        if !story.deals.contains(&deal) {
            story.deals.insert(0, deal);
        }
        account.writes(later, deal).first().copied()
    });
    story.broke = late.or(Some(shown));
    story.should_have = match late == early {
        true => format!("{record} before {later} in this batch, as they were read"),
        false => format!("before {later}, as it was read"),
    };
    story
}
