//! Which events belong to a story, and how it prints as steps.

use std::collections::BTreeSet;

use twophase::kafka::protocol::Request;
use twophase::{CheckpointId, Fact, Life, RecordId, Role};

use super::account::{Account, DealId, acknowledges, announces, completed, name_of, wrote};
use crate::event::{Actor, Event, What};
use crate::site::{Ask, Name, Operation};

/// What an explanation comes to: whom it is about, which step broke the promise, and what should have happened.
#[derive(Default)]
pub(super) struct Story {
    /// The transactions concerned.
    pub(super) deals: Vec<DealId>,
    pub(super) records: Vec<RecordId>,
    /// Processes that are concerned besides the writers of those transactions.
    pub(super) processes: Vec<Name>,
    /// Events that belong to it besides those that follow from the above.
    pub(super) events: Vec<usize>,
    /// The step that broke the promise.
    pub(super) broke: Option<usize>,
    /// What should have happened instead.
    pub(super) should_have: String,
    /// The rule of the protocol that was broken, in one sentence.
    pub(super) rule: String,
    /// Sentences about settings.
    pub(super) advice: Vec<String>,
}

impl Story {
    /// The events of this story, in order.
    pub(super) fn slice(&self, account: &Account<'_>) -> Vec<usize> {
        let cast = Cast::of(self, account);
        let belongs =
            |index: &usize| self.broke == Some(*index) || self.events.contains(index) || cast.belongs(*index);
        (0..account.len()).filter(belongs).collect()
    }
}

/// Whom a story is about.
struct Cast<'s, 'a> {
    story: &'s Story,
    account: &'s Account<'a>,
    processes: BTreeSet<Name>,
    checkpoints: BTreeSet<CheckpointId>,
    /// From the first event that concerns one of the transactions,
    from: usize,
    /// to the end: where the promise broke, and what is found after that.
    to: usize,
    /// The first of the transactions has a record.
    opened: usize,
    /// The job said that it is done.
    finished: usize,
    few_faults: bool,
}

impl<'s, 'a> Cast<'s, 'a> {
    fn of(story: &'s Story, account: &'s Account<'a>) -> Self {
        let deals = || story.deals.iter().map(|deal| account.deal(*deal));
        let mut processes: BTreeSet<_> = deals().map(|deal| deal.is.writer).collect();
        processes.extend(&story.processes);
        let named = story.events.iter().chain(&story.broke).copied();
        let from = deals().map(|deal| deal.began.unwrap_or(deal.opened)).chain(named).min();
        Cast {
            processes,
            checkpoints: deals().filter_map(|deal| deal.is.checkpoint).collect(),
            from: from.unwrap_or(0),
            to: account.len(),
            opened: deals().map(|deal| deal.opened).min().unwrap_or(0),
            finished: account
                .first(0, |event| matches!(event.what, What::Noted(Fact::Finished)))
                .unwrap_or(account.len()),
            few_faults: account.schedule.faults.len() <= 4,
            story,
            account,
        }
    }

    fn belongs(&self, index: usize) -> bool {
        let event = &self.account.events[index];
        match event.what {
            // What struck may have struck long before.
            What::Struck(_) => self.few_faults || self.meanwhile(index) && self.is_cast(event),
            _ if !self.meanwhile(index) => false,
            What::Applied { .. } => self.applied(index, event),
            What::Put { .. } => self.makes_durable(index),
            What::Visible { record, .. } => self.story.records.contains(&record.id),
            What::TimedOut { .. } => self.concerned(index),
            What::MarkerWritten { .. } => self.concerned(index),
            What::Noted(fact) => self.noted(index, event, fact),
            What::Unanswered { operation } => self.is_cast(event) && is_about_transactions(operation),
            What::Sent { .. } => self.announced(index, event),
            What::Started if is_first_life(event) => false,
            What::Crashed | What::Paused | What::Resumed | What::AskedToStop | What::Started => {
                self.is_cast(event) && index < self.finished
            }
            What::Ended(result) => self.is_cast(event) && result.is_err(),
            What::Panicked(_) | What::BrokerDown | What::BrokerUp => true,
            _ => false,
        }
    }

    fn meanwhile(&self, index: usize) -> bool {
        (self.from..self.to).contains(&index)
    }

    fn is_cast(&self, event: &Event<'_>) -> bool {
        match event.who {
            Actor::Process { name, .. } => self.processes.contains(&name) || name.role == Role::Coordinator,
            Actor::Broker | Actor::World => true,
        }
    }

    fn concerned(&self, index: usize) -> bool {
        self.story.deals.iter().any(|deal| self.account.concerns(index, *deal))
    }

    fn applied(&self, index: usize, event: &Event<'_>) -> bool {
        let What::Applied { request, changed, .. } = event.what else { return false };
        match request {
            Request::Produce(produce) => {
                let named = produce.records.iter().any(|record| self.story.records.contains(&record.id));
                named
                    || wrote(event).is_some()
                        && self.story.deals.iter().any(|deal| self.account.deal(*deal).opened == index)
                    || wrote(event).is_none() && self.concerned(index)
            }
            Request::EndTxn { .. } => self.concerned(index),
            Request::InitProducerId(_) => {
                let decides = |deal: &DealId| self.account.deal(*deal).decided == Some(index);
                changed && self.story.deals.iter().any(decides)
            }
            _ => false,
        }
    }

    /// Whether it makes one of the checkpoints durable, or one that promises one of the transactions.
    fn makes_durable(&self, index: usize) -> bool {
        let event = &self.account.events[index];
        let promises = |deal: &DealId| self.account.deal(*deal).promised == Some(index);
        self.story.deals.iter().any(promises)
            || completed(event).is_some_and(|completed| {
                self.checkpoints.contains(&completed.id) && self.account.durable(completed.id) == Some(index)
            })
    }

    fn noted(&self, index: usize, event: &Event<'_>, fact: &Fact) -> bool {
        let cast = self.is_cast(event);
        match fact {
            Fact::PreCommitted(..) | Fact::Committed(_) | Fact::Aborted(_) | Fact::Indistinct(_) => {
                self.concerned(index)
            }
            Fact::Began(_) => {
                self.story.deals.iter().any(|deal| self.account.deal(*deal).began == Some(index))
            }
            Fact::Acknowledged(_) => {
                cast && acknowledges(event).is_some_and(|checkpoint| self.checkpoints.contains(&checkpoint))
            }
            Fact::Restoring(..) | Fact::Restored => {
                index > self.opened && name_of(event.who).is_some_and(|name| self.processes.contains(&name))
            }
            Fact::Expired(checkpoint) => self.checkpoints.contains(checkpoint),
            Fact::GaveUp(_) | Fact::Deposed | Fact::Finished => true,
            _ => false,
        }
    }

    /// Whether one of the sinks is told of its checkpoint, or of the first one behind it that takes it along.
    fn announced(&self, index: usize, event: &Event<'_>) -> bool {
        let Some((checkpoint, to)) = announces(event) else { return false };
        let first = |deal: &DealId| {
            let told = self.account.deal(*deal);
            let is = |event: &Event<'_>| {
                announces(event).is_some_and(|(id, other)| other == to && Some(id) >= told.is.checkpoint)
            };
            to == told.is.writer
                && told.is.checkpoint.is_some()
                && self.account.first(told.opened, is) == Some(index)
        };
        let own = self.processes.contains(&to) && self.checkpoints.contains(&checkpoint);
        own || self.story.deals.iter().any(first)
    }
}

fn is_first_life(event: &Event<'_>) -> bool {
    matches!(event.who, Actor::Process { life: Life(1), .. })
}

fn is_about_transactions(operation: &Operation) -> bool {
    matches!(operation, Operation::Ask(Ask::Produce | Ask::Commit | Ask::Abort | Ask::Init))
}
