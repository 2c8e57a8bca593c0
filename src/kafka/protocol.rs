//! Kafka's transaction requests, answers and error codes, as values.
//!
//! `version` is the version of Kafka's request; it decides the behaviour where the protocol changed:
//! `Produce` from 12, `TxnOffsetCommit` from 5 and `EndTxn` from 5 on are of the protocol of KIP-890 part 2
//! (transaction version 2: the epoch is raised at the end of each transaction, and the partition leader adds
//! partitions by itself).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use super::records::Records;
use crate::{Partition, TransactionalId};

/// Kafka's number for one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerId(pub i64);

/// The fencing number of a producer; a newer one shuts out the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerEpoch(pub i16);

/// A producer as requests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Producer {
    /// Its id.
    pub id: ProducerId,
    /// The epoch it was given.
    pub epoch: ProducerEpoch,
}

/// A position in a partition's log. Markers take one too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogOffset(pub u64);

/// The number of a record among those of its producer on one partition; wraps from `i32::MAX` to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub i32);

/// The two ways a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Marker {
    /// Its records become visible.
    Commit,
    /// Its records never become visible.
    Abort,
}

/// The states of the broker's transaction coordinator (Kafka `TransactionState`).
///
/// *PrepareCommit* means "the decision is logged, the markers are not all written"; it is not the
/// participant's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CoordinatorState {
    /// No transaction.
    Empty,
    /// Partitions have been added.
    Ongoing,
    /// Decided: commit.
    PrepareCommit,
    /// Decided: abort.
    PrepareAbort,
    /// All commit markers are written.
    CompleteCommit,
    /// All abort markers are written.
    CompleteAbort,
}

/// The two generations of the protocol that a client can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The original one: partitions are added by the client, the epoch stays until the next init.
    V1,
    /// KIP-890 part 2: partitions are added by the leader, the epoch rises at the end of each transaction.
    V2,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Request {
    /// A producer id and epoch for a transactional id; fences and aborts what an older user has open.
    InitProducerId(InitProducerId),
    /// V1: these partitions belong to the transaction.
    AddPartitions {
        /// Under which name.
        id: TransactionalId,
        /// By whom.
        producer: Producer,
        /// Which.
        partitions: Vec<Partition>,
        /// 1 to 3 as a client, 4 to verify and 5 to add as a partition leader.
        version: i16,
    },
    /// V1: the offsets of this consumer group belong to the transaction.
    AddOffsets {
        /// Under which name.
        id: TransactionalId,
        /// By whom.
        producer: Producer,
        /// Which group.
        group: Arc<str>,
        /// Of the request.
        version: i16,
    },
    /// One batch for one partition.
    Produce(Produce),
    /// Commit or abort.
    EndTxn {
        /// Under which name.
        id: TransactionalId,
        /// By whom.
        producer: Producer,
        /// How.
        marker: Marker,
        /// Up to 4: V1. 5: V2, which raises the epoch and answers the new one.
        version: i16,
    },
    /// Offsets of a consumer group, as part of the transaction.
    TxnOffsetCommit {
        /// Under which name.
        id: TransactionalId,
        /// By whom.
        producer: Producer,
        /// Which group.
        group: Arc<str>,
        /// For each partition the next offset to be read.
        offsets: Vec<(Partition, LogOffset)>,
        /// Up to 4: V1. 5: V2.
        version: i16,
    },
    /// The state of one transactional id.
    DescribeTransaction(TransactionalId),
    /// The transactional ids in one of these states (all, if empty).
    ListTransactions {
        /// The filter.
        states: SmallVec<[CoordinatorState; 6]>,
    },
}

/// See [`Request::InitProducerId`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InitProducerId {
    /// `None`: a producer that is idempotent only.
    pub id: Option<TransactionalId>,
    /// After how long an open transaction is aborted by the broker.
    pub timeout: Duration,
    /// The producer id the caller believes to have.
    pub expected_id: Option<ProducerId>,
    /// The epoch the caller believes to have.
    pub expected_epoch: Option<ProducerEpoch>,
    /// KIP-939: never time out.
    pub enable_2pc: bool,
    /// KIP-939: do not abort what is open.
    pub keep_prepared: bool,
    /// Of the request.
    pub version: i16,
}

/// See [`Request::Produce`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Produce {
    /// The name, if the batch is of a transactional producer.
    pub id: Option<TransactionalId>,
    /// By whom; `None` for a plain batch.
    pub producer: Option<Producer>,
    /// Where to.
    pub partition: Partition,
    /// The number of the first record.
    pub base_sequence: Sequence,
    /// Whether the batch is marked as part of a transaction.
    pub transactional: bool,
    /// The batch.
    pub records: Records,
    /// Up to 11: V1. 12: V2.
    pub version: i16,
}

/// An answer for each partition that was asked about.
pub type PerPartition = Vec<(Partition, Result<(), ErrorCode>)>;

/// What a broker answers. One variant for each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Response {
    /// The producer to be used from now on.
    InitProducerId(Result<Producer, ErrorCode>),
    /// An error for the whole, or one for each partition.
    AddPartitions(Result<PerPartition, ErrorCode>),
    /// Whether the group's offsets are part of the transaction now.
    AddOffsets(Result<(), ErrorCode>),
    /// The offset of the first record.
    Produce(Result<LogOffset, ErrorCode>),
    /// V2: the producer to be used from now on. An answer does not mean that markers are written.
    EndTxn(Result<Option<Producer>, ErrorCode>),
    /// One for each partition.
    TxnOffsetCommit(PerPartition),
    /// The state of the id. In a box, because it is rare and would be most of what every answer is moved with.
    DescribeTransaction(Result<Box<Description>, ErrorCode>),
    /// In the order of the ids.
    ListTransactions(Result<Vec<Listing>, ErrorCode>),
}

/// See [`Response::DescribeTransaction`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Description {
    /// Of the coordinator.
    pub state: CoordinatorState,
    /// The newest producer under this name.
    pub producer: Producer,
    /// Its transaction timeout.
    pub timeout: Duration,
    /// Whether a start time is stored.
    pub started: bool,
    /// Those in the transaction; in a Prepare state those whose marker is missing. In ascending order.
    pub partitions: SmallVec<[Partition; 4]>,
}

/// One line of [`Response::ListTransactions`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listing {
    /// The name.
    pub id: TransactionalId,
    /// The newest producer id under it.
    pub producer: ProducerId,
    /// Of the coordinator.
    pub state: CoordinatorState,
}

/// Kafka's error codes, as far as transactions meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are Kafka's, and Kafka's documentation is theirs
pub enum ErrorCode {
    UnknownServerError,
    OffsetOutOfRange,
    UnknownTopicOrPartition,
    NotLeaderOrFollower,
    RequestTimedOut,
    CoordinatorLoadInProgress,
    CoordinatorNotAvailable,
    NotCoordinator,
    IllegalGeneration,
    InvalidGroupId,
    UnknownMemberId,
    NotEnoughReplicas,
    UnsupportedVersion,
    InvalidRequest,
    OutOfOrderSequenceNumber,
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    InvalidTxnState,
    InvalidProducerIdMapping,
    InvalidTransactionTimeout,
    ConcurrentTransactions,
    TransactionCoordinatorFenced,
    TransactionalIdAuthorizationFailed,
    OperationNotAttempted,
    UnknownProducerId,
    UnstableOffsetCommit,
    ProducerFenced,
    TransactionalIdNotFound,
    TransactionAbortable,
}

impl ErrorCode {
    /// Kafka's own name of it (`Errors`).
    pub fn as_str(self) -> &'static str {
        use ErrorCode::*;
        match self {
            UnknownServerError => "UNKNOWN_SERVER_ERROR",
            OffsetOutOfRange => "OFFSET_OUT_OF_RANGE",
            UnknownTopicOrPartition => "UNKNOWN_TOPIC_OR_PARTITION",
            NotLeaderOrFollower => "NOT_LEADER_OR_FOLLOWER",
            RequestTimedOut => "REQUEST_TIMED_OUT",
            CoordinatorLoadInProgress => "COORDINATOR_LOAD_IN_PROGRESS",
            CoordinatorNotAvailable => "COORDINATOR_NOT_AVAILABLE",
            NotCoordinator => "NOT_COORDINATOR",
            IllegalGeneration => "ILLEGAL_GENERATION",
            InvalidGroupId => "INVALID_GROUP_ID",
            UnknownMemberId => "UNKNOWN_MEMBER_ID",
            NotEnoughReplicas => "NOT_ENOUGH_REPLICAS",
            UnsupportedVersion => "UNSUPPORTED_VERSION",
            InvalidRequest => "INVALID_REQUEST",
            OutOfOrderSequenceNumber => "OUT_OF_ORDER_SEQUENCE_NUMBER",
            DuplicateSequenceNumber => "DUPLICATE_SEQUENCE_NUMBER",
            InvalidProducerEpoch => "INVALID_PRODUCER_EPOCH",
            InvalidTxnState => "INVALID_TXN_STATE",
            InvalidProducerIdMapping => "INVALID_PRODUCER_ID_MAPPING",
            InvalidTransactionTimeout => "INVALID_TRANSACTION_TIMEOUT",
            ConcurrentTransactions => "CONCURRENT_TRANSACTIONS",
            TransactionCoordinatorFenced => "TRANSACTION_COORDINATOR_FENCED",
            TransactionalIdAuthorizationFailed => "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
            OperationNotAttempted => "OPERATION_NOT_ATTEMPTED",
            UnknownProducerId => "UNKNOWN_PRODUCER_ID",
            UnstableOffsetCommit => "UNSTABLE_OFFSET_COMMIT",
            ProducerFenced => "PRODUCER_FENCED",
            TransactionalIdNotFound => "TRANSACTIONAL_ID_NOT_FOUND",
            TransactionAbortable => "TRANSACTION_ABORTABLE",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for ErrorCode {}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}

impl fmt::Display for ProducerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl fmt::Display for LogOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
