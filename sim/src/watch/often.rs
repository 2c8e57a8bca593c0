//! What happens often: records, requests, messages and facts. They are nine of ten events, and mostly nobody wants more
//! than a judgement. So each is shown by its parts, and put together as an event only where more is wanted.

use twophase::kafka::protocol::{LogOffset, Marker, Produce, Producer, Request, Response};
use twophase::{Fact, Partition, Record, TransactionalId};

use super::Watch;
use crate::event::{Actor, Event, Observer, What};
use crate::ledger::ACK;
use crate::site::Name;

impl Watch {
    /// A committed reader sees a record.
    #[inline(always)]
    pub(crate) fn visible(
        &mut self,
        at: u64,
        (partition, offset): (Partition, LogOffset),
        record: &Record,
        producer: Option<Producer>,
    ) {
        let who = Actor::Broker;
        if self.more_is_wanted {
            return self.see(&Event { at, who, what: What::Visible { partition, offset, record, producer } });
        }
        self.digest.add(|chain| chain.visible(at, who, (partition, offset), record, producer));
        self.ledger.step();
        self.judge_visible(at, partition, record, producer);
    }

    /// A marker was written.
    #[inline]
    pub(crate) fn marked(
        &mut self,
        at: u64,
        partition: Partition,
        id: &TransactionalId,
        producer: Producer,
        marker: Marker,
    ) {
        let what = What::MarkerWritten { partition, id, producer, marker };
        let event = Event { at, who: Actor::Broker, what };
        if self.more_is_wanted {
            return self.see(&event);
        }
        self.digest.add(|chain| chain.event(&event));
        self.ledger.step();
        self.ledger.marked(partition, id, producer, marker);
    }

    /// A batch reached the broker and was answered.
    #[inline(always)]
    pub(crate) fn produced(
        &mut self,
        at: u64,
        who: Actor,
        (request, batch, response): (&Request, &Produce, &Response),
        changed: bool,
        state: u64,
    ) {
        match response {
            Response::Produce(answer) if !self.more_is_wanted => {
                self.digest.add(|chain| chain.produced(at, who, (batch, *answer), changed, state));
                self.ledger.step();
                match changed && answer.is_ok() {
                    true => self.judge_written(at, who, batch),
                    false => self.judge_asked(at, who, (request, response), changed),
                }
            }
            _ => self.see(&Event { at, who, what: What::Applied { request, response, changed, state } }),
        }
    }

    /// Another request reached the broker and was answered.
    #[inline(always)]
    pub(crate) fn applied(
        &mut self,
        at: u64,
        who: Actor,
        told: (&Request, &Response),
        changed: bool,
        state: u64,
    ) {
        if self.more_is_wanted {
            let (request, response) = told;
            let what = What::Applied { request, response, changed, state };
            return self.see(&Event { at, who, what });
        }
        self.digest.add(|chain| chain.asked(at, who, told, changed, state));
        self.ledger.step();
        self.judge_asked(at, who, told, changed);
    }

    /// A message was handed to the network.
    #[inline(always)]
    pub(crate) fn sent(&mut self, at: u64, who: Actor, to: Name, label: &str, body: &[u8]) {
        if self.more_is_wanted {
            return self.see(&Event { at, who, what: What::Sent { to, label, body } });
        }
        self.digest.add(|chain| chain.sent(at, who, to, label, body));
        self.ledger.step();
        self.judge_sent(who, label);
    }

    /// It arrived.
    #[inline(always)]
    pub(crate) fn delivered(&mut self, at: u64, who: Actor, message: u64, from: Name, said: (&str, &[u8])) {
        if self.more_is_wanted {
            let (label, body) = said;
            return self.see(&Event { at, who, what: What::Delivered { message, from, label, body } });
        }
        self.digest.add(|chain| chain.delivered(at, who, message));
        self.ledger.step();
    }

    /// A process says something of itself.
    #[inline(always)]
    pub(crate) fn noted(&mut self, at: u64, who: Actor, fact: &Fact) {
        if self.more_is_wanted {
            return self.see(&Event { at, who, what: What::Noted(fact) });
        }
        self.digest.add(|chain| chain.noted(at, who, fact));
        self.ledger.step();
        self.judge_noted(who, fact);
    }

    /// The ledger was told of the record when it was written.
    #[inline(always)]
    pub(super) fn judge_visible(
        &mut self,
        at: u64,
        partition: Partition,
        record: &Record,
        producer: Option<Producer>,
    ) {
        self.checker.visible(at, partition, record, producer, &self.ledger);
    }

    #[inline(always)]
    pub(super) fn judge_applied(&mut self, at: u64, who: Actor, told: (&Request, &Response), changed: bool) {
        match told {
            (Request::Produce(batch), Response::Produce(Ok(_))) if changed => {
                self.judge_written(at, who, batch)
            }
            _ => self.judge_asked(at, who, told, changed),
        }
    }

    #[inline(never)]
    fn judge_asked(&mut self, at: u64, who: Actor, told: (&Request, &Response), changed: bool) {
        self.ledger.decided(who, told, changed);
        self.checker.decided(at, who, told, changed, &self.ledger);
    }

    #[inline(never)]
    fn judge_written(&mut self, at: u64, who: Actor, batch: &Produce) {
        self.ledger.written(who, batch);
        self.checker.written(at, who, batch, &self.ledger);
    }

    /// Of messages only an acknowledgement says how far a transaction has come.
    #[inline(always)]
    pub(super) fn judge_sent(&mut self, who: Actor, label: &str) {
        if label == ACK {
            self.ledger.acknowledged(who);
        }
    }

    #[inline(always)]
    pub(super) fn judge_noted(&mut self, who: Actor, fact: &Fact) {
        self.tally.noted(fact);
        self.ledger.noted(who, fact);
    }
}
