//! Committed output equals input, exactly once.
//!
//! After every step, what a committed reader has been shown must be a part of the input:
//!
//! - [`Anomaly::Duplicate`]: a record is there twice.
//! - [`Anomaly::Invented`]: a record was never in the input, or its payload is another.
//! - [`Anomaly::AbortedRead`]: a record of an aborted transaction is there.
//! - [`Anomaly::UndecidedRead`]: a record is there whose transaction has not ended.
//! - [`Anomaly::Premature`]: a record is there that no durable checkpoint covers; the next failure would
//!   replay it. Only of a job whose commits are bound to checkpoints.
//! - [`Anomaly::Reordered`]: two records of one split are there in the wrong order, on one partition.
//! - [`Anomaly::Unfenced`]: something of an older epoch took effect after a newer one was granted.
//! - [`Anomaly::Stuck`]: a transaction of an earlier incarnation is still open when the next incarnation's
//!   first checkpoint completes. Otherwise the broker's own timeout would quietly clear up after a sink that
//!   leaves transactions behind.
//!
//! Once faults have stopped and the job has had its time, it must also be all of it:
//!
//! - [`Anomaly::Lost`]: a record never arrived, and never can.
//! - [`Anomaly::Stuck`]: it cannot be known, because something never ends.
//!
//! Identity is (split, offset), so a loss can never cancel a duplicate. Where the subject says what is to come out of
//! each record, that takes the place of the input here, and identity is (split, offset, nth output): `outputs.rs`.

mod demand;
mod report;

use std::sync::Arc;

use twophase::env::Completed;
use twophase::kafka::protocol::{Marker, Produce, Producer, Request, Response};
use twophase::{CheckpointId, Partition, Record, RecordId, SourceOffset, Split, TransactionalId};

use crate::anomaly::{Anomaly, Concerned, Finding, Said};
use crate::coverage::Window;
use crate::event::{Actor, Event, What};
use crate::ledger::{Ledger, Transaction};
use crate::memory::Room;
use crate::outputs::{Outputs, Told};
use crate::per_record::{self, PerRecord};
use crate::schedule::Schedule;
use crate::whereabouts::Whereabouts;

/// What is wrong, and why, as the end of a sentence.
type Wrong = (Anomaly, &'static str);

/// Judges a history while it happens.
#[derive(Debug)]
pub(crate) struct Checker {
    /// What was drawn; its input is what is to come out.
    schedule: Arc<Schedule>,
    /// What is to come out, if it is not the input.
    outputs: Option<Box<Outputs>>,
    /// Whether the job commits only what a durable checkpoint covers.
    bound: bool,
    seen: PerRecord<bool>,
    remaining: usize,
    /// The newest durable checkpoint.
    completed: Option<CheckpointId>,
    /// For each split, the first offset that no durable checkpoint covers.
    covered: Vec<SourceOffset>,
    /// Of each split and partition, the newest offset that was shown.
    newest: Vec<Option<SourceOffset>>,
    /// The newest producer of each name, those that were named last at the end.
    granted: Vec<(TransactionalId, Producer)>,
    /// Where they are.
    whereabouts: Whereabouts,
    finding: Option<Finding>,
}

/// What a checker leaves to that of the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    seen: per_record::Rooms<bool>,
    covered: Room<SourceOffset>,
    newest: Room<Option<SourceOffset>>,
    granted: Room<(TransactionalId, Producer)>,
}

impl Checker {
    pub(crate) fn new(
        schedule: Arc<Schedule>,
        outputs: Option<Box<Outputs>>,
        bound: bool,
        rooms: Rooms,
    ) -> Self {
        let schedule = match &outputs {
            Some(outputs) => Arc::new(outputs.schedule(&schedule)),
            None => schedule,
        };
        let (splits, partitions) = (schedule.input.len(), schedule.settings.partitions as usize);
        Checker {
            outputs,
            bound,
            seen: PerRecord::new(schedule.input.iter().map(Vec::len), false, rooms.seen),
            remaining: schedule.records(),
            completed: None,
            covered: rooms.covered.filled(splits, SourceOffset(0)),
            newest: rooms.newest.filled(splits * partitions, None),
            granted: rooms.granted.vector(32),
            whereabouts: Whereabouts::default(),
            finding: None,
            schedule,
        }
    }

    pub(crate) fn leave(self) -> Rooms {
        Rooms {
            seen: self.seen.leave(),
            covered: Room::of(self.covered),
            newest: Room::of(self.newest),
            granted: Room::of(self.granted),
        }
    }

    /// How many outputs there are to be for each split.
    pub(crate) fn expected(&self) -> impl Iterator<Item = usize> + '_ {
        self.schedule.input.iter().map(Vec::len)
    }

    /// What is to come out, if it is not the input.
    pub(crate) fn outputs(&self) -> Option<&Outputs> {
        self.outputs.as_deref()
    }

    /// The event in terms of what is to come out, if that is not the input.
    pub(crate) fn tell(&mut self, event: &Event<'_>) -> Option<Told> {
        match self.outputs.as_mut()?.tell(event) {
            Ok(told) => told,
            Err(panic) => {
                self.panicked(event.at, "identify", &panic);
                None
            }
        }
    }

    /// The first thing that is wrong.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    pub(crate) fn see(&mut self, event: &Event<'_>, ledger: &Ledger) {
        if self.finding.is_some() {
            return;
        }
        match event.what {
            What::Put { head, version: Some(_) } => {
                if let Some(completed) = &head.completed {
                    self.durable(event.at, completed, ledger);
                }
            }
            // The abort raises the epoch, though nobody is told.
            What::TimedOut { id } => {
                if let Some((_, granted)) = self.granted.iter_mut().rev().find(|(known, _)| known == id) {
                    granted.epoch.0 = granted.epoch.0.saturating_add(1);
                }
            }
            What::Panicked(message) => {
                self.report(event.at, Anomaly::Panicked, None, format!("{} panicked: {message}", event.who))
            }
            _ => {}
        }
    }

    /// A committed reader sees a record.
    #[inline(always)]
    pub(crate) fn visible(
        &mut self,
        at: u64,
        partition: Partition,
        record: &Record,
        producer: Option<Producer>,
        ledger: &Ledger,
    ) {
        if self.finding.is_some() {
            return;
        }
        let seen = self.seen.get_mut(record.id).map(|seen| std::mem::replace(seen, true));
        let by = producer.and_then(|producer| ledger.written_by(record.id, producer));
        let row = self.row(record.id.split, partition);
        if let Err((anomaly, why)) = self.may_be_shown(record, seen, by, (partition, row)) {
            return self.report_record(at, anomaly, record.id, by, why, ledger);
        }
        self.remaining -= 1;
        if let Some(newest) = row.and_then(|row| self.newest.get_mut(row)) {
            *newest = Some(record.id.offset);
        }
    }

    /// Where the newest offset of this split on this partition stands.
    fn row(&self, split: Split, partition: Partition) -> Option<usize> {
        let partitions = self.schedule.settings.partitions;
        (partition.0 < partitions).then(|| usize::from(split.0) * partitions as usize + partition.0 as usize)
    }

    #[inline(always)]
    fn may_be_shown(
        &self,
        record: &Record,
        seen: Option<bool>,
        by: Option<&Transaction>,
        (partition, row): (Partition, Option<usize>),
    ) -> Result<(), Wrong> {
        self.is_new(record, seen)?;
        if let Some(by) = by {
            may_be_read(by, partition)?;
        }
        self.is_in_order(record.id, row)
    }

    /// Whether it is one of the input that was not there before: `seen`, unless it is none.
    #[inline(always)]
    fn is_new(&self, record: &Record, seen: Option<bool>) -> Result<(), Wrong> {
        let Some(seen) = seen else {
            let why = self.outputs().and_then(|outputs| outputs.why_not(record.id));
            return Err((Anomaly::Invented, why.unwrap_or("it is not in the input")));
        };
        let payload = &self.schedule.input[usize::from(record.id.split.0)][record.id.offset.0 as usize];
        if *payload != record.payload {
            return Err((Anomaly::Invented, "its payload is another"));
        }
        if seen { Err((Anomaly::Duplicate, "it is committed twice")) } else { Ok(()) }
    }

    /// Whether it comes neither too early nor too late.
    #[inline(always)]
    fn is_in_order(&self, record: RecordId, row: Option<usize>) -> Result<(), Wrong> {
        if self.bound && record.offset >= self.covered[usize::from(record.split.0)] {
            return Err((Anomaly::Premature, "no durable checkpoint covers it"));
        }
        let newest = row.and_then(|row| self.newest[row]);
        let overtaken = newest.is_some_and(|newest| record.offset < newest && !self.is_free(record, newest));
        if overtaken {
            return Err((Anomaly::Reordered, "a later one came before it"));
        }
        Ok(())
    }

    /// Whether two outputs may come in any order, since they come from one record.
    fn is_free(&self, one: RecordId, other: SourceOffset) -> bool {
        self.outputs().is_some_and(|outputs| outputs.have_one_source(one.split, one.offset, other))
    }

    /// A batch was written. Until its marker arrives a doomed transaction takes records; they are aborted with it.
    #[inline(always)]
    pub(crate) fn written(&mut self, at: u64, who: Actor, batch: &Produce, ledger: &Ledger) {
        let (None, Some(id), Some(producer)) = (&self.finding, &batch.id, batch.producer) else {
            return;
        };
        let is_doomed =
            |into: &Transaction| into.decided == Some(Marker::Abort) && !into.is_written_on(batch.partition);
        if !ledger.written_last().is_some_and(is_doomed) {
            self.fenced(at, id, producer, ledger);
            self.by_zombie(who);
        }
    }

    /// Anything else was asked and answered: transactions were opened or ended, or nothing was.
    #[inline(always)]
    pub(crate) fn decided(
        &mut self,
        at: u64,
        who: Actor,
        told: (&Request, &Response),
        changed: bool,
        ledger: &Ledger,
    ) {
        if self.finding.is_none() {
            self.change(at, told, changed, ledger);
            self.by_zombie(who);
        }
    }

    fn change(
        &mut self,
        at: u64,
        (request, response): (&Request, &Response),
        changed: bool,
        ledger: &Ledger,
    ) {
        match (request, response) {
            (Request::InitProducerId(init), Response::InitProducerId(Ok(producer))) => {
                if let Some(id) = &init.id {
                    self.grant(id, *producer);
                }
            }
            (Request::EndTxn { id, producer, .. }, Response::EndTxn(Ok(next))) => {
                if changed {
                    self.fenced(at, id, *producer, ledger);
                }
                if let Some(next) = next {
                    self.grant(id, *next);
                }
            }
            _ => {}
        }
    }

    fn grant(&mut self, id: &TransactionalId, producer: Producer) {
        match self.granted.iter_mut().rev().find(|(known, _)| known == id) {
            Some((_, newest)) => *newest = producer,
            None => self.granted.push((id.clone(), producer)),
        }
    }

    /// If what was just found is a zombie's doing, its window is W7.
    fn by_zombie(&mut self, who: Actor) {
        if let (Some(finding), Actor::Process { current: false, .. }) = (&mut self.finding, who) {
            finding.window = Some(Window::W7);
        }
    }

    /// Something of `producer` took effect: no newer one may have been granted before.
    #[inline(always)] // of each request and each batch
    fn fenced(&mut self, at: u64, id: &TransactionalId, producer: Producer, ledger: &Ledger) {
        // Nearly always it is the newest itself. Of which name nobody asks: no two have one producer.
        match self.granted.get(self.whereabouts.of(producer.id)) {
            Some((_, newest)) if *newest == producer => {}
            _ => self.search(at, id, producer, ledger),
        }
    }

    #[cold]
    fn search(&mut self, at: u64, id: &TransactionalId, producer: Producer, ledger: &Ledger) {
        match self.granted.iter().rposition(|(_, newest)| *newest == producer) {
            Some(place) => self.whereabouts.set(producer.id, place),
            None => self.fenced_by_newer(at, id, producer, ledger),
        }
    }

    #[cold]
    fn fenced_by_newer(&mut self, at: u64, id: &TransactionalId, producer: Producer, ledger: &Ledger) {
        let named = self.granted.iter().find(|(known, _)| known == id);
        let Some(granted) = named.map(|(_, newest)| *newest).filter(|newest| producer < *newest) else {
            return;
        };
        let detail = format!(
            "{id}: a request of {} {} took effect after {} {} was granted",
            producer.id, producer.epoch, granted.id, granted.epoch
        );
        // The story is that of the transaction it befell: the newer one, if there is one.
        let about = ledger.of(granted).or_else(|| ledger.of(producer));
        self.report(at, Anomaly::Unfenced, about, detail);
    }

    /// The head says that this checkpoint is durable. Taking over and starting anew write the head too, with
    /// the checkpoint that was there.
    #[cold]
    fn durable(&mut self, at: u64, completed: &Completed, ledger: &Ledger) {
        if Some(completed.id) <= self.completed {
            return;
        }
        self.completed = Some(completed.id);
        for (covered, resume_at) in self.covered.iter_mut().zip(&completed.resume_at) {
            *covered = (*covered).max(*resume_at);
        }
        self.leftovers(at, ledger);
    }

    /// A checkpoint has completed: no transaction that was opened before its writer's newest restore may
    /// still be open.
    fn leftovers(&mut self, at: u64, ledger: &Ledger) {
        let left = |open: &&Transaction| {
            open.decided.is_none()
                && ledger.restored_at(open.writer).is_some_and(|restored| open.opened < restored)
        };
        if let Some(open) = ledger.transactions().iter().find(left) {
            let detail = format!(
                "{} is still open, though {} has restored and completed a checkpoint since",
                open.id, open.writer
            );
            let said = Said::of(Concerned::Open(open.id.clone()), detail);
            self.report(at, Anomaly::Stuck, Some(open), said);
        }
    }
}

/// Whether a record may be read from its transaction, on this partition.
fn may_be_read(by: &Transaction, partition: Partition) -> Result<(), Wrong> {
    match by.decided {
        Some(Marker::Abort) => Err((Anomaly::AbortedRead, "its transaction was aborted")),
        Some(Marker::Commit) if by.is_written_on(partition) => Ok(()),
        _ => Err((Anomaly::UndecidedRead, "its transaction has not ended")),
    }
}
