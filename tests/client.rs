//! The transactional client, answer by answer: no port, no clock, no future.

use twophase::kafka::protocol::*;
use twophase::kafka::{Client, KafkaOptions, Kind, Trouble, Turn};
use twophase::{Next, Partition, Record, RecordId, SourceOffset, Split, TransactionalId};

fn options(protocol: Protocol) -> KafkaOptions {
    KafkaOptions { protocol, batch: 2, attempts: 3, refusals: 3, ..KafkaOptions::default() }
}

fn id() -> TransactionalId {
    TransactionalId::new("t0-i1-1")
}

fn at(epoch: i16) -> Producer {
    Producer { id: ProducerId(4), epoch: ProducerEpoch(epoch) }
}

fn record(offset: u64) -> Record {
    Record { id: RecordId { split: Split(0), offset: SourceOffset(offset) }, payload: Default::default() }
}

/// A client that holds epoch 0.
fn writer(protocol: Protocol) -> Client {
    Client::reuse(id(), at(0), options(protocol))
}

#[track_caller]
fn sent(client: &mut Client) -> Request {
    match client.turn().unwrap() {
        Turn::Send(request) => Request::clone(request),
        other => panic!("the client was to send something: {other:?}"),
    }
}

#[track_caller]
fn produced(client: &mut Client) -> Produce {
    match sent(client) {
        Request::Produce(produce) => produce,
        other => panic!("the client was to produce: {other:?}"),
    }
}

#[track_caller]
fn assert_idle(client: &mut Client) {
    assert!(matches!(client.turn(), Ok(Turn::Idle)), "{client:?}");
}

/// Sends what was added, one acknowledged request after the other, and says which.
#[track_caller]
fn acknowledge_all(client: &mut Client) -> Vec<Request> {
    let mut all = Vec::new();
    while let Turn::Send(request) = client.turn().unwrap() {
        let request = Request::clone(request);
        client.answered(&good(&request)).unwrap();
        all.push(request);
    }
    all
}

/// What a healthy broker answers.
fn good(request: &Request) -> Response {
    match request {
        Request::InitProducerId(_) => Response::InitProducerId(Ok(at(0))),
        Request::AddPartitions { partitions, .. } => {
            Response::AddPartitions(Ok(partitions.iter().map(|partition| (*partition, Ok(()))).collect()))
        }
        Request::AddOffsets { .. } => Response::AddOffsets(Ok(())),
        Request::Produce(_) => Response::Produce(Ok(LogOffset(0))),
        Request::TxnOffsetCommit { offsets, .. } => {
            Response::TxnOffsetCommit(offsets.iter().map(|(partition, _)| (*partition, Ok(()))).collect())
        }
        Request::EndTxn { producer, version, .. } => {
            Response::EndTxn(Ok((*version >= 5).then(|| at(producer.epoch.0 + 1))))
        }
        other => panic!("no client sends this: {other:?}"),
    }
}

#[test]
fn a_batch_whose_answer_was_lost_is_sent_again_under_the_same_number() {
    let mut client = writer(Protocol::V2);
    (0..2).for_each(|offset| client.add(Partition(0), record(offset)));
    let first = produced(&mut client);
    client.unanswered().unwrap();
    let again = produced(&mut client);
    assert_eq!(first, again);
    assert!(std::ptr::eq(&*first.records, &*again.records), "records were copied");
}

#[test]
fn a_duplicate_counts_as_written() {
    let mut client = writer(Protocol::V2);
    (0..2).for_each(|offset| client.add(Partition(0), record(offset)));
    produced(&mut client);
    client.answered(&Response::Produce(Err(ErrorCode::DuplicateSequenceNumber))).unwrap();
    assert_idle(&mut client);
    (2..4).for_each(|offset| client.add(Partition(0), record(offset)));
    assert_eq!(produced(&mut client).base_sequence, Sequence(2));
}

#[test]
fn a_call_that_was_dropped_in_the_middle_is_repeated() {
    let mut client = writer(Protocol::V2);
    (0..2).for_each(|offset| client.add(Partition(0), record(offset)));
    assert_eq!(produced(&mut client), produced(&mut client));
}

#[test]
fn v2_numbers_each_transaction_from_zero_under_an_epoch_of_its_own() {
    let mut client = writer(Protocol::V2);
    for epoch in 0..3 {
        (0..3).for_each(|offset| client.add(Partition(0), record(offset)));
        client.end(Marker::Commit).unwrap();
        let requests = acknowledge_all(&mut client);
        let written: Vec<_> = requests
            .iter()
            .filter_map(|request| match request {
                Request::Produce(produce) => Some((produce.producer, produce.base_sequence, produce.version)),
                _ => None,
            })
            .collect();
        let by = Some(at(epoch));
        assert_eq!(written, [(by, Sequence(0), 12), (by, Sequence(2), 12)]);
        let end = Request::EndTxn { id: id(), producer: at(epoch), marker: Marker::Commit, version: 5 };
        assert_eq!(requests.last(), Some(&end), "the end overtook a record");
    }
    assert_eq!(client.producer(), Some(at(3)));
}

#[test]
fn v1_adds_each_partition_once_before_its_first_record() {
    let mut client = writer(Protocol::V1);
    for offset in 0..4 {
        client.add(Partition(offset % 2), record(offset.into()));
    }
    client.flush();
    let mut requests = acknowledge_all(&mut client);
    (4..6).for_each(|offset| client.add(Partition(0), record(offset)));
    requests.extend(acknowledge_all(&mut client));
    let added: Vec<_> = requests
        .iter()
        .map(|request| match request {
            Request::AddPartitions { partitions, version: 3, .. } => partitions.clone(),
            Request::Produce(Produce { version: 11, .. }) => vec![],
            other => panic!("neither an add nor a write of V1: {other:?}"),
        })
        .collect();
    assert_eq!(added, [vec![Partition(0), Partition(1)], vec![], vec![], vec![]]);
}

#[test]
fn v1_does_not_write_to_a_partition_that_could_not_be_added() {
    let mut client = writer(Protocol::V1);
    client.add(Partition(0), record(0));
    client.flush();
    sent(&mut client);
    let answer = vec![
        (Partition(0), Err(ErrorCode::OperationNotAttempted)),
        (Partition(1), Err(ErrorCode::TransactionalIdAuthorizationFailed)),
    ];
    let trouble = client.answered(&Response::AddPartitions(Ok(answer))).unwrap_err();
    assert_eq!(trouble.next(), Next::Fatal);
    assert_eq!(client.turn().unwrap_err(), trouble);
}

/// KC-14 and KP-10: under the same epoch a late end or a late record would meet the next transaction.
#[test]
fn v1_raises_the_epoch_between_two_transactions() {
    let mut client = writer(Protocol::V1);
    client.add(Partition(0), record(0));
    client.end(Marker::Commit).unwrap();
    let last = acknowledge_all(&mut client).pop();
    assert!(matches!(last, Some(Request::EndTxn { version: 4, .. })));
    assert_eq!(client.producer(), None);
    client.add(Partition(0), record(1));
    client.flush();
    assert!(matches!(sent(&mut client), Request::InitProducerId(_)));
    client.answered(&Response::InitProducerId(Ok(at(1)))).unwrap();
    assert!(matches!(sent(&mut client), Request::AddPartitions { producer, .. } if producer == at(1)));
}

#[test]
fn an_empty_transaction_ends_without_a_request() {
    for protocol in [Protocol::V1, Protocol::V2] {
        for marker in [Marker::Commit, Marker::Abort] {
            let mut client = writer(protocol);
            client.end(marker).unwrap();
            assert_idle(&mut client);
            assert_eq!(client.producer(), Some(at(0)), "an unused producer stays good");
        }
    }
}

#[test]
fn an_abort_before_anything_was_sent_leaves_the_numbers_as_they_were() {
    let mut client = writer(Protocol::V2);
    (0..2).for_each(|offset| client.add(Partition(0), record(offset)));
    client.end(Marker::Abort).unwrap();
    assert_idle(&mut client);
    (2..4).for_each(|offset| client.add(Partition(0), record(offset)));
    assert_eq!(produced(&mut client).base_sequence, Sequence(0));
}

#[test]
fn a_resumed_transaction_is_ended_without_an_init_in_its_own_protocol() {
    for (protocol, version) in [(Protocol::V1, 4), (Protocol::V2, 5)] {
        let mut client = Client::resume(id(), at(7), options(protocol));
        client.end(Marker::Commit).unwrap();
        let end = Request::EndTxn { id: id(), producer: at(7), marker: Marker::Commit, version };
        assert_eq!(sent(&mut client), end);
    }
}

/// The broker recognises the repetition by the epoch that it has raised (`bumpRetry` of 5.8).
#[test]
fn a_commit_whose_answer_was_lost_is_repeated_at_its_own_epoch() {
    let mut client = Client::resume(id(), at(7), options(Protocol::V2));
    client.end(Marker::Commit).unwrap();
    let first = sent(&mut client);
    client.unanswered().unwrap();
    assert_eq!(sent(&mut client), first);
    client.answered(&Response::EndTxn(Err(ErrorCode::ConcurrentTransactions))).unwrap();
    assert!(matches!(client.turn(), Ok(Turn::BackOff)));
    assert_eq!(sent(&mut client), first);
    client.answered(&Response::EndTxn(Ok(Some(at(8))))).unwrap();
    assert_idle(&mut client);
    assert_eq!(client.producer(), Some(at(8)));
}

#[test]
fn silence_that_lasts_leaves_the_outcome_unknown_and_the_same_request_to_be_repeated() {
    let mut client = Client::resume(id(), at(0), options(Protocol::V2));
    client.end(Marker::Commit).unwrap();
    let first = sent(&mut client);
    assert!(client.unanswered().is_ok());
    sent(&mut client);
    assert!(client.unanswered().is_ok());
    sent(&mut client);
    assert_eq!(client.unanswered().unwrap_err().next(), Next::OutcomeUnknown);
    assert_eq!(sent(&mut client), first);
}

/// A second init would be granted; then the first arrives late and aborts what was promised meanwhile.
#[test]
fn an_init_without_an_answer_is_not_repeated() {
    let mut client = Client::open(id(), options(Protocol::V2));
    assert!(matches!(sent(&mut client), Request::InitProducerId(_)));
    assert_eq!(client.unanswered().unwrap_err().next(), Next::OutcomeUnknown);
}

#[test]
fn a_fence_is_repeated_until_it_is_granted() {
    let mut client = Client::fence(id(), options(Protocol::V1));
    let first = sent(&mut client);
    client.unanswered().unwrap();
    assert_eq!(sent(&mut client), first);
    client.answered(&Response::InitProducerId(Err(ErrorCode::ConcurrentTransactions))).unwrap();
    assert!(matches!(client.turn(), Ok(Turn::BackOff)));
    assert_eq!(sent(&mut client), first);
    client.answered(&Response::InitProducerId(Ok(at(2)))).unwrap();
    assert_idle(&mut client);
}

/// KC-8b, KC-10: an expected epoch lets a stale incarnation back in.
#[test]
fn an_init_never_names_an_expected_producer() {
    for mut client in [Client::open(id(), options(Protocol::V1)), Client::fence(id(), options(Protocol::V2))]
    {
        let Request::InitProducerId(init) = sent(&mut client) else {
            panic!("the client was to ask for an init");
        };
        assert_eq!((init.expected_id, init.expected_epoch), (None, None));
    }
}

/// PC-8 and the known bugs S-10, P-03: a lost record must not be forgotten by the time of the commit.
#[test]
fn a_transaction_that_lost_a_record_cannot_be_committed() {
    let mut client = writer(Protocol::V2);
    client.add(Partition(0), record(0));
    client.flush();
    produced(&mut client);
    let refused = Response::Produce(Err(ErrorCode::OutOfOrderSequenceNumber));
    let trouble = client.answered(&refused).unwrap_err();
    assert_eq!(trouble.next(), Next::AbortAndRetry);
    assert_eq!(client.end(Marker::Commit).unwrap_err(), trouble);
    client.end(Marker::Abort).unwrap();
    assert!(matches!(sent(&mut client), Request::EndTxn { marker: Marker::Abort, .. }));
}

/// Known bug P-07: what is sent after the end of a transaction opens it again.
#[test]
fn nothing_of_an_aborted_transaction_is_sent_after_its_end() {
    let mut client = writer(Protocol::V2);
    (0..5).for_each(|offset| client.add(Partition(0), record(offset)));
    produced(&mut client);
    client.unanswered().unwrap();
    client.end(Marker::Abort).unwrap();
    let requests = acknowledge_all(&mut client);
    assert!(matches!(requests[..], [Request::EndTxn { marker: Marker::Abort, .. }]), "{requests:?}");
}

#[test]
fn a_fenced_client_stays_fenced() {
    let mut client = writer(Protocol::V2);
    client.add(Partition(0), record(0));
    client.flush();
    produced(&mut client);
    let trouble = client.answered(&Response::Produce(Err(ErrorCode::ProducerFenced))).unwrap_err();
    assert_eq!(trouble.next(), Next::Fenced);
    assert_eq!(client.end(Marker::Abort).unwrap_err(), trouble);
}

#[test]
fn a_batch_refused_for_too_long_gives_up_its_transaction() {
    let mut client = writer(Protocol::V2);
    client.add(Partition(0), record(0));
    client.flush();
    let refused = || Response::Produce(Err(ErrorCode::NotEnoughReplicas));
    for _ in 0..2 {
        produced(&mut client);
        client.answered(&refused()).unwrap();
        assert!(matches!(client.turn(), Ok(Turn::BackOff)));
    }
    produced(&mut client);
    assert_eq!(client.answered(&refused()).unwrap_err().next(), Next::AbortAndRetry);
}

#[test]
fn an_answer_to_another_request_is_a_defect() {
    let mut client = Client::open(id(), options(Protocol::V2));
    sent(&mut client);
    let trouble = client.answered(&Response::EndTxn(Ok(None))).unwrap_err();
    assert_eq!(trouble, Trouble::Mismatched { kind: Kind::InitProducerId });
}

#[test]
fn offsets_join_the_transaction_before_its_end() {
    let offsets = vec![(Partition(3), LogOffset(9))];
    for (protocol, expected) in [
        (Protocol::V1, &[Kind::AddOffsets, Kind::TxnOffsetCommit, Kind::EndTxn(Marker::Commit)][..]),
        (Protocol::V2, &[Kind::TxnOffsetCommit, Kind::EndTxn(Marker::Commit)]),
    ] {
        let mut client = writer(protocol);
        client.send_offsets("group".into(), offsets.clone());
        client.end(Marker::Commit).unwrap();
        let kinds: Vec<_> = acknowledge_all(&mut client)
            .iter()
            .map(|request| match request {
                Request::AddOffsets { version: 3, .. } => Kind::AddOffsets,
                Request::TxnOffsetCommit { .. } => Kind::TxnOffsetCommit,
                Request::EndTxn { marker, .. } => Kind::EndTxn(*marker),
                other => panic!("not asked for: {other:?}"),
            })
            .collect();
        assert_eq!(kinds, expected);
    }
}
