//! Clients of the log, their zombies, and the markers on their way; each step is told to the model too.

use std::time::Duration;

use twophase::kafka::protocol::{
    ErrorCode, InitProducerId, LogOffset, Marker, Produce, Producer, Protocol, Request, Response, Sequence,
};
use twophase::{Partition, Payload, Record, RecordId, SourceOffset, Split, Timestamp, TransactionalId};
use twophase_sim::log::{ClusterSettings, Effect, Log, MarkerWrite, TransactionalLog, read_committed};

use super::model::{Model, Transaction};

pub(crate) const NAMES: usize = 3;
pub(crate) const PARTITIONS: u32 = 2;
const TIMEOUT_MS: u64 = 50;

/// One incarnation of a writer.
#[derive(Clone, Debug)]
struct Client {
    producer: Producer,
    protocol: Protocol,
    next: [i32; PARTITIONS as usize],
    last: Option<(u32, i32, u32, LogOffset)>,
    transaction: Option<Transaction>,
}

/// Who writes under one transactional id.
#[derive(Debug, Default)]
struct Name {
    client: Option<Client>,
    zombies: Vec<Client>,
    transaction: Option<Transaction>,
}

pub(crate) struct Stage {
    log: TransactionalLog,
    model: Model,
    names: Vec<Name>,
    markers: Vec<(MarkerWrite, Transaction, u32)>,
    coordinator: u32,
    now_ms: u64,
    next_value: u32,
    stable: [LogOffset; PARTITIONS as usize],
}

impl Stage {
    pub(crate) fn new(cluster: Protocol) -> Self {
        let settings =
            ClusterSettings { partitions: PARTITIONS, protocol: cluster, ..ClusterSettings::default() };
        Stage {
            log: TransactionalLog::new(&settings),
            model: Model::default(),
            names: (0..NAMES).map(|_| Name::default()).collect(),
            markers: Vec::new(),
            coordinator: 0,
            now_ms: 0,
            next_value: 0,
            stable: [LogOffset(0); PARTITIONS as usize],
        }
    }

    /// Compares what readers see.
    pub(crate) fn check(&mut self) {
        for partition in 0..PARTITIONS {
            let seen = read_committed(&self.log, Partition(partition), LogOffset(0));
            let seen: Vec<u32> = seen.map(|(_, record, _)| value_of(record)).collect();
            assert_eq!(seen, self.model.committed(partition), "what readers of p{partition} see");

            let stable = self.log.last_stable_offset(Partition(partition));
            let before = std::mem::replace(&mut self.stable[partition as usize], stable);
            assert!(
                before <= stable,
                "the last stable offset of p{partition} fell from {before} to {stable}"
            );
        }
    }

    pub(crate) fn initialise(&mut self, name: usize, protocol: Protocol) {
        let request = Request::InitProducerId(InitProducerId {
            id: Some(id(name)),
            timeout: Duration::from_millis(TIMEOUT_MS),
            expected_id: None,
            expected_epoch: None,
            enable_2pc: false,
            keep_prepared: false,
            version: 5,
        });
        let Response::InitProducerId(answer) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        if self.is_ending(name) {
            assert_eq!(answer, Err(ErrorCode::ConcurrentTransactions));
        } else if let Some(open) = self.open(name) {
            assert_eq!(answer, Err(ErrorCode::ConcurrentTransactions), "the open transaction goes first");
            self.retire(name);
            self.model.decide(open, Marker::Abort);
        } else {
            self.retire(name);
            let producer = answer.expect("nothing is in the way");
            self.names[name].client = Some(Client {
                producer,
                protocol,
                next: [0; PARTITIONS as usize],
                last: None,
                transaction: None,
            });
        }
    }

    pub(crate) fn append(&mut self, name: usize, partition: u32) {
        let Some(client) = self.names[name].client.clone() else {
            return;
        };
        let (value, sequence) = (self.next_value, client.next[partition as usize]);
        self.next_value += 1;
        let ending = self.is_ending(name);
        if client.protocol == Protocol::V1 && !self.add_partition(name, &client, partition) {
            assert!(ending, "only what is ending stands in the way of its own client");
            return;
        }
        let answer = self.produce(name, &client, partition, sequence, value);
        if ending {
            assert_eq!(answer, Err(ErrorCode::ConcurrentTransactions));
            return;
        }
        let offset = answer.expect("the client of this name writes in order");
        let transaction = self.open(name).unwrap_or_else(|| self.model.begin(self.now_ms));
        self.model.write(partition, value, transaction);
        self.names[name].transaction = Some(transaction);
        let client = self.names[name].client.as_mut().expect("it just wrote");
        client.transaction = Some(transaction);
        client.next[partition as usize] += 1;
        client.last = Some((partition, sequence, value, offset));
    }

    /// The answer to the last append was lost, and it is sent again while its transaction is open.
    pub(crate) fn repeat_append(&mut self, name: usize) {
        let Some(client) = self.names[name].client.clone() else {
            return;
        };
        if let (Some((partition, sequence, value, offset)), Some(_)) = (client.last, self.open(name)) {
            let ends = self.ends();
            let answer = self.produce(name, &client, partition, sequence, value);
            assert_eq!(answer, Ok(offset), "a repeat is answered as the first one was");
            assert_eq!(self.ends(), ends, "a repeat writes nothing");
        }
    }

    pub(crate) fn end(&mut self, name: usize, marker: Marker) {
        let Some(client) = self.names[name].client.clone() else {
            return;
        };
        let nothing_open = self.open(name).is_none() && !self.is_ending(name);
        if nothing_open && (client.protocol == Protocol::V1 || marker == Marker::Commit) {
            return; // a client must not: V1 could not tell it from a repeat
        }
        let answer = self.end_as(name, &client, marker);
        if self.is_ending(name) {
            assert_eq!(answer, Err(ErrorCode::ConcurrentTransactions));
            return;
        }
        let successor = answer.expect("the client of this name ends what is open");
        if let Some(open) = self.open(name) {
            self.model.decide(open, marker);
        }
        let client = self.names[name].client.as_mut().expect("it just ended its transaction");
        client.last = None;
        if let Some(producer) = successor {
            client.producer = producer;
            client.next = [0; PARTITIONS as usize];
        }
    }

    /// A zombie's record joins its own transaction if its abort is still on the way here; else it is refused.
    pub(crate) fn zombie_appends(&mut self, name: usize, which: usize, partition: u32) {
        let Some(at) = which.checked_rem(self.names[name].zombies.len()) else {
            return;
        };
        let zombie = self.names[name].zombies[at].clone();
        let (value, sequence) = (self.next_value, zombie.next[partition as usize]);
        self.next_value += 1;
        let ends = self.ends();
        let answer = self.produce(name, &zombie, partition, sequence, value);
        let late = zombie.transaction.filter(|own| self.model.is_undecided(*own, partition));
        if let Some(own) = late {
            answer.expect("the leader does not know yet");
            self.model.write(partition, value, own);
            self.names[name].zombies[at].next[partition as usize] += 1;
        } else {
            assert!(answer.is_err(), "a fenced producer wrote to p{partition}: {zombie:?}");
            assert_eq!(self.ends(), ends, "a refused batch writes nothing");
        }
    }

    /// It may be told anything, success too; but nothing changes.
    pub(crate) fn zombie_ends(&mut self, name: usize, which: usize, marker: Marker) {
        let Some(at) = which.checked_rem(self.names[name].zombies.len()) else {
            return;
        };
        let zombie = self.names[name].zombies[at].clone();
        let before = self.states();
        let mut effects = Vec::new();
        let request = end_request(name, &zombie, marker);
        self.log.apply(self.now(), &request, &mut effects);
        assert_eq!(
            (self.states(), effects),
            (before, Vec::new()),
            "a fenced producer ended something: {zombie:?}"
        );
    }

    pub(crate) fn deliver_marker(&mut self, which: usize) {
        let Some(at) = which.checked_rem(self.markers.len()) else {
            return;
        };
        let (write, transaction, sender) = self.markers.remove(at);
        // What a dead coordinator had sent is refused where the new one was faster.
        let written = self.log.write_marker(self.now(), &write, &mut Vec::new());
        let present = sender == self.coordinator;
        assert!(written.is_ok() || !present, "a marker of the present coordinator was refused: {written:?}");
        self.model.mark(transaction, write.partition.0, present);
    }

    pub(crate) fn deliver_all(&mut self) {
        while !self.markers.is_empty() {
            self.deliver_marker(0);
        }
    }

    pub(crate) fn time_passes(&mut self, ms: u64) {
        self.now_ms += ms;
        let mut effects = Vec::new();
        self.log.sweep(self.now(), &mut effects);
        for name in 0..NAMES {
            let open = self.open(name);
            if let Some(expired) = open.filter(|open| self.model.started(*open) + TIMEOUT_MS < self.now_ms) {
                self.retire(name);
                self.model.decide(expired, Marker::Abort);
            }
        }
        self.take(effects);
    }

    pub(crate) fn coordinator_dies(&mut self) {
        self.coordinator += 1;
        self.model.reload();
        let mut effects = Vec::new();
        self.log.reload(self.now(), &mut effects);
        self.take(effects);
    }

    pub(crate) fn leader_dies(&mut self, partition: u32) {
        self.log.restart(Partition(partition));
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms * 1_000)
    }

    fn apply(&mut self, request: &Request) -> Response {
        let mut effects = Vec::new();
        let response = self.log.apply(self.now(), request, &mut effects);
        self.take(effects);
        response
    }

    /// Puts markers on their way.
    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::WriteMarker(write) = effect {
                let owner = (0..NAMES).find(|name| write.id == Some(id(*name)));
                let owner = owner.expect("a marker says whose transaction it ends");
                let transaction = self.names[owner].transaction.expect("only what was begun is ended");
                self.markers.push((write, transaction, self.coordinator));
            }
        }
    }

    fn produce(
        &mut self,
        name: usize,
        client: &Client,
        partition: u32,
        sequence: i32,
        value: u32,
    ) -> Result<LogOffset, ErrorCode> {
        let request = Request::Produce(Produce {
            id: Some(id(name)),
            producer: Some(client.producer),
            partition: Partition(partition),
            base_sequence: Sequence(sequence),
            transactional: true,
            records: record(value).into(),
            version: if client.protocol == Protocol::V2 { 12 } else { 11 },
        });
        let Response::Produce(answer) = self.apply(&request) else {
            unreachable!("an answer is of its request's kind");
        };
        answer
    }

    /// V1: whether the partition is in the transaction now.
    fn add_partition(&mut self, name: usize, client: &Client, partition: u32) -> bool {
        let request = Request::AddPartitions {
            id: id(name),
            producer: client.producer,
            partitions: vec![Partition(partition)],
            version: 3,
        };
        let answer = self.apply(&request);
        answer == Response::AddPartitions(Ok(vec![(Partition(partition), Ok(()))]))
    }

    fn end_as(
        &mut self,
        name: usize,
        client: &Client,
        marker: Marker,
    ) -> Result<Option<Producer>, ErrorCode> {
        let Response::EndTxn(answer) = self.apply(&end_request(name, client, marker)) else {
            unreachable!("an answer is of its request's kind");
        };
        answer
    }

    fn open(&self, name: usize) -> Option<Transaction> {
        self.names[name].transaction.filter(|transaction| self.model.is_open(*transaction))
    }

    fn is_ending(&self, name: usize) -> bool {
        self.names[name].transaction.is_some_and(|transaction| self.model.is_ending(transaction))
    }

    fn retire(&mut self, name: usize) {
        let name = &mut self.names[name];
        name.zombies.extend(name.client.take());
    }

    fn ends(&self) -> Vec<LogOffset> {
        (0..PARTITIONS).map(|partition| self.log.log_end_offset(Partition(partition))).collect()
    }

    fn states(&self) -> Vec<String> {
        self.log.transactions().iter().map(|metadata| format!("{metadata:?}")).collect()
    }
}

fn id(name: usize) -> TransactionalId {
    TransactionalId::new(["t0", "t1", "t2"][name])
}

fn end_request(name: usize, client: &Client, marker: Marker) -> Request {
    Request::EndTxn {
        id: id(name),
        producer: client.producer,
        marker,
        version: if client.protocol == Protocol::V2 { 5 } else { 4 },
    }
}

fn record(value: u32) -> Record {
    let id = RecordId { split: Split(0), offset: SourceOffset(u64::from(value)) };
    Record { id, payload: Payload::default() }
}

fn value_of(record: &Record) -> u32 {
    record.id.offset.0 as u32
}
