//! The recordings' names for what the log numbers, in both directions.

use std::sync::Arc;

use serde_json::{Value, json};
use twophase::kafka::protocol::{
    CoordinatorState, ErrorCode, Marker, Producer, ProducerEpoch, ProducerId, Records,
};
use twophase::{Partition, Payload, Record, RecordId, SourceOffset, Split, TransactionalId};
use twophase_sim::log::OFFSETS_PARTITION;

/// The partitions of the recorded world, in the log's order; the last one lies on node 2.
pub(super) const PARTITIONS: [&str; 3] = ["a-0", "a-1", "b-0"];

/// On node 2.
pub(super) const NODE_2: Partition = Partition(2);

const OFFSETS: &str = "__consumer_offsets-0";

/// An id that the log never hands out.
const NEVER_HANDED_OUT: ProducerId = ProducerId(i64::MAX);

/// One line of a schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a>(pub(super) &'a Value);

impl<'a> Line<'a> {
    pub(super) fn has(self, field: &str) -> bool {
        self.0.get(field).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(self, field: &str) -> &'a str {
        self.0[field].as_str().unwrap_or_default()
    }

    pub(super) fn number(self, field: &str) -> Option<i64> {
        self.0[field].as_i64()
    }

    pub(super) fn flag(self, field: &str) -> Option<bool> {
        self.0[field].as_bool()
    }

    pub(super) fn texts(self, field: &str) -> impl Iterator<Item = &'a str> {
        self.0[field].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn pairs(self, field: &str) -> impl Iterator<Item = (&'a str, u64)> {
        let object = self.0[field].as_object().into_iter().flatten();
        object.map(|(name, value)| (name.as_str(), value.as_u64().unwrap_or_default()))
    }

    pub(super) fn version(self) -> i16 {
        self.number("version").unwrap_or(5) as i16
    }

    pub(super) fn id(self) -> TransactionalId {
        TransactionalId::new(self.text("txn"))
    }

    pub(super) fn group(self) -> Arc<str> {
        self.text("group").into()
    }

    pub(super) fn epoch(self) -> Option<ProducerEpoch> {
        self.number("epoch").map(|epoch| ProducerEpoch(epoch as i16))
    }

    pub(super) fn marker(self) -> Marker {
        match self.text("result") {
            "commit" => Marker::Commit,
            _ => Marker::Abort,
        }
    }

    /// The values as records; which input they are of plays no part here.
    pub(super) fn records(self) -> Records {
        let id = RecordId { split: Split(0), offset: SourceOffset(0) };
        let record = |value: &str| Record { id, payload: Payload::copy_from_slice(value.as_bytes()) };
        self.texts("values").map(record).collect()
    }
}

/// Names that are given while a schedule is played.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// `P1`, `P2`, ... in the order of their first appearance in the trace.
    producers: Vec<ProducerId>,
    /// Partitions that do not exist.
    unknown: Vec<String>,
}

impl Names {
    pub(super) fn producer(&self, line: Line<'_>) -> Option<ProducerId> {
        let name = line.0["producer"].as_str()?;
        let number = name.strip_prefix('P').and_then(|number| number.parse::<usize>().ok());
        let known = number.and_then(|number| self.producers.get(number.wrapping_sub(1)));
        Some(known.copied().unwrap_or(NEVER_HANDED_OUT))
    }

    /// The producer that a request names; `None` if it names none.
    pub(super) fn named(&self, line: Line<'_>) -> Option<Producer> {
        let epoch = line.epoch().unwrap_or(ProducerEpoch(-1));
        self.producer(line).map(|id| Producer { id, epoch })
    }

    /// The same for requests that always name one.
    pub(super) fn of(&self, line: Line<'_>) -> Producer {
        let nobody = Producer { id: ProducerId(-1), epoch: ProducerEpoch(-1) };
        self.named(line).unwrap_or(nobody)
    }

    pub(super) fn producer_name(&mut self, id: ProducerId) -> Value {
        let known = self.producers.iter().position(|known| *known == id);
        let at = known.unwrap_or_else(|| {
            self.producers.push(id);
            self.producers.len() - 1
        });
        json!(format!("P{}", at + 1))
    }

    pub(super) fn partition(&mut self, name: &str) -> Partition {
        if name == OFFSETS {
            return OFFSETS_PARTITION;
        }
        if let Some(at) = PARTITIONS.iter().position(|known| *known == name) {
            return Partition(at as u32);
        }
        let known = self.unknown.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.unknown.push(name.to_owned());
            self.unknown.len() - 1
        });
        Partition((PARTITIONS.len() + at) as u32)
    }

    pub(super) fn partition_name(&self, partition: Partition) -> &str {
        if partition == OFFSETS_PARTITION {
            return OFFSETS;
        }
        let at = partition.0 as usize;
        PARTITIONS.get(at).copied().unwrap_or_else(|| &self.unknown[at - PARTITIONS.len()])
    }

    pub(super) fn answers(&self, answers: &[(Partition, Result<(), ErrorCode>)]) -> Value {
        let named = |(partition, answer): &(Partition, Result<(), ErrorCode>)| {
            (self.partition_name(*partition).to_owned(), json!(error_name(answer)))
        };
        Value::Object(answers.iter().map(named).collect())
    }
}

pub(super) fn error_name<T>(answer: &Result<T, ErrorCode>) -> &'static str {
    answer.as_ref().map_or_else(|error| error.as_str(), |_| "NONE")
}

pub(super) fn marker_name(marker: Marker) -> &'static str {
    match marker {
        Marker::Commit => "commit",
        Marker::Abort => "abort",
    }
}

pub(super) const STATES: [(&str, CoordinatorState); 6] = [
    ("Empty", CoordinatorState::Empty),
    ("Ongoing", CoordinatorState::Ongoing),
    ("PrepareCommit", CoordinatorState::PrepareCommit),
    ("PrepareAbort", CoordinatorState::PrepareAbort),
    ("CompleteCommit", CoordinatorState::CompleteCommit),
    ("CompleteAbort", CoordinatorState::CompleteAbort),
];

/// Kafka knows these too, but no answer ever shows them.
pub(super) const PASSING_STATES: [&str; 2] = ["Dead", "PrepareEpochFence"];

pub(super) fn state_name(state: CoordinatorState) -> &'static str {
    let named = STATES.iter().find(|(_, known)| *known == state);
    named.expect("every state has a name").0
}
