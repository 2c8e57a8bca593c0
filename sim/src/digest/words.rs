//! An event in words. Nearly all that happens is of a few kinds, and those are packed into as few words as hold them;
//! what is rare is hashed field by field.
//!
//! First comes the time, then who acts and of which kind the event is. Whatever can be of any length says how long it is
//! before it comes, so no two events are the same row of words.

use std::hash::Hash;

use twophase::kafka::protocol::{
    ErrorCode, InitProducerId, LogOffset, Marker, Produce, Producer, Request, Response,
};
use twophase::{Fact, Partition, Record};

use super::Chain;
use crate::event::{Actor, Event, What};
use crate::site::Name;

/// The kinds of events that are packed.
#[derive(Clone, Copy)]
enum Kind {
    Rare,
    Sent,
    Delivered,
    Noted,
    Applied,
    Written,
    Visible,
    Initialised,
    Ended,
}

impl Chain {
    /// Any event.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        let Event { at, who, what } = *event;
        match what {
            What::Applied { request, response, changed, state } => match (request, response) {
                (Request::Produce(batch), Response::Produce(answer)) => {
                    self.produced(at, who, (batch, *answer), changed, state);
                }
                told => self.asked(at, who, told, changed, state),
            },
            What::Visible { partition, offset, record, producer } => {
                self.visible(at, who, (partition, offset), record, producer);
            }
            What::Sent { to, label, body } => self.sent(at, who, to, label, body),
            What::Delivered { message, .. } => self.delivered(at, who, message),
            What::Noted(fact) => self.noted(at, who, fact),
            rare => {
                self.begin(at, who, Kind::Rare);
                rare.hash(self);
            }
        }
    }

    /// A batch was written, or refused.
    #[inline(always)]
    pub(crate) fn produced(
        &mut self,
        at: u64,
        who: Actor,
        (batch, answer): (&Produce, Result<LogOffset, ErrorCode>),
        changed: bool,
        state: u64,
    ) {
        self.begin(at, who, Kind::Written);
        self.batch(batch, answer, changed);
        self.mix(state);
    }

    /// Anything else was asked and answered.
    #[inline(always)]
    pub(crate) fn asked(
        &mut self,
        at: u64,
        who: Actor,
        told: (&Request, &Response),
        changed: bool,
        state: u64,
    ) {
        match told {
            (Request::EndTxn { id: name, producer, marker, version }, Response::EndTxn(answer)) => {
                self.begin(at, who, Kind::Ended);
                let next = answer.ok().flatten();
                let flags = flags([*marker == Marker::Commit, changed, answer.is_ok(), next.is_some()]);
                let numbers = epoch(Some(*producer)) << 16 | epoch(next) << 32;
                self.mix(u64::from(*version as u16) | numbers | flags << 48);
                name.hash(self);
                self.mix(producer.id.0 as u64);
                self.mix(answer.map_or_else(|error| error as u64, id));
            }
            (
                Request::InitProducerId(InitProducerId {
                    id: name,
                    timeout,
                    expected_id: None,
                    expected_epoch: None,
                    enable_2pc,
                    keep_prepared,
                    version,
                }),
                Response::InitProducerId(answer),
            ) => {
                self.begin(at, who, Kind::Initialised);
                let flags = flags([name.is_some(), *enable_2pc, *keep_prepared, changed, answer.is_ok()]);
                self.mix(u64::from(*version as u16) | epoch(answer.ok()) << 16 | flags << 32);
                self.mix(timeout.as_secs() << 30 ^ u64::from(timeout.subsec_nanos())); // below 2^30 of them
                if let Some(name) = name {
                    name.hash(self);
                }
                self.mix(answer.map_or_else(|error| error as u64, |producer| id(Some(producer))));
            }
            _ => {
                self.begin(at, who, Kind::Applied);
                (told, changed).hash(self);
            }
        }
        self.mix(state);
    }

    #[inline(always)]
    pub(crate) fn visible(
        &mut self,
        at: u64,
        who: Actor,
        (partition, offset): (Partition, LogOffset),
        record: &Record,
        producer: Option<Producer>,
    ) {
        self.begin(at, who, Kind::Visible);
        self.mix(u64::from(partition.0) | epoch(producer) << 32 | u64::from(producer.is_some()) << 48);
        self.mix(id(producer));
        self.mix(offset.0);
        self.record(record);
    }

    #[inline(always)]
    pub(crate) fn sent(&mut self, at: u64, who: Actor, to: Name, label: &str, body: &[u8]) {
        self.begin(at, who, Kind::Sent);
        self.mix(name(to) | (label.len() as u64) << 20 | (body.len() as u64) << 32);
        self.bytes(label.as_bytes());
        self.bytes(body);
    }

    /// What it says, and who says it, was hashed when it was sent.
    #[inline(always)]
    pub(crate) fn delivered(&mut self, at: u64, who: Actor, message: u64) {
        self.begin(at, who, Kind::Delivered);
        self.mix(message);
    }

    #[inline(always)]
    pub(crate) fn noted(&mut self, at: u64, who: Actor, fact: &Fact) {
        self.begin(at, who, Kind::Noted);
        fact.hash(self);
    }

    #[inline(always)]
    fn begin(&mut self, at: u64, who: Actor, kind: Kind) {
        self.mix(at);
        self.mix(actor(who) | (kind as u64) << 34);
    }

    #[inline(always)]
    fn batch(&mut self, batch: &Produce, answer: Result<LogOffset, ErrorCode>, changed: bool) {
        let Produce { id: name, producer, partition, base_sequence, transactional, records, version } = batch;
        let flags = flags([name.is_some(), producer.is_some(), *transactional, changed, answer.is_ok()]);
        self.mix(u64::from(partition.0) | u64::from(base_sequence.0 as u32) << 32);
        self.mix(
            u64::from(*version as u16) | epoch(*producer) << 16 | flags << 32 | (records.len() as u64) << 40,
        );
        self.mix(id(*producer));
        if let Some(name) = name {
            name.hash(self);
        }
        self.mix(answer.map_or_else(|error| error as u64, |offset| offset.0));
        for record in records.iter() {
            self.record(record);
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &Record) {
        let Record { id, payload } = record;
        self.mix(id.offset.0);
        self.mix(u64::from(id.split.0) | (payload.len() as u64) << 16);
        self.bytes(payload);
    }
}

/// In 17 bits.
#[inline(always)]
fn name(name: Name) -> u64 {
    u64::from(name.role as u8) << 16 | u64::from(name.index)
}

/// In the bits that a kind leaves.
#[inline(always)]
fn actor(actor: Actor) -> u64 {
    match actor {
        Actor::World => 0,
        Actor::Broker => 1,
        Actor::Process { name: of, life, current } => {
            name(of) << 40 | u64::from(life.0) << 2 | 2 | u64::from(current)
        }
    }
}

/// One bit for each.
#[inline(always)]
fn flags<const N: usize>(flags: [bool; N]) -> u64 {
    flags.into_iter().fold(0, |all, flag| all << 1 | u64::from(flag))
}

#[inline(always)]
fn id(producer: Option<Producer>) -> u64 {
    producer.map_or(0, |producer| producer.id.0 as u64)
}

#[inline(always)]
fn epoch(producer: Option<Producer>) -> u64 {
    producer.map_or(0, |producer| u64::from(producer.epoch.0 as u16))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use twophase::kafka::protocol::{ProducerEpoch, ProducerId, Sequence};
    use twophase::{Life, RecordId, SourceOffset, Split, TransactionalId};

    use super::*;
    use crate::digest::Digest;

    const SINK: Actor =
        Actor::Process { name: Name { role: twophase::Role::Sink, index: 2 }, life: Life(1), current: true };
    const PRODUCER: Producer = Producer { id: ProducerId(7), epoch: ProducerEpoch(3) };

    fn digest(who: Actor, what: What<'_>) -> u64 {
        let mut digest = Digest::default();
        digest.add(|chain| chain.event(&Event { at: 5, who, what }));
        digest.value()
    }

    #[track_caller]
    fn all_differ(digests: impl IntoIterator<Item = u64>) {
        let digests: Vec<_> = digests.into_iter().collect();
        let distinct: BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len(), "{digests:x?}");
    }

    fn record(split: u16, offset: u64, payload: &'static [u8]) -> Record {
        let id = RecordId { split: Split(split), offset: SourceOffset(offset) };
        Record { id, payload: payload.into() }
    }

    /// Some, which all differ from each other.
    fn records() -> Vec<Record> {
        let plain = |payload| record(1, 2, payload);
        let payloads: [&[u8]; 12] = [
            b"",
            b"\0",
            b"\0\0",
            b"a",
            b"ab",
            b"aab",
            b"abb",
            b"abcd",
            b"abcdefgh",
            b"abcdefgi",
            b"bbcdefgh",
            b"abcdefgh\0",
        ];
        let mut all: Vec<_> = payloads.into_iter().map(plain).collect();
        all.extend([record(2, 2, b"a"), record(1, 3, b"a"), record(2, 1, b"a"), record(1, 1 << 40, b"a")]);
        all
    }

    #[test]
    fn every_field_of_a_batch_and_of_its_answer_counts() {
        let plain = Produce {
            id: Some(TransactionalId::new("t")),
            producer: Some(PRODUCER),
            partition: Partition(1),
            base_sequence: Sequence(4),
            transactional: true,
            records: record(1, 2, b"payload").into(),
            version: 12,
        };
        let changes: [fn(&mut Produce); 12] = [
            |_| {},
            |batch| batch.id = None,
            |batch| batch.id = Some(TransactionalId::new("u")),
            |batch| batch.producer = None,
            |batch| batch.producer = Some(Producer { id: ProducerId(8), ..PRODUCER }),
            |batch| batch.producer = Some(Producer { epoch: ProducerEpoch(-3), ..PRODUCER }),
            |batch| batch.partition = Partition(2),
            |batch| batch.base_sequence = Sequence(-4),
            |batch| batch.transactional = false,
            |batch| batch.records = Vec::new().into(),
            |batch| batch.records = vec![record(1, 2, b"payload"), record(1, 3, b"payload")].into(),
            |batch| batch.version = 11,
        ];
        let applied = |batch: &Produce, answer, changed, state| {
            let (request, response) = (Request::Produce(batch.clone()), Response::Produce(answer));
            digest(SINK, What::Applied { request: &request, response: &response, changed, state })
        };
        let written = Ok(LogOffset(9));
        let changed = |change: fn(&mut Produce)| {
            let mut batch = plain.clone();
            change(&mut batch);
            applied(&batch, written, true, 6)
        };
        let answered = [
            applied(&plain, Ok(LogOffset(8)), true, 6),
            applied(&plain, Err(ErrorCode::ProducerFenced), true, 6),
            applied(&plain, Err(ErrorCode::InvalidRequest), true, 6),
            applied(&plain, Ok(LogOffset(ErrorCode::InvalidRequest as u64)), true, 6),
            applied(&plain, written, false, 6),
            applied(&plain, written, true, 5),
        ];
        all_differ(changes.into_iter().map(changed).chain(answered));
    }

    #[test]
    fn every_field_of_an_end_and_of_its_answer_counts() {
        let end = |name: &str, producer, marker, version| {
            let id = TransactionalId::new(name);
            Request::EndTxn { id, producer, marker, version }
        };
        let next = |epoch| Producer { epoch: ProducerEpoch(epoch), ..PRODUCER };
        let (commit, go_on) = (Marker::Commit, Ok(Some(next(4))));
        let plain = end("t", PRODUCER, commit, 5);
        let told = [
            (plain.clone(), go_on, true, 6),
            (end("u", PRODUCER, commit, 5), go_on, true, 6),
            (end("t", Producer { id: ProducerId(8), ..PRODUCER }, commit, 5), go_on, true, 6),
            (end("t", next(2), commit, 5), go_on, true, 6),
            (end("t", PRODUCER, Marker::Abort, 5), go_on, true, 6),
            (end("t", PRODUCER, commit, 4), go_on, true, 6),
            (plain.clone(), Ok(Some(next(5))), true, 6),
            (plain.clone(), Ok(Some(Producer { id: ProducerId(9), ..next(4) })), true, 6),
            (plain.clone(), Ok(Some(Producer { id: ProducerId(0), epoch: ProducerEpoch(0) })), true, 6),
            (plain.clone(), Ok(None), true, 6),
            (plain.clone(), Err(ErrorCode::ProducerFenced), true, 6),
            (plain.clone(), Err(ErrorCode::InvalidTxnState), true, 6),
            (plain.clone(), go_on, false, 6),
            (plain, go_on, true, 7),
        ];
        all_differ(told.map(|(request, answer, changed, state)| {
            let response = Response::EndTxn(answer);
            digest(SINK, What::Applied { request: &request, response: &response, changed, state })
        }));
    }

    #[test]
    fn every_field_of_an_init_and_of_its_answer_counts() {
        let plain = InitProducerId {
            id: Some(TransactionalId::new("t")),
            timeout: Duration::from_secs(10),
            expected_id: None,
            expected_epoch: None,
            enable_2pc: false,
            keep_prepared: false,
            version: 5,
        };
        let changes: [fn(&mut InitProducerId); 11] = [
            |_| {},
            |init| init.id = None,
            |init| init.id = Some(TransactionalId::new("u")),
            |init| init.timeout = Duration::from_secs(11),
            |init| init.timeout = Duration::from_millis(10_001),
            |init| init.expected_id = Some(ProducerId(7)),
            |init| init.expected_epoch = Some(ProducerEpoch(3)),
            |init| init.expected_epoch = Some(ProducerEpoch(-1)),
            |init| init.enable_2pc = true,
            |init| init.keep_prepared = true,
            |init| init.version = 4,
        ];
        let applied = |init: &InitProducerId, answer, changed, state| {
            let (request, response) =
                (Request::InitProducerId(init.clone()), Response::InitProducerId(answer));
            digest(SINK, What::Applied { request: &request, response: &response, changed, state })
        };
        let changed = |change: fn(&mut InitProducerId)| {
            let mut init = plain.clone();
            change(&mut init);
            applied(&init, Ok(PRODUCER), true, 6)
        };
        let answered = [
            applied(&plain, Ok(Producer { id: ProducerId(8), ..PRODUCER }), true, 6),
            applied(&plain, Ok(Producer { epoch: ProducerEpoch(4), ..PRODUCER }), true, 6),
            applied(&plain, Err(ErrorCode::ProducerFenced), true, 6),
            applied(&plain, Err(ErrorCode::InvalidRequest), true, 6),
            applied(&plain, Ok(PRODUCER), false, 6),
            applied(&plain, Ok(PRODUCER), true, 7),
        ];
        all_differ(changes.into_iter().map(changed).chain(answered));
    }

    #[test]
    fn every_field_of_a_record_that_becomes_visible_counts() {
        let visible = |partition, offset, record: &Record, producer| {
            let (partition, offset) = (Partition(partition), LogOffset(offset));
            digest(Actor::Broker, What::Visible { partition, offset, record, producer })
        };
        let records = records();
        let nobody = Producer { id: ProducerId(0), epoch: ProducerEpoch(0) };
        let placed = [
            visible(0, 1, &records[0], Some(PRODUCER)),
            visible(1, 0, &records[0], Some(PRODUCER)),
            visible(0, 0, &records[0], None),
            visible(0, 0, &records[0], Some(nobody)),
            visible(0, 0, &records[0], Some(Producer { epoch: ProducerEpoch(4), ..PRODUCER })),
            visible(0, 0, &records[0], Some(Producer { id: ProducerId(6), ..PRODUCER })),
        ];
        all_differ(records.iter().map(|record| visible(0, 0, record, Some(PRODUCER))).chain(placed));
    }

    #[test]
    fn every_field_of_a_message_counts_and_where_its_label_ends() {
        let texts: [(&str, &[u8]); 7] = [
            ("", b""),
            ("ack", b"12345678"),
            ("ack", b"12345679"),
            ("ack", b"1234567"),
            ("ack1", b"2345678"),
            ("acl", b"12345678"),
            ("complete", b"12345678"),
        ];
        let names = [Name::COORDINATOR, Name::sink(0), Name::sink(1)];
        let sent = names.into_iter().flat_map(|to| {
            texts.into_iter().map(move |(label, body)| digest(SINK, What::Sent { to, label, body }))
        });
        all_differ(sent);
    }

    #[test]
    fn which_message_arrives_counts_and_to_whom() {
        let arrives = |who, message| {
            let from = Name::COORDINATOR;
            digest(who, What::Delivered { message, from, label: "ack", body: b"12345678" })
        };
        let other = Actor::Process { name: Name::sink(1), life: Life(1), current: true };
        all_differ([arrives(SINK, 1), arrives(SINK, 2), arrives(SINK, 1 << 40), arrives(other, 1)]);
    }

    #[test]
    fn every_field_of_who_acts_counts() {
        let process = |index, life, current| {
            let name = Name::sink(index);
            Actor::Process { name, life: Life(life), current }
        };
        let coordinator = Actor::Process { name: Name::COORDINATOR, life: Life(1), current: true };
        let all = [
            Actor::World,
            Actor::Broker,
            coordinator,
            process(0, 1, true),
            process(1, 1, true),
            process(u16::MAX, 1, true),
            process(1, 2, true),
            process(1, u32::MAX, true),
            process(1, 1, false),
        ];
        let kinds = all.into_iter().flat_map(|who| [digest(who, What::Healed), digest(who, What::Started)]);
        all_differ(kinds);
    }
}
