//! The same in Chrome's trace format, for <https://ui.perfetto.dev> and `chrome://tracing`.
//!
//! A process is a process and each of its lives a thread. Whatever happens is a slice of one microsecond on its
//! thread, because arrows (flows) bind to slices. Transactions and requests overlap without nesting, so they are
//! asynchronous slices, each on a track of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Arrow, ArrowKind, Fate, Lane, StepKind, Timeline};

impl Timeline {
    /// The trace, as an object that Perfetto opens.
    pub fn chrome(&self) -> Value {
        let threads = Threads::of(&self.lanes);
        let mut events = threads.names(&self.lanes);
        self.add_steps(&threads, &mut events);
        self.add_transactions(&threads, &mut events);
        self.add_requests(&threads, &mut events);
        self.add_flows(&threads, &mut events);
        events.sort_by_key(|event| event["ts"].as_u64()); // stable: names first, and a beginning before its end
        json!({
            "displayTimeUnit": "ms",
            "otherData": {
                "subject": self.about.subject,
                "of": self.about.of,
                "verdict": self.about.verdict,
                "version": self.about.version,
            },
            "traceEvents": events,
        })
    }

    fn add_steps(&self, threads: &Threads, events: &mut Vec<Value>) {
        for (index, step) in self.steps.iter().enumerate() {
            let (pid, tid) = threads.of[step.lane];
            let mut args = json!({ "step": step.number, "records": step.records.join(" ") });
            if let Some(bar) = step.bar {
                args["transaction"] = json!(self.bars[bar].id);
            }
            let slice = json!({
                "name": step.text, "cat": step.kind, "ph": "X", "ts": step.at, "dur": 1,
                "pid": pid, "tid": tid, "args": args,
            });
            events.push(slice);
            let is_fault = matches!(
                step.kind,
                StepKind::Fault
                    | StepKind::Crashed
                    | StepKind::Panicked
                    | StepKind::BrokerDown
                    | StepKind::TimedOut
            );
            if is_fault || self.marked == Some(index) {
                let scope = if self.marked == Some(index) { "g" } else { "p" };
                let name = match self.marked == Some(index) {
                    true => format!("{}: {}", self.about.verdict, self.about.says.join("; ")),
                    false => step.text.clone(),
                };
                events.push(json!({
                    "name": name, "cat": "fault", "ph": "i", "s": scope, "ts": step.at, "pid": pid, "tid": tid,
                }));
            }
        }
    }

    fn add_transactions(&self, threads: &Threads, events: &mut Vec<Value>) {
        for (number, bar) in self.bars.iter().enumerate() {
            let (pid, tid) = threads.of[bar.lane];
            let id = format!("transaction {number}");
            let end = bar.decided.unwrap_or(self.lasted).max(bar.from);
            let mut add = |phase: &str, name: &str, ts: u64| {
                events.push(json!({
                    "name": name, "cat": "transaction", "ph": phase, "id2": { "local": id }, "ts": ts,
                    "pid": pid, "tid": tid,
                    "args": { "outcome": bar.outcome, "records": bar.records, "producer": bar.producer,
                              "checkpoint": bar.checkpoint, "wrong": bar.wrong },
                }));
            };
            add("b", &bar.id, bar.from);
            for (name, at) in [("pre-committed", bar.pre_committed), ("promised", bar.promised)] {
                at.filter(|at| *at <= end).into_iter().for_each(|at| add("n", name, at));
            }
            add("e", &bar.id, end);
        }
    }

    /// From when a request left until its answer arrived, or until it is known that none will.
    fn add_requests(&self, threads: &Threads, events: &mut Vec<Value>) {
        let mut answers: BTreeMap<usize, &Arrow> = BTreeMap::new();
        for arrow in self.arrows.iter().filter(|arrow| arrow.kind == ArrowKind::Answer) {
            if let Some(step) = arrow.from_step {
                answers.insert(step, arrow);
            }
        }
        for (number, arrow) in self.arrows.iter().enumerate() {
            if arrow.kind != ArrowKind::Request {
                continue;
            }
            let answer = arrow.to_step.and_then(|step| answers.get(&step));
            let end = answer.map_or(arrow.due, |answer| answer.due).min(self.lasted).max(arrow.left);
            let (pid, tid) = threads.of[arrow.from];
            for (phase, ts) in [("b", arrow.left), ("e", end)] {
                events.push(json!({
                    "name": arrow.label, "cat": "request", "ph": phase,
                    "id2": { "local": format!("request {number}") }, "ts": ts, "pid": pid, "tid": tid,
                    "args": { "request": arrow.fate, "answer": answer.map(|answer| answer.fate) },
                }));
            }
        }
    }

    /// Arrows, between the two slices at their ends. What never arrives has an end of its own.
    fn add_flows(&self, threads: &Threads, events: &mut Vec<Value>) {
        for (number, arrow) in self.arrows.iter().enumerate() {
            let arrived = arrow.fate == Fate::Arrived;
            let (from, to) = (threads.of[arrow.from], threads.of[arrow.to]);
            if arrow.from_step.is_none() {
                events.push(slice(&format!("asks {}", arrow.label), arrow.left, from));
            }
            if arrived && arrow.to_step.is_none() {
                events.push(slice(&format!("hears of {}", arrow.label), arrow.due, to));
            }
            if !arrived {
                let word = if arrow.fate == Fate::Lost { "lost" } else { "unheard" };
                events.push(slice(&format!("{} {word}", arrow.label), arrow.left, from));
                continue;
            }
            for (phase, ts, (pid, tid)) in [("s", arrow.left, from), ("f", arrow.due, to)] {
                events.push(json!({
                    "name": arrow.label, "cat": arrow.kind, "ph": phase, "bp": "e", "id": number, "ts": ts,
                    "pid": pid, "tid": tid,
                }));
            }
        }
    }
}

fn slice(name: &str, ts: u64, (pid, tid): (u64, u64)) -> Value {
    json!({ "name": name, "cat": "network", "ph": "X", "ts": ts, "dur": 1, "pid": pid, "tid": tid })
}

/// For each lane its process and thread, as numbers.
struct Threads {
    of: Vec<(u64, u64)>,
}

impl Threads {
    fn of(lanes: &[Lane]) -> Self {
        let mut processes: BTreeMap<&str, u64> = BTreeMap::new();
        for lane in lanes {
            let next = processes.len() as u64 + 1;
            processes.entry(&lane.name).or_insert(next);
        }
        let of = lanes.iter().zip(1..).map(|(lane, tid)| (processes[&*lane.name], tid)).collect();
        Threads { of }
    }

    fn names(&self, lanes: &[Lane]) -> Vec<Value> {
        let mut events = Vec::new();
        for (lane, (pid, tid)) in lanes.iter().zip(&self.of) {
            let zombie = if lane.zombie.is_some() { ", later a zombie" } else { "" };
            let thread = lane.life.map_or(lane.name.clone(), |life| format!("life {life}{zombie}"));
            for (name, value) in [("process_name", &lane.name), ("thread_name", &thread)] {
                events.push(
                    json!({ "name": name, "ph": "M", "pid": pid, "tid": tid, "args": { "name": value } }),
                );
            }
            for name in ["process_sort_index", "thread_sort_index"] {
                events.push(
                    json!({ "name": name, "ph": "M", "pid": pid, "tid": tid, "args": { "sort_index": tid } }),
                );
            }
        }
        events
    }
}
