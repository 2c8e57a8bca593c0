//! The lines that look at what is there.

use serde_json::{Map, Value, json};
use twophase::kafka::protocol::{ErrorCode, LogOffset, Producer, Request, Response};
use twophase::{Partition, Record};
use twophase_sim::log::{Content, Entry, Isolation, Log, ProducerState, fetch, is_aborted};

use super::World;
use super::names::{Line, Names, PASSING_STATES, STATES, error_name, marker_name, state_name};

impl World {
    /// `None` if the line does not look at anything.
    pub(super) fn look(&mut self, op: &str, line: Line<'_>) -> Option<Value> {
        Some(match op {
            "describe_transaction" => self.describe_transaction(line),
            "list_transactions" => self.list_transactions(line),
            "describe_producers" => self.describe_producers(line),
            "read" => self.read(line),
            "consume" => self.consume(line),
            "list_offsets" => self.list_offsets(line),
            "offset_fetch" => self.offset_fetch(line),
            _ => return None,
        })
    }

    fn describe_transaction(&mut self, line: Line<'_>) -> Value {
        let Response::DescribeTransaction(answer) = self.apply(&Request::DescribeTransaction(line.id()))
        else {
            unreachable!("an answer is of its request's kind");
        };
        let Ok(description) = answer else {
            return json!({"error": error_name(&answer)});
        };
        let partitions = description.partitions.iter().map(|partition| self.names.partition_name(*partition));
        let mut partitions: Vec<&str> = partitions.collect();
        partitions.sort_unstable();
        let partitions = json!(partitions);
        json!({
            "error": "NONE",
            "state": state_name(description.state),
            "producer": self.names.producer_name(description.producer.id),
            "epoch": description.producer.epoch.0,
            "timeout_ms": description.timeout.as_millis() as u64,
            "started": description.started,
            "partitions": partitions,
        })
    }

    fn list_transactions(&mut self, line: Line<'_>) -> Value {
        let known = |name: &&str| STATES.iter().find(|(known, _)| known == name).map(|(_, state)| *state);
        let states: smallvec::SmallVec<_> = line.texts("states").filter_map(|name| known(&name)).collect();
        let unknown =
            line.texts("states").filter(|name| known(name).is_none() && !PASSING_STATES.contains(name));
        let unknown: Vec<&str> = unknown.collect();
        let nothing_fits = states.is_empty() && line.texts("states").next().is_some();
        let Response::ListTransactions(Ok(mut listings)) = self.apply(&Request::ListTransactions { states })
        else {
            unreachable!("a list is never refused");
        };
        let wanted = self.names.producer(line);
        listings.retain(|listing| !nothing_fits && wanted.is_none_or(|wanted| wanted == listing.producer));
        let mut transactions = Vec::new();
        for listing in listings {
            transactions.push(json!({
                "txn": listing.id.as_str(),
                "producer": self.names.producer_name(listing.producer),
                "state": state_name(listing.state),
            }));
        }
        json!({"error": "NONE", "unknown_filters": unknown, "transactions": transactions})
    }

    fn describe_producers(&mut self, line: Line<'_>) -> Value {
        let partition = self.names.partition(line.text("partition"));
        let Some(known) = self.log.producers(partition) else {
            return json!({"error": ErrorCode::UnknownTopicOrPartition.as_str(), "producers": []});
        };
        let producers: Vec<Value> = known.iter().map(|known| producer(&mut self.names, known)).collect();
        json!({"error": "NONE", "producers": producers})
    }

    fn read(&mut self, line: Line<'_>) -> Value {
        let (partition, isolation) = (self.names.partition(line.text("partition")), isolation(line));
        let from = LogOffset(line.number("from").unwrap_or_default().unsigned_abs());
        let answer = fetch(&self.log, partition, isolation, from);
        let mut value = match &answer {
            Ok(fetched) => json!({
                "error": "NONE",
                "high_watermark": self.log.log_end_offset(partition).0,
                "last_stable_offset": self.log.last_stable_offset(partition).0,
                "log_start": 0,
                "records": entries(&mut self.names, fetched.entries),
            }),
            Err(error) => json!({
                "error": error.as_str(),
                "high_watermark": null,
                "last_stable_offset": null,
                "log_start": null,
                "records": [],
            }),
        };
        if isolation == Isolation::ReadCommitted {
            let aborted = answer.map_or(&[][..], |fetched| fetched.aborted).iter();
            let aborted = aborted.map(|aborted| {
                json!({"producer": self.names.producer_name(aborted.producer), "first_offset": aborted.first.0})
            });
            value["aborted"] = aborted.collect();
        }
        value
    }

    fn consume(&mut self, line: Line<'_>) -> Value {
        let (partition, isolation) = (self.names.partition(line.text("partition")), isolation(line));
        let from = LogOffset(line.number("from").unwrap_or_default().unsigned_abs());
        let mut values = Vec::new();
        if let Ok(fetched) = fetch(&self.log, partition, isolation, from) {
            for entry in fetched.entries.iter().filter(|entry| !is_aborted(fetched.aborted, entry)) {
                let numbered = (entry.base.0..).zip(records(entry));
                let wanted = numbered.filter(|(offset, _)| *offset >= from.0);
                values.extend(wanted.map(|(offset, record)| json!([offset, value(record)])));
            }
        }
        json!({"values": values, "position": self.end(partition, isolation).max(from).0})
    }

    fn list_offsets(&mut self, line: Line<'_>) -> Value {
        let partition = self.names.partition(line.text("partition"));
        if partition.0 >= self.log.partitions() {
            return json!({"error": ErrorCode::UnknownTopicOrPartition.as_str(), "offset": null});
        }
        let offset = match line.text("at") {
            "earliest" => LogOffset(0),
            _ => self.end(partition, isolation(line)),
        };
        json!({"error": "NONE", "offset": offset.0})
    }

    /// Where a reader has to stop.
    fn end(&self, partition: Partition, isolation: Isolation) -> LogOffset {
        match isolation {
            Isolation::ReadUncommitted => self.log.log_end_offset(partition),
            Isolation::ReadCommitted => self.log.last_stable_offset(partition),
        }
    }

    fn offset_fetch(&mut self, line: Line<'_>) -> Value {
        let require_stable = line.flag("require_stable") == Some(true);
        let mut partitions = Map::new();
        for name in line.texts("partitions") {
            let partition = self.names.partition(name);
            let answer = self.log.fetch_offset(&line.group(), partition, require_stable);
            let offset = answer.ok().flatten().map(|offset| offset.0);
            partitions.insert(name.to_owned(), json!({"error": error_name(&answer), "offset": offset}));
        }
        json!({"error": "NONE", "partitions": partitions})
    }
}

fn isolation(line: Line<'_>) -> Isolation {
    match line.text("isolation") {
        "read_committed" => Isolation::ReadCommitted,
        _ => Isolation::ReadUncommitted,
    }
}

fn producer(names: &mut Names, known: &ProducerState) -> Value {
    let coordinator_epoch = known.coordinator_epoch().map(|epoch| epoch.0);
    json!({
        "producer": names.producer_name(known.producer().id),
        "epoch": known.producer().epoch.0,
        "last_sequence": known.last_sequence().map(|sequence| sequence.0),
        "coordinator_epoch": coordinator_epoch.filter(|epoch| *epoch >= 0),
        "txn_start": known.open_from().map(|offset| offset.0),
    })
}

/// One line for each record and marker.
fn entries(names: &mut Names, entries: &[Entry]) -> Vec<Value> {
    let mut lines = Vec::new();
    for entry in entries {
        match &entry.content {
            Content::Marker(marker) => {
                let line = json!({"offset": entry.base.0, "marker": marker_name(*marker)});
                lines.push(with_producer(names, line, entry.producer));
            }
            Content::Batch { base_sequence, transactional, records } => {
                for (record, step) in records.iter().zip(0..) {
                    let line = json!({
                        "offset": entry.base.0 + step,
                        "value": value(record),
                        "sequence": entry.producer.map(|_| (i64::from(base_sequence.0) + step as i64) % (1 << 31)),
                        "transactional": transactional,
                    });
                    lines.push(with_producer(names, line, entry.producer));
                }
            }
        }
    }
    lines
}

fn with_producer(names: &mut Names, mut line: Value, producer: Option<Producer>) -> Value {
    line["producer"] = producer.map_or(Value::Null, |producer| names.producer_name(producer.id));
    line["epoch"] = json!(producer.map(|producer| producer.epoch.0));
    line
}

fn records(entry: &Entry) -> &[Record] {
    match &entry.content {
        Content::Batch { records, .. } => records,
        Content::Marker(_) => &[],
    }
}

fn value(record: &Record) -> String {
    String::from_utf8_lossy(&record.payload).into_owned()
}
