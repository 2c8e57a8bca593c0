//! A log of one partition with one transactional id, and the requests of its clients.

use std::time::Duration;

use twophase::kafka::protocol::{
    CoordinatorState, ErrorCode, InitProducerId, LogOffset, Marker, Produce, Producer, Request, Response,
    Sequence,
};
use twophase::{Partition, Payload, Record, RecordId, SourceOffset, Split, Timestamp, TransactionalId};
use twophase_sim::log::{ClusterSettings, Effect, Log, MarkerWrite, TransactionalLog, read_committed};

pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// A log of one partition with one transactional id.
pub(super) struct Stage {
    pub(super) log: TransactionalLog,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Stage {
            log: TransactionalLog::new(&ClusterSettings::default()),
            now: Timestamp(0),
            effects: Vec::new(),
        }
    }

    pub(super) fn initialise(&mut self) -> Result<Producer, ErrorCode> {
        self.ask(initialisation())
    }

    /// As a client that still knows who it was.
    pub(super) fn initialise_again(&mut self, expected: Producer) -> Result<Producer, ErrorCode> {
        self.ask(InitProducerId {
            expected_id: Some(expected.id),
            expected_epoch: Some(expected.epoch),
            ..initialisation()
        })
    }

    pub(super) fn ask(&mut self, request: InitProducerId) -> Result<Producer, ErrorCode> {
        let request = Request::InitProducerId(request);
        match self.log.apply(self.now, &request, &mut self.effects) {
            Response::InitProducerId(answer) => answer,
            other => panic!("not the answer to this request: {other:?}"),
        }
    }

    /// Adds the partition, as a client of the old protocol does.
    pub(super) fn add(&mut self, producer: Producer) {
        let request =
            Request::AddPartitions { id: id(), producer, partitions: vec![Partition(0)], version: 3 };
        let response = self.log.apply(self.now, &request, &mut self.effects);
        assert_eq!(response, Response::AddPartitions(Ok(vec![(Partition(0), Ok(()))])));
    }

    pub(super) fn append(
        &mut self,
        producer: Producer,
        sequence: i32,
        version: i16,
    ) -> Result<LogOffset, ErrorCode> {
        let record = Record {
            id: RecordId { split: Split(0), offset: SourceOffset(sequence as u64) },
            payload: Payload::default(),
        };
        let request = Request::Produce(Produce {
            id: Some(id()),
            producer: Some(producer),
            partition: Partition(0),
            base_sequence: Sequence(sequence),
            transactional: true,
            records: record.into(),
            version,
        });
        match self.log.apply(self.now, &request, &mut self.effects) {
            Response::Produce(answer) => answer,
            other => panic!("not the answer to this request: {other:?}"),
        }
    }

    pub(super) fn end(
        &mut self,
        producer: Producer,
        marker: Marker,
        version: i16,
    ) -> Result<Option<Producer>, ErrorCode> {
        let request = Request::EndTxn { id: id(), producer, marker, version };
        match self.log.apply(self.now, &request, &mut self.effects) {
            Response::EndTxn(answer) => answer,
            other => panic!("not the answer to this request: {other:?}"),
        }
    }

    /// The markers that are on their way.
    pub(super) fn markers(&mut self) -> Vec<MarkerWrite> {
        let effects = std::mem::take(&mut self.effects).into_iter();
        let markers = effects.filter_map(|effect| match effect {
            Effect::WriteMarker(write) => Some(write),
            _ => None,
        });
        markers.collect()
    }

    pub(super) fn deliver(&mut self, write: &MarkerWrite) -> Result<(), ErrorCode> {
        self.log.write_marker(self.now, write, &mut self.effects)
    }

    pub(super) fn deliver_all(&mut self) {
        for write in self.markers() {
            self.deliver(&write).unwrap();
        }
    }

    pub(super) fn committed(&self) -> usize {
        read_committed(&self.log, Partition(0), LogOffset(0)).count()
    }

    pub(super) fn state(&self) -> CoordinatorState {
        self.log.transactions()[0].state()
    }
}

/// Of a client that expects nothing.
pub(super) fn initialisation() -> InitProducerId {
    InitProducerId {
        id: Some(id()),
        timeout: TIMEOUT,
        expected_id: None,
        expected_epoch: None,
        enable_2pc: false,
        keep_prepared: false,
        version: 5,
    }
}

pub(super) fn id() -> TransactionalId {
    TransactionalId::new("t0")
}
