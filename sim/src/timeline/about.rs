//! What stands beside the picture: what was played and what came of it, and what is in the records.

use std::collections::BTreeMap;

use super::model::About;
use crate::drawn::Drawn;
use crate::outcome::Verdict;
use crate::schedule::Schedule;

/// Of an input with more records, only the payload of the one concerned is shown.
const PAYLOADS: usize = 2_000;

/// How much of a payload is shown.
const PAYLOAD_LENGTH: usize = 200;

pub(super) fn about(
    subject: &str,
    of: &str,
    replay: Option<&str>,
    schedule: &Schedule,
    verdict: &Verdict,
) -> About {
    let (word, failed, says) = match verdict {
        Verdict::Held => ("held", false, "committed output equals input, exactly once".to_owned()),
        Verdict::Vacuous => ("vacuous", false, "it held, but no crash window was entered".to_owned()),
        Verdict::FailStop(said) => ("fail-stop", false, format!("the job gave up, saying: {said}")),
        Verdict::Failed(finding) => (finding.anomaly.as_str(), true, finding.detail.clone()),
    };
    let finding = match verdict {
        Verdict::Failed(finding) => Some(finding),
        _ => None,
    };
    About {
        subject: subject.to_owned(),
        of: of.to_owned(),
        verdict: word.to_owned(),
        failed,
        says: says.lines().map(str::to_owned).collect(),
        why: Vec::new(),
        window: finding.and_then(|f| f.window).map(|window| format!("{window}: {}", window.meaning())),
        record: finding.and_then(|finding| finding.record).map(|record| record.to_string()),
        replay: replay.map(str::to_owned),
        drawn: Drawn(schedule).to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

pub(super) fn payloads(schedule: &Schedule, concerned: Option<&str>) -> BTreeMap<String, String> {
    let all = schedule.input.iter().enumerate().flat_map(|(split, records)| {
        records.iter().enumerate().map(move |(offset, payload)| (format!("s{split}:{offset}"), payload))
    });
    let wanted = |(id, _): &(String, _)| schedule.records() <= PAYLOADS || concerned == Some(id);
    all.filter(wanted).map(|(id, payload)| (id, readable(payload))).collect()
}

/// The beginning of a payload, as text if it is one.
fn readable(payload: &[u8]) -> String {
    let text = match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(_) => payload.escape_ascii().to_string(),
    };
    match text.char_indices().nth(PAYLOAD_LENGTH) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], payload.len()),
        None => text,
    }
}
