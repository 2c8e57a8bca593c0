//! Kafka as a broker, over a port that answers from a script.

mod support;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Naps, now};
use twophase::kafka::protocol::*;
use twophase::kafka::{KafkaBroker, KafkaOptions, Port, Unanswered};
use twophase::{
    Broker, Ended, Handle, Next, Partition, Record, RecordId, SourceOffset, Split, Transaction,
    TransactionalId,
};

/// Answers each request with the next line of the script, and keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Result<Response, Unanswered>>>>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Port for Script {
    async fn call(&self, request: &Arc<Request>) -> Result<Response, Unanswered> {
        self.asked.lock().unwrap().push(Request::clone(request));
        let answer = self.answers.lock().unwrap().pop_front();
        answer.expect("the script has an answer for every request that is made")
    }
}

impl Script {
    fn then(&self, answer: Response) -> &Self {
        self.answers.lock().unwrap().push_back(Ok(answer));
        self
    }

    fn then_silence(&self) -> &Self {
        self.answers.lock().unwrap().push_back(Err(Unanswered));
        self
    }

    /// What was asked since this was asked last; nothing of the script is left over.
    #[track_caller]
    fn asked(&self) -> Vec<Request> {
        assert!(self.answers.lock().unwrap().is_empty(), "not everything was asked for");
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn broker(protocol: Protocol) -> (KafkaBroker<Script, Naps>, Script, Naps) {
    let (script, naps) = (Script::default(), Naps::default());
    let options = KafkaOptions { protocol, batch: 10, attempts: 2, refusals: 3, ..KafkaOptions::default() };
    (KafkaBroker::new(script.clone(), naps.clone(), options), script, naps)
}

fn id(text: &str) -> TransactionalId {
    TransactionalId::new(text)
}

fn at(epoch: i16) -> Producer {
    Producer { id: ProducerId(4), epoch: ProducerEpoch(epoch) }
}

fn granted(epoch: i16) -> Response {
    Response::InitProducerId(Ok(at(epoch)))
}

fn ended(code: ErrorCode) -> Response {
    Response::EndTxn(Err(code))
}

fn record() -> Record {
    Record { id: RecordId { split: Split(0), offset: SourceOffset(0) }, payload: Default::default() }
}

/// Begins `t0-i1-1` at epoch 0, writes a record and pre-commits. What was asked for that is forgotten.
fn pre_committed(broker: &KafkaBroker<Script, Naps>, script: &Script, protocol: Protocol) -> Handle {
    script.then(granted(0));
    if protocol == Protocol::V1 {
        script.then(Response::AddPartitions(Ok(vec![(Partition(0), Ok(()))])));
    }
    script.then(Response::Produce(Ok(LogOffset(0))));
    let handle = now(async {
        let mut transaction = broker.begin(&id("t0-i1-1")).await.unwrap();
        transaction.append(Partition(0), record()).await.unwrap();
        transaction.pre_commit().await.unwrap()
    });
    script.asked();
    handle
}

fn commit(broker: &KafkaBroker<Script, Naps>, handle: &Handle) -> Result<Ended, Next> {
    let mut results = now(broker.commit(std::slice::from_ref(handle), &[]));
    assert_eq!(results.len(), 1);
    results.remove(0).map_err(|failure| failure.next())
}

#[test]
fn a_handle_is_committed_by_a_broker_value_that_never_saw_the_transaction() {
    for (protocol, version, other) in [(Protocol::V1, 4, Protocol::V2), (Protocol::V2, 5, Protocol::V1)] {
        let (writer, script, _) = broker(protocol);
        let handle = pre_committed(&writer, &script, protocol);
        // it speaks the other generation by itself, and this one to what was written in it (S2-18)
        let (recovery, script, _) = broker(other);
        script.then(Response::EndTxn(Ok(None)));
        assert_eq!(commit(&recovery, &handle), Ok(Ended::Now));
        let end = Request::EndTxn { id: id("t0-i1-1"), producer: at(0), marker: Marker::Commit, version };
        assert_eq!(script.asked(), [end]);
    }
}

#[test]
fn an_empty_transaction_commits_and_aborts_without_a_request() {
    for protocol in [Protocol::V1, Protocol::V2] {
        let (broker, script, _) = broker(protocol);
        script.then(granted(0));
        let mut transaction = now(broker.begin(&id("t0-i1-1"))).unwrap();
        let open = transaction.handle().clone();
        let handle = now(transaction.pre_commit()).unwrap();
        script.asked();
        assert_eq!(commit(&broker, &handle), Ok(Ended::Now));
        assert_eq!(now(broker.abort(&handle)).unwrap(), Ended::Now);
        assert_eq!(script.asked(), []);
        // another process cannot know from the open handle that nothing was written
        script.then(ended(ErrorCode::ProducerFenced));
        assert_eq!(now(broker.abort(&open)).unwrap(), Ended::Indistinct);
    }
}

#[test]
fn the_abort_of_an_open_transaction_that_never_sent_anything_takes_no_request() {
    let (broker, script, _) = broker(Protocol::V1);
    script.then(granted(0));
    let mut transaction = now(broker.begin(&id("t0-i1-1"))).unwrap();
    now(transaction.append(Partition(0), record())).unwrap(); // waits for its batch to fill
    script.asked();
    assert_eq!(now(broker.abort(transaction.handle())).unwrap(), Ended::Now);
    assert_eq!(script.asked(), []);
}

#[test]
fn v2_begins_again_under_the_epoch_that_its_commit_answered() {
    let (broker, script, _) = broker(Protocol::V2);
    let handle = pre_committed(&broker, &script, Protocol::V2);
    script.then_silence().then(Response::EndTxn(Ok(Some(at(1))))); // recognised as a repetition
    assert_eq!(commit(&broker, &handle), Ok(Ended::Now));
    script.asked();
    let mut next = now(broker.begin(&id("t0-i1-1"))).unwrap();
    assert_eq!(script.asked(), [], "an init, though the producer is known");
    script.then(Response::Produce(Ok(LogOffset(2))));
    now(next.append(Partition(0), record())).unwrap();
    now(next.pre_commit()).unwrap();
    let Request::Produce(produce) = &script.asked()[0] else {
        panic!("a produce was to be sent");
    };
    assert_eq!((produce.producer, produce.base_sequence), (Some(at(1)), Sequence(0)));
}

/// Known bug T-01 and KC-14: two transactions of one epoch cannot be told apart.
#[test]
fn v1_begins_each_transaction_with_an_init() {
    let (broker, script, _) = broker(Protocol::V1);
    let handle = pre_committed(&broker, &script, Protocol::V1);
    script.then(Response::EndTxn(Ok(None)));
    assert_eq!(commit(&broker, &handle), Ok(Ended::Now));
    script.asked();
    script.then(granted(1));
    now(broker.begin(&id("t0-i1-1"))).unwrap();
    assert!(matches!(script.asked()[..], [Request::InitProducerId(_)]));
}

#[test]
fn a_producer_whose_commit_was_fenced_is_not_used_again() {
    let (broker, script, _) = broker(Protocol::V2);
    let handle = pre_committed(&broker, &script, Protocol::V2);
    script.then(ended(ErrorCode::ProducerFenced));
    assert_eq!(commit(&broker, &handle), Ok(Ended::Indistinct));
    script.then(granted(3));
    now(broker.begin(&id("t0-i1-1"))).unwrap();
    assert!(matches!(script.asked()[..], [Request::EndTxn { .. }, Request::InitProducerId(_)]));
}

/// A client goes from one transaction to the next, and nothing of the one before may show.
#[test]
fn the_next_transaction_is_written_as_by_a_client_of_its_own() {
    for protocol in [Protocol::V1, Protocol::V2] {
        for end in [Response::EndTxn(Ok(None)), ended(ErrorCode::ProducerFenced)] {
            let (used, script, _) = broker(protocol);
            let handle = pre_committed(&used, &script, protocol);
            script.then(end);
            commit(&used, &handle).unwrap();
            script.asked();
            let (new, script_of_new, _) = broker(protocol);
            assert_eq!(whole(&used, &script, protocol), whole(&new, &script_of_new, protocol));
        }
    }
}

/// All that is asked for a transaction of one record.
fn whole(broker: &KafkaBroker<Script, Naps>, script: &Script, protocol: Protocol) -> Vec<Request> {
    script.then(granted(5));
    if protocol == Protocol::V1 {
        script.then(Response::AddPartitions(Ok(vec![(Partition(0), Ok(()))])));
    }
    script.then(Response::Produce(Ok(LogOffset(0)))).then(Response::EndTxn(Ok(None)));
    let handle = now(async {
        let mut transaction = broker.begin(&id("t0-i1-2")).await.unwrap();
        transaction.append(Partition(0), record()).await.unwrap();
        transaction.pre_commit().await.unwrap()
    });
    assert_eq!(commit(broker, &handle), Ok(Ended::Now));
    script.asked()
}

#[test]
fn a_pre_committed_transaction_is_closed_to_writes_and_stays_as_it_is() {
    let (broker, script, _) = broker(Protocol::V2);
    script.then(granted(0)).then(Response::Produce(Ok(LogOffset(0))));
    let mut transaction = now(broker.begin(&id("t0-i1-1"))).unwrap();
    now(transaction.append(Partition(0), record())).unwrap();
    let handle = now(transaction.pre_commit()).unwrap();
    let refused = now(transaction.append(Partition(0), record())).unwrap_err();
    assert_eq!(refused.next(), Next::Fatal);
    assert_eq!(refused.to_string(), "the transaction is pre-committed, and closed to writes");
    assert_eq!(now(transaction.pre_commit()).unwrap(), handle);
    script.asked();
    drop(transaction); // ends nothing
    script.then(Response::EndTxn(Ok(None)));
    assert_eq!(commit(&broker, &handle), Ok(Ended::Now));
}

#[test]
fn a_begin_waits_while_the_broker_still_ends_what_it_fenced() {
    let (broker, script, naps) = broker(Protocol::V2);
    script.then(Response::InitProducerId(Err(ErrorCode::ConcurrentTransactions))).then(granted(2));
    now(broker.begin(&id("t0-i1-1"))).unwrap();
    assert_eq!(script.asked().len(), 2);
    assert_eq!(*naps.0.lock().unwrap(), [Duration::from_millis(100)]);
}

#[test]
fn a_begin_without_an_answer_is_left_to_another_name() {
    let (broker, script, _) = broker(Protocol::V2);
    script.then_silence();
    let failure = now(broker.begin(&id("t0-i1-1"))).unwrap_err();
    assert_eq!(failure.next(), Next::OutcomeUnknown);
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn a_commit_says_what_its_answer_proves_and_no_more() {
    for (answer, fate) in [
        (ErrorCode::InvalidTxnState, Err(Next::AlreadyEnded)),
        (ErrorCode::ProducerFenced, Ok(Ended::Indistinct)),
        (ErrorCode::InvalidProducerIdMapping, Ok(Ended::Indistinct)),
        (ErrorCode::UnknownServerError, Err(Next::Fatal)),
    ] {
        let (broker, script, _) = broker(Protocol::V2);
        let handle = pre_committed(&broker, &script, Protocol::V2);
        script.then(ended(answer));
        assert_eq!(commit(&broker, &handle), fate, "{answer}");
    }
}

#[test]
fn one_commit_that_fails_does_not_keep_the_next_from_its_own() {
    let (broker, script, _) = broker(Protocol::V2);
    let handle = pre_committed(&broker, &script, Protocol::V2);
    script.then_silence().then_silence().then(Response::EndTxn(Ok(None)));
    let results = now(broker.commit(&[handle.clone(), handle], &[]));
    assert!(results[0].as_ref().unwrap_err().may_have_happened());
    assert_eq!(*results[1].as_ref().unwrap(), Ended::Now);
}

#[test]
fn lingering_transactions_are_found_by_name_with_the_epoch_that_is_open() {
    let (writer, script, _) = broker(Protocol::V2);
    let ours = pre_committed(&writer, &script, Protocol::V2);
    let (recovery, script, _) = broker(Protocol::V2);
    let listing = |name| Listing { id: id(name), producer: at(0).id, state: CoordinatorState::Ongoing };
    let described = |state| {
        Response::DescribeTransaction(Ok(Box::new(Description {
            state,
            producer: at(0),
            timeout: Duration::from_secs(900),
            started: true,
            partitions: [Partition(0)].into_iter().collect(),
        })))
    };
    let listed = ["t0-i1-1", "t0-i1-2", "t0-i1-3", "x0-i1-1"].map(listing).to_vec();
    script
        .then(Response::ListTransactions(Err(ErrorCode::CoordinatorLoadInProgress)))
        .then_silence()
        .then(Response::ListTransactions(Ok(listed)))
        .then(described(CoordinatorState::Ongoing))
        .then(described(CoordinatorState::CompleteAbort)) // has ended since
        .then(Response::DescribeTransaction(Err(ErrorCode::TransactionalIdNotFound)));
    // the very handle that its writer had: a restored state can be compared with it
    assert_eq!(now(recovery.lingering("t")).unwrap(), [ours]);
    script.asked();
}

#[test]
fn a_handle_of_an_unknown_format_is_refused_before_anything_is_sent() {
    let (broker, script, _) = broker(Protocol::V2);
    let handle = Handle { id: id("t0-i1-1"), format: 9, bytes: [].into() };
    assert_eq!(commit(&broker, &handle), Err(Next::Fatal));
    assert_eq!(now(broker.abort(&handle)).unwrap_err().next(), Next::Fatal);
    assert_eq!(script.asked(), []);
}
