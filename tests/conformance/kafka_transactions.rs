//! Plays recorded schedules on the simulated log. Only names and lines are translated here; every answer is the
//! log's own.

mod names;
mod readers;
mod requests;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use twophase::kafka::protocol::{CoordinatorState, ErrorCode, Protocol, Request, Response};
use twophase::{Timestamp, TransactionalId};
use twophase_sim::log::{ClusterSettings, Effect, Log, MarkerWrite, OFFSETS_PARTITION, TransactionalLog};

use crate::recordings::NotCovered;
use names::{Line, NODE_2, Names, PARTITIONS};

/// Plays one schedule; answers the lines of its trace.
pub(crate) fn play(schedule: &[Value]) -> Result<Vec<Value>, NotCovered> {
    let mut world = World::new(schedule);
    let mut trace = Vec::new();
    for (line, step) in schedule.iter().map(Line).zip(1..) {
        let op = line.text("op");
        if matches!(op, "note" | "cluster") {
            continue;
        }
        let mut answer = world.step(op, line)?;
        world.settle();
        let unsettled = std::mem::take(&mut world.unsettled);
        if !unsettled.is_empty() && op != "kill_coordinator" {
            answer["unsettled"] = json!(unsettled);
        }
        answer["step"] = json!(step);
        answer["op"] = json!(op);
        trace.push(answer);
    }
    Ok(trace)
}

/// The two recorded nodes around one log.
struct World {
    log: TransactionalLog,
    now: Timestamp,
    effects: Vec<Effect>,
    /// Markers for node 2 while it is stopped.
    held: Vec<MarkerWrite>,
    node_2: Node,
    /// Ids whose marker was refused: they never get out of their Prepare state.
    stuck: BTreeSet<TransactionalId>,
    /// Those of this line.
    unsettled: BTreeSet<String>,
    names: Names,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Runs,
    Stopped,
    /// Killed while it was stopped; starts again when it is resumed.
    Dead,
}

impl World {
    fn new(schedule: &[Value]) -> Self {
        let mut settings =
            ClusterSettings { partitions: PARTITIONS.len() as u32, ..ClusterSettings::default() };
        for line in schedule.iter().map(Line).filter(|line| line.text("op") == "cluster") {
            settings.two_phase_commit |= line.flag("two_phase_commit") == Some(true);
            if line.number("transaction_version") == Some(1) {
                settings.protocol = Protocol::V1;
            }
        }
        World {
            log: TransactionalLog::new(&settings),
            now: Timestamp(1_000_000),
            effects: Vec::new(),
            held: Vec::new(),
            node_2: Node::Runs,
            stuck: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            names: Names::default(),
        }
    }

    fn step(&mut self, op: &str, line: Line<'_>) -> Result<Value, NotCovered> {
        if self.node_2 != Node::Runs && self.names.partition(line.text("partition")) == NODE_2 {
            return Ok(json!({"error": "UNREACHABLE"}));
        }
        if let Some(answer) = self.request(op, line) {
            return Ok(answer);
        }
        if let Some(answer) = self.look(op, line) {
            return Ok(answer);
        }
        match op {
            "wait_timeout" => return Ok(self.wait_timeout(line)),
            "pause" => self.pause(line.number("ms").unwrap_or_default()),
            "stop_node2" => self.node_2 = Node::Stopped,
            "resume_node2" => self.resume_node_2(),
            "kill_coordinator" => self.kill_coordinator(),
            "set_verification" => self.log.set_verification(line.flag("enabled") == Some(true)),
            "expire_producers" => self.log.forget_idle_producers(),
            // Reached only with a generation or a member: those without are requests like any other.
            "txn_offset_commit" => return Err(NotCovered("txn_offset_commit of a group member".to_owned())),
            "delete_records" | "delete_topic" | "wait_expiry" => return Err(NotCovered(op.to_owned())),
            _ => panic!("{op} is no operation of these recordings"),
        }
        Ok(json!({}))
    }

    fn apply(&mut self, request: &Request) -> Response {
        self.log.apply(self.now, request, &mut self.effects)
    }

    /// Delivers all markers but those for a stopped node.
    fn settle(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            let Effect::WriteMarker(write) = effect else {
                continue;
            };
            if write.partition == NODE_2 && self.node_2 != Node::Runs {
                self.held.push(write);
            } else if self.deliver(&write).is_err() {
                self.stick(write.id);
            }
        }
        self.forget_freed();
    }

    /// A new coordinator can end what was stuck at the old one; the id can then get stuck again.
    fn forget_freed(&mut self) {
        let ending = [CoordinatorState::PrepareCommit, CoordinatorState::PrepareAbort];
        for metadata in self.log.transactions() {
            if !ending.contains(&metadata.state()) {
                self.stuck.remove(metadata.id());
            }
        }
    }

    fn stick(&mut self, id: Option<TransactionalId>) {
        if let Some(id) = id.filter(|id| !self.stuck.contains(id)) {
            self.unsettled.insert(id.to_string());
            self.stuck.insert(id);
        }
    }

    fn deliver(&mut self, write: &MarkerWrite) -> Result<(), ErrorCode> {
        self.log.write_marker(self.now, write, &mut self.effects)
    }

    /// The brokers sweep all the time; here it matters only when time has passed.
    fn pause(&mut self, ms: i64) {
        self.now = self.now.after(Duration::from_millis(ms.unsigned_abs()));
        self.log.sweep(self.now, &mut self.effects);
    }

    fn wait_timeout(&mut self, line: Line<'_>) -> Value {
        let Response::DescribeTransaction(Ok(before)) = self.apply(&Request::DescribeTransaction(line.id()))
        else {
            return json!({"state": null});
        };
        let metadata = self.log.transactions().iter().find(|metadata| *metadata.id() == line.id());
        let started = metadata.and_then(|metadata| metadata.started()).unwrap_or(self.now);
        let beyond = started.after(before.timeout).after(Duration::from_millis(1));
        self.now = self.now.max(beyond);
        self.log.sweep(self.now, &mut self.effects);
        self.settle();
        let Response::DescribeTransaction(Ok(after)) = self.apply(&Request::DescribeTransaction(line.id()))
        else {
            return json!({"state": null});
        };
        json!({"state": names::state_name(after.state)})
    }

    fn resume_node_2(&mut self) {
        if self.node_2 == Node::Dead {
            self.log.restart(NODE_2);
        }
        self.node_2 = Node::Runs;
        let held = std::mem::take(&mut self.held);
        self.effects.extend(held.into_iter().map(Effect::WriteMarker));
    }

    /// Node 1 dies: the coordinator, both partitions of `a`, and the offsets. A stopped node 2 dies with it, and
    /// what had been sent to it is lost.
    fn kill_coordinator(&mut self) {
        for partition in [self.names.partition("a-0"), self.names.partition("a-1"), OFFSETS_PARTITION] {
            self.log.restart(partition);
        }
        if self.node_2 != Node::Runs {
            self.node_2 = Node::Dead;
            self.held.clear();
        }
        self.log.reload(self.now, &mut self.effects);
    }
}
