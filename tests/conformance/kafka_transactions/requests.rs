//! The lines that are requests of clients, operators and coordinators.

use std::time::Duration;

use serde_json::{Value, json};
use twophase::Partition;
use twophase::kafka::protocol::{
    ErrorCode, InitProducerId, LogOffset, Marker, Produce, Producer, Protocol, Request, Response, Sequence,
};
use twophase_sim::log::{CoordinatorEpoch, MarkerWrite};

use super::World;
use super::names::{Line, error_name};

/// What the admin client leaves behind as the timeout of an id: its own request timeout.
const ADMIN_TIMEOUT_MS: i64 = 5_000;

/// How often the admin client is told to come again before it gives up.
const ADMIN_TRIES: usize = 100;

impl World {
    /// `None` if the line is no request.
    pub(super) fn request(&mut self, op: &str, line: Line<'_>) -> Option<Value> {
        if line.has("generation") || line.has("member") {
            return None;
        }
        Some(match op {
            "init_producer_id" => self.init_producer_id(line),
            "raise_epoch" => self.raise_epoch(line),
            "fence_producers" => self.fence(line),
            "force_terminate" => json!({"error": self.fence(line)["error"]}),
            "add_partitions" | "verify_partitions" => self.add_partitions(line),
            "add_offsets" => self.add_offsets(line),
            "produce" => self.produce(line),
            "plain_produce" => self.plain_produce(line),
            "end_txn" => self.end_txn(line),
            "txn_offset_commit" => self.txn_offset_commit(line),
            "offset_commit" => self.offset_commit(line),
            "write_marker" => self.write_marker(line, line.marker()),
            "abort_transaction" => self.write_marker(line, Marker::Abort),
            _ => return None,
        })
    }

    fn init_producer_id(&mut self, line: Line<'_>) -> Value {
        let request = InitProducerId {
            id: line.has("txn").then(|| line.id()),
            timeout: timeout(line.number("timeout_ms").unwrap_or_default()),
            expected_id: self.names.producer(line),
            expected_epoch: line.epoch(),
            enable_2pc: line.flag("enable_2pc") == Some(true),
            keep_prepared: line.flag("keep_prepared") == Some(true),
            version: line.version(),
        };
        let version = request.version;
        let mut answer = self.initialise(request).1;
        if version >= 6 {
            // Only a kept transaction would be named here, and no broker keeps one.
            answer["ongoing_producer"] = Value::Null;
            answer["ongoing_epoch"] = Value::Null;
        }
        answer
    }

    fn initialise(&mut self, request: InitProducerId) -> (Result<Producer, ErrorCode>, Value) {
        let Response::InitProducerId(answer) = self.apply(&Request::InitProducerId(request)) else {
            unreachable!("an answer is of its request's kind");
        };
        let producer = answer.ok();
        (answer, self.with_producer(json!({"error": error_name(&answer)}), producer))
    }

    fn with_producer(&mut self, mut answer: Value, producer: Option<Producer>) -> Value {
        answer["producer"] = producer.map_or(Value::Null, |producer| self.names.producer_name(producer.id));
        answer["epoch"] = json!(producer.map(|producer| producer.epoch.0));
        answer
    }

    fn raise_epoch(&mut self, line: Line<'_>) -> Value {
        let to = line.number("to").unwrap_or_default();
        let timeout_ms = line.number("timeout_ms").unwrap_or(60_000);
        loop {
            let (answer, value) = self.initialise(plain_init(line, timeout_ms));
            self.settle();
            match answer {
                Ok(producer) if i64::from(producer.epoch.0) < to => {}
                _ => return value,
            }
        }
    }

    fn fence(&mut self, line: Line<'_>) -> Value {
        for _ in 0..ADMIN_TRIES {
            let (answer, value) = self.initialise(plain_init(line, ADMIN_TIMEOUT_MS));
            self.settle();
            if answer != Err(ErrorCode::ConcurrentTransactions) {
                return value;
            }
        }
        json!({"error": "REQUEST_TIMED_OUT", "producer": null, "epoch": null})
    }

    fn add_partitions(&mut self, line: Line<'_>) -> Value {
        let request = Request::AddPartitions {
            id: line.id(),
            producer: self.names.of(line),
            partitions: line.texts("partitions").map(|name| self.names.partition(name)).collect(),
            version: line.version(),
        };
        let Response::AddPartitions(answer) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        let partitions = self.names.answers(answer.as_deref().unwrap_or_default());
        if line.version() >= 4 {
            json!({"error": error_name(&answer), "partitions": partitions})
        } else {
            json!({"partitions": partitions})
        }
    }

    fn add_offsets(&mut self, line: Line<'_>) -> Value {
        let request = Request::AddOffsets {
            id: line.id(),
            producer: self.names.of(line),
            group: line.group(),
            version: line.version(),
        };
        let Response::AddOffsets(answer) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        json!({"error": error_name(&answer)})
    }

    fn produce(&mut self, line: Line<'_>) -> Value {
        let id = line.has("txn").then(|| line.id());
        let batch = Produce {
            transactional: line.flag("transactional").unwrap_or(id.is_some()),
            id,
            producer: self.names.named(line),
            partition: self.names.partition(line.text("partition")),
            base_sequence: Sequence(line.number("base_sequence").unwrap_or(-1) as i32),
            records: line.records(),
            version: line.version(),
        };
        self.append(batch)
    }

    fn plain_produce(&mut self, line: Line<'_>) -> Value {
        let batch = Produce {
            id: None,
            producer: None,
            partition: self.names.partition(line.text("partition")),
            base_sequence: Sequence(-1),
            transactional: false,
            records: line.records(),
            version: 12,
        };
        self.append(batch)
    }

    fn append(&mut self, batch: Produce) -> Value {
        let Response::Produce(answer) = self.apply(&Request::Produce(batch)) else {
            unreachable!("an answer is of its request's kind");
        };
        json!({"error": error_name(&answer), "base_offset": answer.ok().map(|offset| offset.0)})
    }

    fn end_txn(&mut self, line: Line<'_>) -> Value {
        let request = Request::EndTxn {
            id: line.id(),
            producer: self.names.of(line),
            marker: line.marker(),
            version: line.version(),
        };
        let Response::EndTxn(answer) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        let error = json!({"error": error_name(&answer)});
        if line.version() >= 5 { self.with_producer(error, answer.ok().flatten()) } else { error }
    }

    fn offsets(&mut self, line: Line<'_>) -> Vec<(Partition, LogOffset)> {
        let named = |(name, offset): (&str, u64)| (self.names.partition(name), LogOffset(offset));
        line.pairs("offsets").map(named).collect()
    }

    fn txn_offset_commit(&mut self, line: Line<'_>) -> Value {
        let request = Request::TxnOffsetCommit {
            id: line.id(),
            producer: self.names.of(line),
            group: line.group(),
            offsets: self.offsets(line),
            version: line.version(),
        };
        let Response::TxnOffsetCommit(answers) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        json!({"partitions": self.names.answers(&answers)})
    }

    fn offset_commit(&mut self, line: Line<'_>) -> Value {
        let offsets = self.offsets(line);
        let answers = self.log.commit_offsets(&line.group(), &offsets);
        json!({"partitions": self.names.answers(&answers)})
    }

    fn write_marker(&mut self, line: Line<'_>, marker: Marker) -> Value {
        let version = line.number("transaction_version").unwrap_or_default();
        let write = MarkerWrite {
            partition: self.names.partition(line.text("partition")),
            id: None,
            producer: self.names.of(line),
            marker,
            coordinator_epoch: CoordinatorEpoch(line.number("coordinator_epoch").unwrap_or(-1) as i32),
            protocol: if version >= 2 { Protocol::V2 } else { Protocol::V1 },
        };
        json!({"error": error_name(&self.deliver(&write))})
    }
}

/// A negative timeout is refused like that of 0.
fn timeout(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0).unsigned_abs())
}

fn plain_init(line: Line<'_>, timeout_ms: i64) -> InitProducerId {
    InitProducerId {
        id: Some(line.id()),
        timeout: timeout(timeout_ms),
        expected_id: None,
        expected_epoch: None,
        enable_2pc: false,
        keep_prepared: false,
        version: 5,
    }
}
