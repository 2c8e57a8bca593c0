//! Invented: a record is committed that was never in the input, or not with this payload.

use super::account::Account;
use super::story::Story;
use crate::anomaly::Finding;

pub(super) fn tell(account: &Account<'_>, finding: &Finding) -> Story {
    let Some(record) = finding.record else { return Story::default() };
    let carriers = account.carriers(record);
    let written = carriers.iter().find_map(|deal| account.writes(record, *deal).first().copied());
    let split = account.schedule.input.get(usize::from(record.split.0));
    let known = split.and_then(|split| split.get(record.offset.0 as usize)).is_some();
    Story {
        deals: carriers,
        records: vec![record],
        broke: written,
        should_have: match (known, split) {
            (true, _) => format!("carry the payload that was read as {record}"),
            (false, Some(split)) => {
                format!("nothing: split {} has {} records, and {record} is none", record.split.0, split.len())
            }
            (false, None) => format!("nothing: there is no split {}", record.split.0),
        },
        rule: "What is committed is the input and nothing else: what a sink adds of its own comes out as a record."
            .to_owned(),
        ..Story::default()
    }
}
