//! Which transaction, checkpoint and records each event concerns; and what became of the transactions.
//!
//! The transactions are those of the ledger by which the checker judges, so that what is drawn is what was
//! judged. Only those that were begun and never written to, which the ledger does not know, are added.

use std::collections::BTreeMap;

use twophase::kafka::protocol::{ErrorCode, Marker, Producer, Request, Response};
use twophase::message::{ToCoordinator, ToWorker};
use twophase::{CheckpointId, Fact, Incarnation, RecordId, Role, TransactionalId};

use super::lanes::{Lanes, Place};
use super::model::{Bar, CheckpointSpan, Outcome, is_quiet};
use crate::event::{Actor, Event, What};
use crate::ledger::{Ledger, Rooms};
use crate::schedule::Schedule;
use crate::sight::Sight;
use crate::site::Name;

/// What one event concerns.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    pub(super) bar: Option<usize>,
    pub(super) checkpoint: Option<u64>,
    pub(super) records: Vec<RecordId>,
    pub(super) offset: Option<u64>,
    /// What a message says, if it can be read.
    pub(super) about: Option<String>,
    /// Of which tasks it is the start.
    pub(super) incarnation: Option<Incarnation>,
    pub(super) quiet: bool,
    /// It was answered with an error.
    pub(super) refused: bool,
}

/// The books on a history, kept while its events go by.
pub(super) struct Books {
    ledger: Ledger,
    bars: Vec<Bar>,
    /// For each transaction of the ledger, its bar.
    of_ledger: Vec<usize>,
    /// Transactions of the ledger that are not decided.
    undecided: Vec<usize>,
    /// Begun, and not written to so far.
    empty: Vec<usize>,
    carriers: BTreeMap<RecordId, Vec<usize>>,
    checkpoints: BTreeMap<CheckpointId, CheckpointSpan>,
    completed: Option<CheckpointId>,
    events: usize,
}

impl Books {
    pub(super) fn new(schedule: &Schedule) -> Self {
        Books {
            ledger: Ledger::new(schedule.input.iter().map(Vec::len), Sight::BOUND, Rooms::default()),
            bars: Vec::new(),
            of_ledger: Vec::new(),
            undecided: Vec::new(),
            empty: Vec::new(),
            carriers: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            completed: None,
            events: 0,
        }
    }

    /// The next event. Says what it concerns.
    pub(super) fn see(&mut self, event: &Event<'_>, lanes: &Lanes) -> Tags {
        self.ledger.step();
        self.ledger.see(event);
        self.enter(event, lanes);
        let tags = self.tags(event);
        self.settle(event, &tags);
        self.events += 1;
        tags
    }

    /// Transactions that are new.
    fn enter(&mut self, event: &Event<'_>, lanes: &Lanes) {
        if let (Actor::Process { .. }, What::Noted(Fact::Began(id))) = (event.who, event.what) {
            self.empty.push(self.bars.len());
            self.bars.push(bar(id, lanes.index(Place::of(event.who)), event.at));
        }
        for new in self.of_ledger.len()..self.ledger.transactions().len() {
            let transaction = &self.ledger.transactions()[new];
            let lane = lanes.index(Place::of(event.who));
            let begun = self.empty.iter().rposition(|bar| {
                self.bars[*bar].lane == lane && self.bars[*bar].id == transaction.id.as_str()
            });
            let at = match begun {
                Some(place) => self.empty.remove(place),
                None => {
                    self.bars.push(bar(&transaction.id, lane, event.at));
                    self.bars.len() - 1
                }
            };
            let Producer { id, epoch } = transaction.producer;
            self.bars[at].producer = Some(format!("{id} {epoch}"));
            self.of_ledger.push(at);
            self.undecided.push(new);
        }
    }

    fn tags(&mut self, event: &Event<'_>) -> Tags {
        match event.what {
            What::Applied { request, response, .. } => self.request(request, response),
            What::Sent { to, label, body } => sent(to, label, body),
            What::Delivered { label, .. } => Tags { quiet: is_quiet(label), ..Tags::default() },
            What::Put { head, version } => {
                let newer = head.completed.as_ref().map(|completed| completed.id);
                let newer = newer.filter(|_| version.is_some() && newer > self.completed);
                Tags { checkpoint: newer.map(|id| id.0), refused: version.is_none(), ..Tags::default() }
            }
            What::Noted(fact) => self.fact(fact),
            What::MarkerWritten { id, producer, marker, .. } => {
                Tags { bar: self.ended_by(id, producer, marker), ..Tags::default() }
            }
            What::TimedOut { id } => Tags { bar: self.named(id), ..Tags::default() },
            What::Visible { offset, record, producer, .. } => Tags {
                bar: self.written_by(record.id, producer),
                records: vec![record.id],
                offset: Some(offset.0),
                ..Tags::default()
            },
            _ => Tags::default(),
        }
    }

    fn request(&mut self, request: &Request, response: &Response) -> Tags {
        let refused = error(response).is_some();
        let bar = match request {
            Request::Produce(produce) => produce.producer.and_then(|producer| self.by(producer)),
            Request::EndTxn { id, producer, .. }
            | Request::AddPartitions { id, producer, .. }
            | Request::AddOffsets { id, producer, .. }
            | Request::TxnOffsetCommit { id, producer, .. } => self.begun(id).or_else(|| self.by(*producer)),
            Request::InitProducerId(init) => init.id.as_ref().and_then(|id| self.named(id)),
            Request::DescribeTransaction(id) => self.named(id),
            _ => None,
        };
        let mut records = Vec::new();
        if let Request::Produce(produce) = request {
            records.extend(produce.records.iter().map(|record| record.id));
            if let (Some(bar), false) = (bar, refused) {
                for record in &records {
                    let carriers = self.carriers.entry(*record).or_default();
                    if !carriers.contains(&bar) {
                        carriers.push(bar);
                        self.bars[bar].records += 1;
                    }
                }
            }
        }
        Tags { bar, records, refused, ..Tags::default() }
    }

    fn fact(&self, fact: &Fact) -> Tags {
        let (bar, checkpoint) = match fact {
            Fact::Began(id) | Fact::Committed(id) | Fact::Aborted(id) | Fact::Indistinct(id) => {
                (self.named(id), None)
            }
            Fact::PreCommitted(checkpoint, id) => (self.named(id), Some(*checkpoint)),
            Fact::Acknowledged(checkpoint)
            | Fact::Restoring(_, Some(checkpoint))
            | Fact::Triggered(checkpoint)
            | Fact::Completed(checkpoint)
            | Fact::Expired(checkpoint) => (None, Some(*checkpoint)),
            _ => (None, None),
        };
        Tags { bar, checkpoint: checkpoint.map(|id| id.0), ..Tags::default() }
    }

    /// What follows for bars and checkpoints.
    fn settle(&mut self, event: &Event<'_>, tags: &Tags) {
        match event.what {
            What::Noted(Fact::PreCommitted(checkpoint, _)) => {
                if let Some(bar) = tags.bar.map(|bar| &mut self.bars[bar]) {
                    (bar.pre_committed, bar.checkpoint) = (Some(event.at), Some(checkpoint.0));
                }
                self.checkpoint(*checkpoint, event.at);
            }
            What::Noted(Fact::Triggered(id)) => {
                self.checkpoint(*id, event.at);
            }
            What::Noted(Fact::Expired(id)) => self.checkpoint(*id, event.at).given_up = Some(event.at),
            What::Put { .. } => {
                if let Some(id) = tags.checkpoint.map(CheckpointId) {
                    self.completed = Some(id);
                    self.checkpoint(id, event.at).durable = Some(event.at);
                    self.promise(event.at);
                }
            }
            _ => {}
        }
        self.decide(event.at);
        self.decide_empty(event, tags);
    }

    fn checkpoint(&mut self, id: CheckpointId, at: u64) -> &mut CheckpointSpan {
        let new = || CheckpointSpan { id: id.0, from: at, durable: None, given_up: None };
        self.checkpoints.entry(id).or_insert_with(new)
    }

    fn promise(&mut self, at: u64) {
        for (transaction, bar) in self.ledger.transactions().iter().zip(&self.of_ledger) {
            let bar = &mut self.bars[*bar];
            if transaction.promised && bar.promised.is_none() {
                bar.promised = Some(at);
                bar.wrong = transaction.is_wrong();
            }
        }
    }

    /// What the broker has decided by this event.
    fn decide(&mut self, at: u64) {
        let (ledger, of_ledger, bars, event) = (&self.ledger, &self.of_ledger, &mut self.bars, self.events);
        self.undecided.retain(|index| {
            let transaction = &ledger.transactions()[*index];
            let Some(marker) = transaction.decided else {
                return true;
            };
            let bar = &mut bars[of_ledger[*index]];
            (bar.decided, bar.decided_by, bar.wrong) = (Some(at), Some(event), transaction.is_wrong());
            bar.outcome = match marker {
                Marker::Commit => Outcome::Committed,
                Marker::Abort if transaction.timed_out => Outcome::TimedOut,
                Marker::Abort => Outcome::Aborted,
            };
            false
        });
    }

    /// A transaction without records ends when whoever began it says so.
    fn decide_empty(&mut self, event: &Event<'_>, tags: &Tags) {
        let outcome = match event.what {
            What::Noted(Fact::Committed(_) | Fact::Indistinct(_)) => Outcome::Committed,
            What::Noted(Fact::Aborted(_)) => Outcome::Aborted,
            _ => return,
        };
        if let Some(place) = self.empty.iter().position(|bar| Some(*bar) == tags.bar) {
            let bar = &mut self.bars[self.empty.remove(place)];
            (bar.decided, bar.decided_by, bar.outcome) = (Some(event.at), Some(self.events), outcome);
        }
    }

    /// The newest under this name that was begun and not written to.
    fn begun(&self, id: &TransactionalId) -> Option<usize> {
        self.empty.iter().rev().copied().find(|bar| self.bars[*bar].id == id.as_str())
    }

    fn named(&self, id: &TransactionalId) -> Option<usize> {
        self.bars.iter().rposition(|bar| bar.id == id.as_str())
    }

    fn by(&self, producer: Producer) -> Option<usize> {
        let at = self.ledger.transactions().iter().rposition(|one| one.producer == producer)?;
        Some(self.of_ledger[at])
    }

    /// As the ledger tells whose a marker is.
    fn ended_by(&self, id: &TransactionalId, producer: Producer, marker: Marker) -> Option<usize> {
        let at = self.ledger.transactions().iter().rposition(|one| {
            one.id == *id
                && one.producer.id == producer.id
                && one.producer.epoch <= producer.epoch
                && one.decided.is_none_or(|decided| decided == marker)
        })?;
        Some(self.of_ledger[at])
    }

    fn written_by(&self, record: RecordId, producer: Option<Producer>) -> Option<usize> {
        let producer = producer.map(|Producer { id, epoch }| format!("{id} {epoch}"))?;
        let mut carriers = self.carriers.get(&record)?.iter().rev().copied();
        carriers.find(|bar| self.bars[*bar].producer.as_ref() == Some(&producer))
    }

    /// `places` says for each event which step it is.
    pub(super) fn finish(mut self, places: &[usize]) -> (Vec<Bar>, Vec<CheckpointSpan>) {
        for bar in &mut self.bars {
            bar.decided_by = bar.decided_by.and_then(|event| places.get(event).copied());
        }
        stack(&mut self.bars);
        (self.bars, self.checkpoints.into_values().collect())
    }
}

fn bar(id: &TransactionalId, lane: usize, from: u64) -> Bar {
    Bar {
        id: id.to_string(),
        producer: None,
        lane,
        row: 0,
        from,
        pre_committed: None,
        promised: None,
        decided: None,
        decided_by: None,
        outcome: Outcome::Open,
        wrong: false,
        records: 0,
        checkpoint: None,
    }
}

/// Each bar goes into the first row of its lane that is free by then.
fn stack(bars: &mut [Bar]) {
    let mut rows: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for bar in bars {
        let rows = rows.entry(bar.lane).or_default();
        let until = bar.decided.unwrap_or(u64::MAX);
        bar.row = rows.iter().position(|free_from| *free_from <= bar.from).unwrap_or(rows.len());
        match rows.get_mut(bar.row) {
            Some(free_from) => *free_from = until,
            None => rows.push(until),
        }
    }
}

/// What a message of the standard job says. Other jobs send what they like, under the labels they like.
fn sent(to: Name, label: &str, body: &[u8]) -> Tags {
    let quiet = is_quiet(label);
    let tags = match to.role {
        Role::Sink => ToWorker::from_bytes(body).filter(|said| said.label() == label).map(to_worker),
        Role::Coordinator => {
            ToCoordinator::from_bytes(body).filter(|said| said.label() == label).map(to_coordinator)
        }
    };
    Tags { quiet, ..tags.unwrap_or_default() }
}

fn to_worker(said: ToWorker) -> Tags {
    match said {
        ToWorker::Deploy(task) => {
            let from = task.from.map_or("the beginning".to_owned(), |id| id.to_string());
            let about = Some(format!("{} from {from}", task.incarnation));
            Tags { about, incarnation: Some(task.incarnation), ..Tags::default() }
        }
        ToWorker::Trigger { checkpoint, .. }
        | ToWorker::Complete { checkpoint, .. }
        | ToWorker::Aborted { checkpoint, .. } => of_checkpoint(checkpoint),
        _ => Tags::default(),
    }
}

fn to_coordinator(said: ToCoordinator) -> Tags {
    match said {
        ToCoordinator::Ack { checkpoint, .. } | ToCoordinator::Decline { checkpoint, .. } => {
            of_checkpoint(checkpoint)
        }
        ToCoordinator::Failed { reason, .. } => Tags { about: Some(reason), ..Tags::default() },
        _ => Tags::default(),
    }
}

fn of_checkpoint(id: CheckpointId) -> Tags {
    Tags { checkpoint: Some(id.0), about: Some(id.to_string()), ..Tags::default() }
}

fn error(response: &Response) -> Option<ErrorCode> {
    match response {
        Response::InitProducerId(result) => result.err(),
        Response::AddPartitions(Ok(each)) | Response::TxnOffsetCommit(each) => {
            each.iter().find_map(|(_, result)| result.err())
        }
        Response::AddPartitions(Err(error)) => Some(*error),
        Response::AddOffsets(result) => result.err(),
        Response::Produce(result) => result.err(),
        Response::EndTxn(result) => result.err(),
        Response::DescribeTransaction(result) => result.as_ref().err().copied(),
        Response::ListTransactions(result) => result.as_ref().err().copied(),
        _ => None,
    }
}
