//! The recorder: the events of one history, kept, and how they print.

use std::fmt;

use twophase::Fact;
use twophase::env::{Key, Value, Version};
use twophase::kafka::protocol::{Request, Response};

use crate::event::{Event, Observer, What};
use crate::kept::Kept;
use crate::remarks::{Remark, Remarks};
use crate::seed::micros;
use crate::trips::{Trip, Trips};

/// The events of one history; and between them what the processes said through `tracing`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    events: Vec<Kept>,
    /// What else is to be said of an event.
    added: Vec<(usize, String)>,
    remarks: Vec<Remark>,
    trips: Vec<Trip>,
}

/// Records a history while it happens.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    events: Vec<Kept>,
    added: Vec<(usize, String)>,
    pub(crate) remarks: Remarks,
    pub(crate) trips: Trips,
    /// The newest event by which a message left.
    sent: Option<usize>,
}

impl Recorder {
    /// What else is to be said of the last event.
    pub(crate) fn add(&mut self, more: String) {
        self.added.push((self.newest(), more));
    }

    pub(crate) fn finish(self) -> History {
        let Recorder { events, added, remarks, trips, .. } = self;
        History { events, added, remarks: remarks.take(), trips: trips.finish() }
    }

    /// The event that happened last, counting from 0.
    pub(crate) fn newest(&self) -> usize {
        self.events.len().saturating_sub(1)
    }

    /// The event by which the newest message left.
    pub(crate) fn sent(&self) -> Option<usize> {
        self.sent
    }
}

impl History {
    /// How many events there were.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event<'_>> + Clone {
        self.events.iter().map(Kept::event)
    }

    /// The event at this place, as it prints.
    pub fn line(&self, index: usize) -> Option<String> {
        self.events.get(index).map(|kept| self.shown(index, kept).to_string())
    }

    fn shown<'a>(&'a self, index: usize, kept: &'a Kept) -> Line<'a> {
        let added = self.added.binary_search_by_key(&index, |(of, _)| *of);
        let added = added.map_or("", |place| &self.added[place].1);
        Line { step: index + 1, event: kept.event(), added }
    }

    /// What the processes said, in order.
    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The ways of messages, requests and answers, in the order in which they set out.
    pub(crate) fn trips(&self) -> &[Trip] {
        &self.trips
    }
}

impl Observer for Recorder {
    fn see(&mut self, event: &Event<'_>) {
        self.remarks.event(event.at);
        let index = self.events.len();
        match event.what {
            What::Sent { .. } => self.sent = Some(index),
            What::Applied { .. } | What::Put { .. } | What::Stored { .. } => self.trips.serves(index),
            _ => {}
        }
        self.events.push(Kept::from(event));
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>5}  {:>10}  {:<24}what", "step", "time", "who")?;
        let mut remarks = self.remarks.iter().peekable();
        for happened in 0..=self.events.len() {
            while let Some(remark) = remarks.next_if(|remark| remark.after == happened) {
                writeln!(f, "{remark}")?;
            }
            if let Some(kept) = self.events.get(happened) {
                writeln!(f, "{}", self.shown(happened, kept))?;
            }
        }
        Ok(())
    }
}

/// One event, as it prints.
struct Line<'a> {
    step: usize,
    event: Event<'a>,
    added: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { at, who, what } = self.event;
        write!(
            f,
            "{:>5}  {}  {:<24}{}{}",
            self.step,
            Seconds(at),
            who.to_string(),
            describe(what),
            self.added
        )
    }
}

/// Without a number: it is no event.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remark { at, who, said, .. } = self;
        write!(f, "{:>5}  {}  {who:<24}| {said}", "", Seconds(*at))
    }
}

/// Microseconds, as they print.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>2}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What happened, in words.
pub(crate) fn describe(what: What<'_>) -> String {
    match what {
        What::Started => "starts".to_owned(),
        What::Crashed => "is killed".to_owned(),
        What::Paused => "stands still".to_owned(),
        What::Resumed => "goes on".to_owned(),
        What::AskedToStop => "is asked to end cleanly".to_owned(),
        What::Ended(Ok(())) => "ends".to_owned(),
        What::Ended(Err(said)) => format!("gives up: {said}"),
        What::Panicked(said) => format!("panics: {said}"),
        What::Struck(fault) => format!("fault strikes: {}", fault_text(fault)),
        What::Healed => "everything is repaired".to_owned(),
        What::Sent { to, label, body } => format!("sends {label} to {to} ({} bytes)", body.len()),
        What::Delivered { from, label, .. } => format!("gets {label} from {from}"),
        What::Applied { request, response, .. } => {
            format!("{} -> {}", request_text(request), response_text(response))
        }
        What::Put { head, version } => {
            let completed = head.completed.as_ref().map_or("none".to_owned(), |done| done.id.to_string());
            let result = version_text(version);
            format!("puts head {} {} completed {completed} -> {result}", head.term, head.incarnation)
        }
        What::Stored { key, value, version } => {
            let name = match key {
                Key::Head => "head",
                Key::Named(name) => name,
            };
            let size = match value {
                Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
                Value::Head(_) => "a head".to_owned(),
            };
            format!("puts {name} ({size}) -> {}", version_text(version))
        }
        What::Unanswered { operation } => format!("{operation}: no answer"),
        What::Noted(fact) => fact_text(fact),
        What::MarkerWritten { partition, id, producer, marker } => {
            format!("writes {marker:?} marker of {id} ({} {}) to {partition}", producer.id, producer.epoch)
        }
        What::TimedOut { id } => format!("{id} timed out: aborted"),
        What::Visible { partition, offset, record, .. } => {
            format!("{partition} shows {} at {offset}", record.id)
        }
        What::BrokerDown => "is away".to_owned(),
        What::BrokerUp => "is back, with its state loaded".to_owned(),
    }
}

fn version_text(version: Option<Version>) -> String {
    version.map_or("refused".to_owned(), |version| format!("version {}", version.0))
}

fn fault_text(fault: &crate::fault::Fault) -> String {
    let place = fault.site().map_or_else(
        || format!("at {} ms", micros(fault.time().unwrap_or_default()) / 1_000),
        |site| format!("at {site}"),
    );
    format!("{} {place}", fault.kind().as_str())
}

fn request_text(request: &Request) -> String {
    let of = |producer: &twophase::kafka::protocol::Producer| format!("{} {}", producer.id, producer.epoch);
    match request {
        Request::InitProducerId(init) => format!("init {}", init.id.as_ref().map_or("-", |id| id.as_str())),
        Request::AddPartitions { id, producer, partitions, .. } => {
            let list: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            format!("add {} to {id} ({})", list.join(" "), of(producer))
        }
        Request::Produce(produce) => {
            let list: Vec<_> = produce.records.iter().map(|record| record.id.to_string()).collect();
            let id = produce.id.as_ref().map_or("-", |id| id.as_str());
            let producer = produce.producer.as_ref().map_or("-".to_owned(), of);
            format!(
                "produce {} to {} in {id} ({producer}, #{})",
                list.join(" "),
                produce.partition,
                produce.base_sequence.0
            )
        }
        Request::EndTxn { id, producer, marker, .. } => {
            format!("{marker:?} {id} ({})", of(producer)).to_lowercase()
        }
        Request::DescribeTransaction(id) => format!("describe {id}"),
        Request::ListTransactions { .. } => "list transactions".to_owned(),
        other => format!("{other:?}"),
    }
}

fn response_text(response: &Response) -> String {
    fn code<T>(result: &Result<T, twophase::kafka::protocol::ErrorCode>) -> String {
        result.as_ref().map_or_else(|error| error.as_str().to_owned(), |_| "ok".to_owned())
    }
    match response {
        Response::InitProducerId(Ok(producer)) | Response::EndTxn(Ok(Some(producer))) => {
            format!("ok, {} {}", producer.id, producer.epoch)
        }
        Response::InitProducerId(result) => code(result),
        Response::EndTxn(result) => code(result),
        Response::Produce(Ok(offset)) => format!("ok, at {offset}"),
        Response::Produce(result) => code(result),
        Response::AddPartitions(Ok(each)) | Response::TxnOffsetCommit(each) => {
            each.iter().find_map(|(_, result)| result.err()).map_or("ok", |error| error.as_str()).to_owned()
        }
        Response::AddPartitions(Err(error)) => error.as_str().to_owned(),
        Response::AddOffsets(result) => code(result),
        Response::DescribeTransaction(result) => code(result),
        Response::ListTransactions(Ok(list)) => format!("ok, {} found", list.len()),
        Response::ListTransactions(result) => code(result),
        other => format!("{other:?}"),
    }
}

fn fact_text(fact: &Fact) -> String {
    match fact {
        Fact::Began(id) => format!("begins {id}"),
        Fact::PreCommitted(checkpoint, id) => format!("pre-commits {id} for {checkpoint}"),
        Fact::Acknowledged(checkpoint) => format!("acknowledges {checkpoint}"),
        Fact::Committed(id) => format!("knows {id} committed"),
        Fact::Aborted(id) => format!("knows {id} aborted"),
        Fact::Indistinct(id) => format!("takes {id} for committed: the broker tells no longer"),
        Fact::Restoring(_, Some(checkpoint)) => format!("restores from {checkpoint}"),
        Fact::Restoring(_, None) => "starts from the beginning".to_owned(),
        Fact::Restored => "has restored".to_owned(),
        Fact::Triggered(checkpoint) => format!("triggers {checkpoint}"),
        Fact::Completed(checkpoint) => format!("knows {checkpoint} complete"),
        Fact::Expired(checkpoint) => format!("gives {checkpoint} up"),
        Fact::Restarting(incarnation) => format!("starts the tasks as {incarnation}"),
        Fact::Deposed => "is deposed, and stops".to_owned(),
        Fact::Finished => "the job is done".to_owned(),
        Fact::GaveUp(reason) => format!("gives up: {reason}"),
        other => format!("{other:?}"),
    }
}
