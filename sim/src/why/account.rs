//! The account of a history: which transactions, records and processes each event concerns, and by which event each
//! transaction came as far as it did.
//!
//! The transactions are those of the ledger by which the checker judges, so that what is told is what was judged.

use std::collections::BTreeSet;

use twophase::env::Completed;
use twophase::kafka::protocol::{Marker, Producer, Request, Response};
use twophase::message::{ToCoordinator, ToWorker};
use twophase::{CheckpointId, Fact, RecordId, TransactionalId};

use crate::event::{Actor, Event, What};
use crate::history::History;
use crate::ledger::{Ledger, Rooms, Transaction};
use crate::schedule::Schedule;
use crate::sight::Sight;
use crate::site::Name;

/// A transaction, by its place in the account.
pub(super) type DealId = usize;

/// One transaction, and the events, counting from 0, by which it came as far as it did.
#[derive(Debug)]
pub(super) struct Deal {
    pub(super) is: Transaction,
    pub(super) began: Option<usize>,
    pub(super) opened: usize,
    pub(super) pre_committed: Option<usize>,
    pub(super) acknowledged: Option<usize>,
    pub(super) promised: Option<usize>,
    pub(super) decided: Option<usize>,
}

/// A history, told over.
pub(super) struct Account<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) events: Vec<Event<'a>>,
    pub(super) deals: Vec<Deal>,
    /// For each event, the transactions that it concerns.
    concerned: Vec<Vec<DealId>>,
}

impl<'a> Account<'a> {
    pub(super) fn of(history: &'a History, schedule: &'a Schedule) -> Self {
        let ledger = Ledger::new(schedule.input.iter().map(Vec::len), Sight::BOUND, Rooms::default());
        let events: Vec<_> = history.events().collect();
        let mut books = Books { ledger, deals: Vec::new() };
        let concerned = events.iter().enumerate().map(|(index, event)| books.see(index, event)).collect();
        let mut deals = books.deals;
        for (deal, is) in deals.iter_mut().zip(books.ledger.transactions()) {
            deal.is = is.clone();
        }
        let mut account = Account { schedule, events, deals, concerned };
        for deal in 0..account.deals.len() {
            account.deals[deal].began = account.began(deal);
        }
        account
    }

    /// By which event its writer said that it begins it: the newest before the first record, of those that no other
    /// transaction of this name began with.
    fn began(&self, deal: DealId) -> Option<usize> {
        let Deal { is, opened, .. } = &self.deals[deal];
        let begins = |index: &usize| {
            let event = &self.events[*index];
            matches!(event.what, What::Noted(Fact::Began(id)) if *id == is.id)
                && name_of(event.who) == Some(is.writer)
        };
        let newest = (0..*opened).rev().find(begins)?;
        let taken = self.deals[..deal].iter().any(|other| other.began == Some(newest));
        (!taken).then_some(newest)
    }

    pub(super) fn deal(&self, deal: DealId) -> &Deal {
        &self.deals[deal]
    }

    /// How a transaction is called: by its name, and by its producer where the name is not enough.
    pub(super) fn name(&self, deal: DealId) -> String {
        let Transaction { id, producer, .. } = &self.deals[deal].is;
        let alike = |other: &&DealId| self.deals[**other].is.producer == *producer;
        let named = self.named(id);
        let (before, all) = (
            named.iter().filter(|other| **other < deal).filter(alike).count(),
            named.iter().filter(alike).count(),
        );
        match (named.len(), all) {
            (1, _) => id.to_string(),
            (_, 1) => format!("{id} ({} {})", producer.id, producer.epoch),
            _ => format!("{id} ({} {}, no. {})", producer.id, producer.epoch, before + 1),
        }
    }

    /// Into which transactions a record was written, oldest first.
    pub(super) fn carriers(&self, record: RecordId) -> Vec<DealId> {
        let mut all = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            if wrote(event).is_some_and(|mut records| records.any(|one| one == record)) {
                let into = self.concerned[index].iter().filter(|deal| !all.contains(*deal));
                all.extend(into.copied().collect::<Vec<_>>());
            }
        }
        all
    }

    /// By which events a record was written to a transaction.
    pub(super) fn writes(&self, record: RecordId, deal: DealId) -> Vec<usize> {
        let writes = |index: &usize| {
            self.concerned[*index].contains(&deal)
                && wrote(&self.events[*index]).is_some_and(|mut records| records.any(|one| one == record))
        };
        (0..self.events.len()).filter(writes).collect()
    }

    pub(super) fn concerns(&self, index: usize, deal: DealId) -> bool {
        self.concerned[index].contains(&deal)
    }

    pub(super) fn concerned(&self, index: usize) -> &[DealId] {
        &self.concerned[index]
    }

    /// The transactions under this name, oldest first.
    pub(super) fn named(&self, id: &TransactionalId) -> Vec<DealId> {
        (0..self.deals.len()).filter(|deal| self.deals[*deal].is.id == *id).collect()
    }

    /// The first event from `from` on that is so.
    pub(super) fn first(&self, from: usize, is: impl Fn(&Event<'a>) -> bool) -> Option<usize> {
        (from..self.events.len()).find(|index| is(&self.events[*index]))
    }

    /// The last event before `before` that is so.
    pub(super) fn last(&self, before: usize, is: impl Fn(&Event<'a>) -> bool) -> Option<usize> {
        (0..before.min(self.events.len())).rev().find(|index| is(&self.events[*index]))
    }

    /// Whether the life that this event is of was killed before it.
    pub(super) fn is_dead(&self, index: usize) -> bool {
        let life = |who: Actor| match who {
            Actor::Process { name, life, .. } => Some((name, life)),
            _ => None,
        };
        let me = life(self.events[index].who);
        me.is_some()
            && self.events[..index]
                .iter()
                .any(|event| matches!(event.what, What::Crashed) && life(event.who) == me)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// By which event this checkpoint became durable.
    pub(super) fn durable(&self, checkpoint: CheckpointId) -> Option<usize> {
        self.first(0, |event| completed(event).is_some_and(|completed| completed.id >= checkpoint))
    }

    /// By which event the first durable checkpoint came that covers this record.
    pub(super) fn covered(&self, record: RecordId) -> Option<(usize, &'a Completed)> {
        let covers = |completed: &&Completed| {
            let resume_at = completed.resume_at.get(usize::from(record.split.0));
            resume_at.is_some_and(|resume_at| *resume_at > record.offset)
        };
        let mut all = self.events.iter().enumerate();
        all.find_map(|(index, event)| Some((index, completed(event).filter(covers)?)))
    }

    /// Which sink reads this record.
    pub(super) fn reader(&self, record: RecordId) -> Name {
        Name::sink(record.split.0 % self.schedule.settings.parallelism.max(1))
    }

    /// Which sinks have acknowledged this checkpoint before that event.
    pub(super) fn acknowledged(&self, checkpoint: CheckpointId, before: usize) -> BTreeSet<Name> {
        let acks = self.events[..before].iter().filter(|event| acknowledges(event) == Some(checkpoint));
        acks.filter_map(|event| name_of(event.who)).collect()
    }
}

/// The books while the events go by.
struct Books {
    ledger: Ledger,
    deals: Vec<Deal>,
}

impl Books {
    /// The next event; which transactions it concerns.
    fn see(&mut self, index: usize, event: &Event<'_>) -> Vec<DealId> {
        let before = self.ledger.transactions().len();
        let written = self.written(event);
        self.ledger.step();
        self.ledger.see(event);
        for is in &self.ledger.transactions()[before..] {
            self.deals.push(Deal {
                is: is.clone(),
                began: None,
                opened: index,
                pre_committed: None,
                acknowledged: None,
                promised: None,
                decided: None,
            });
        }
        let mut concerned = self.turned(index, event);
        concerned.extend(self.named_in(event));
        concerned.extend(self.marked(event, &written));
        concerned.sort_unstable();
        concerned.dedup();
        concerned
    }

    /// Where the marker of this event is written already.
    fn written(&self, event: &Event<'_>) -> Vec<bool> {
        let What::MarkerWritten { partition, .. } = event.what else { return Vec::new() };
        self.ledger.transactions().iter().map(|one| one.is_written_on(partition)).collect()
    }

    /// Those of which something is true now that was not before.
    fn turned(&mut self, index: usize, event: &Event<'_>) -> Vec<DealId> {
        let mut turned = Vec::new();
        for (place, (deal, is)) in self.deals.iter_mut().zip(self.ledger.transactions()).enumerate() {
            let acknowledges = acknowledges(event).is_some() && name_of(event.who) == Some(is.writer);
            let mut note = |known: &mut Option<usize>, now: bool| {
                if known.is_none() && now {
                    *known = Some(index);
                    turned.push(place);
                }
            };
            note(&mut deal.pre_committed, is.checkpoint.is_some());
            note(&mut deal.acknowledged, acknowledges && is.checkpoint.is_some());
            note(&mut deal.promised, is.promised);
            note(&mut deal.decided, is.decided.is_some());
        }
        turned
    }

    /// Those that it names.
    fn named_in(&self, event: &Event<'_>) -> Vec<DealId> {
        let newest = |id: &TransactionalId| self.ledger.transactions().iter().rposition(|one| one.id == *id);
        let by =
            |producer: Producer| self.ledger.transactions().iter().rposition(|one| one.producer == producer);
        let one = match event.what {
            What::Applied { request, .. } => match request {
                Request::Produce(produce) => produce.producer.and_then(by),
                Request::EndTxn { id, producer, .. } => by(*producer).or_else(|| newest(id)),
                Request::InitProducerId(init) => init.id.as_ref().and_then(newest),
                _ => None,
            },
            What::Noted(
                Fact::PreCommitted(_, id) | Fact::Committed(id) | Fact::Aborted(id) | Fact::Indistinct(id),
            )
            | What::TimedOut { id } => newest(id),
            What::Visible { record, producer, .. } => producer.and_then(|producer| {
                let carrier = self.ledger.written_by(record.id, producer)?;
                self.ledger.transactions().iter().position(|one| std::ptr::eq(one, carrier))
            }),
            _ => None,
        };
        one.into_iter().collect()
    }

    /// Whose marker it is: the one that had none here before; or else, of a stray one, the newest of that producer.
    fn marked(&self, event: &Event<'_>, written: &[bool]) -> Option<DealId> {
        let What::MarkerWritten { partition, id, producer, .. } = event.what else { return None };
        let all = self.ledger.transactions().iter();
        let newly =
            all.clone().zip(written).position(|(one, before)| one.is_written_on(partition) != *before);
        newly.or_else(|| all.clone().rposition(|one| one.id == *id && one.producer.id == producer.id))
    }
}

/// Who it is, if a process.
pub(super) fn name_of(who: Actor) -> Option<Name> {
    match who {
        Actor::Process { name, .. } => Some(name),
        Actor::Broker | Actor::World => None,
    }
}

/// The checkpoint that this event makes durable.
pub(super) fn completed<'a>(event: &Event<'a>) -> Option<&'a Completed> {
    match event.what {
        What::Put { head, version: Some(_) } => head.completed.as_deref(),
        _ => None,
    }
}

/// What a request wrote.
pub(super) fn wrote<'a>(event: &Event<'a>) -> Option<impl Iterator<Item = RecordId> + use<'a>> {
    match event.what {
        What::Applied { request: Request::Produce(produce), response: Response::Produce(Ok(_)), .. } => {
            Some(produce.records.iter().map(|record| record.id))
        }
        _ => None,
    }
}

/// How this event asks for a transaction to end, and whether the broker agreed.
pub(super) fn ends(event: &Event<'_>) -> Option<(Marker, bool)> {
    match event.what {
        What::Applied {
            request: Request::EndTxn { marker, .. }, response: Response::EndTxn(answer), ..
        } => Some((*marker, answer.is_ok())),
        _ => None,
    }
}

/// The checkpoint that is acknowledged by what this event sends or says.
pub(super) fn acknowledges(event: &Event<'_>) -> Option<CheckpointId> {
    match event.what {
        What::Noted(Fact::Acknowledged(checkpoint)) => Some(*checkpoint),
        What::Sent { label: crate::ledger::ACK, body, .. } => match ToCoordinator::from_bytes(body) {
            Some(ToCoordinator::Ack { checkpoint, .. }) => Some(checkpoint),
            _ => None,
        },
        _ => None,
    }
}

/// Of which checkpoint this message says that it is complete, and to whom.
pub(super) fn announces(event: &Event<'_>) -> Option<(CheckpointId, Name)> {
    match event.what {
        What::Sent { to, label: "complete", body } => match ToWorker::from_bytes(body) {
            Some(ToWorker::Complete { checkpoint, .. }) => Some((checkpoint, to)),
            _ => None,
        },
        _ => None,
    }
}
