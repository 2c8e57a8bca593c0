//! How long the coordinator and the leaders remember what they do not store: the recordings never come to the steps
//! at which it is forgotten. The facts are of Kafka 4.2's `TransactionMetadata` and `VerificationStateEntry`.

use twophase::Partition;
use twophase::kafka::protocol::{
    ErrorCode, InitProducerId, LogOffset, Marker, Producer, ProducerEpoch, ProducerId,
};
use twophase_sim::log::Log;

use super::stage::{Stage, initialisation};

/// The last epoch a client is given.
const LAST: ProducerEpoch = ProducerEpoch(i16::MAX - 1);

/// A producer that has committed with its last epoch, and the one that took over from it.
fn commit_at_the_last_epoch(stage: &mut Stage) -> (Producer, Producer) {
    let mut old = stage.initialise().unwrap();
    while old.epoch < LAST {
        old = stage.initialise().unwrap();
    }
    stage.append(old, 0, 12).unwrap();
    let new = stage.end(old, Marker::Commit, 5).unwrap().unwrap();
    stage.deliver_all();
    (old, new)
}

#[test]
fn a_commit_that_used_up_the_epochs_is_recognised_when_it_is_repeated() {
    let mut stage = Stage::new();
    let (old, new) = commit_at_the_last_epoch(&mut stage);
    assert_ne!(old.id, new.id);
    assert_eq!(stage.end(old, Marker::Commit, 5), Ok(Some(new)));
    assert_eq!(stage.initialise_again(old), Ok(new));
}

#[test]
fn only_the_last_epoch_itself_repeats_a_commit_that_used_up_the_epochs() {
    let mut stage = Stage::new();
    let (old, _) = commit_at_the_last_epoch(&mut stage);
    for epoch in [LAST.0 - 1, LAST.0 + 1] {
        let epoch = ProducerEpoch(epoch);
        assert_eq!(
            stage.end(Producer { epoch, ..old }, Marker::Commit, 5),
            Err(ErrorCode::InvalidProducerIdMapping)
        );
    }
}

#[test]
fn the_first_step_of_the_new_producer_id_forgets_the_old_one() {
    let mut stage = Stage::new();
    let (old, new) = commit_at_the_last_epoch(&mut stage);
    stage.add(new);
    assert_eq!(stage.end(old, Marker::Commit, 5), Err(ErrorCode::InvalidProducerIdMapping));
    // The epoch stays 0 in V1, so that only the id tells this commit from the one of before.
    stage.end(new, Marker::Commit, 4).unwrap();
    stage.deliver_all();
    assert_eq!(stage.end(old, Marker::Commit, 5), Err(ErrorCode::InvalidProducerIdMapping));
    assert_eq!(stage.initialise_again(old), Err(ErrorCode::ProducerFenced));
}

#[test]
fn an_initialisation_that_changes_no_id_forgets_the_old_one_as_well() {
    let mut stage = Stage::new();
    let (old, new) = commit_at_the_last_epoch(&mut stage);
    assert_eq!(stage.initialise_again(old), Ok(new));
    assert_eq!(stage.initialise_again(old), Err(ErrorCode::ProducerFenced));
}

#[test]
fn an_initialisation_can_be_repeated_after_an_end_of_the_old_protocol() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    let new = stage.initialise_again(old).unwrap();
    stage.append(new, 0, 12).unwrap();
    stage.end(new, Marker::Commit, 4).unwrap();
    stage.deliver_all();
    assert_eq!(stage.initialise_again(old), Ok(new));
}

#[test]
fn an_initialisation_cannot_be_repeated_after_an_end_of_the_new_protocol() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    let new = stage.initialise_again(old).unwrap();
    stage.append(new, 0, 12).unwrap();
    let newer = stage.end(new, Marker::Commit, 5).unwrap().unwrap();
    stage.deliver_all();
    assert_eq!(stage.initialise_again(old), Err(ErrorCode::ProducerFenced));
    assert_eq!(stage.initialise_again(new), Ok(newer)); // KC-8b: the end counts as the last raise
}

#[test]
fn half_a_producer_is_refused_before_it_is_seen_that_no_id_is_given() {
    let half = InitProducerId { id: None, expected_id: Some(ProducerId(1)), ..initialisation() };
    assert_eq!(Stage::new().ask(half), Err(ErrorCode::InvalidRequest));
}

/// A batch that is out of order for a leader that was restarted; asked about with this version. It is then ended by
/// V1, which leaves the epoch, and the next one in order is sent.
fn go_on_after_a_refusal(version: i16) -> Result<LogOffset, ErrorCode> {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.append(producer, 1, 12).unwrap();
    stage.end(producer, Marker::Commit, 4).unwrap();
    stage.deliver_all();
    stage.log.restart(Partition(0));
    stage.add(producer);
    assert_eq!(stage.append(producer, 0, version), Err(ErrorCode::OutOfOrderSequenceNumber));
    stage.end(producer, Marker::Abort, 4).unwrap();
    stage.deliver_all();
    stage.append(producer, 2, 12)
}

#[test]
fn a_marker_ends_what_a_question_of_the_old_protocol_has_left_behind() {
    assert_eq!(go_on_after_a_refusal(11), Ok(LogOffset(4)));
}

#[test]
fn a_question_of_the_new_protocol_outlives_a_marker_of_its_own_epoch() {
    assert_eq!(go_on_after_a_refusal(12), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn a_higher_epoch_takes_its_own_lowest_sequence() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    assert_eq!(stage.append(old, 3, 11), Err(ErrorCode::TransactionAbortable));
    let new = stage.initialise().unwrap();
    stage.add(new);
    assert_eq!(stage.append(new, 7, 11), Ok(LogOffset(0)));
}

#[test]
fn a_lower_epoch_leaves_the_lowest_sequence_of_a_higher_one_alone() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    let new = stage.initialise().unwrap();
    assert_eq!(stage.append(new, 7, 11), Err(ErrorCode::TransactionAbortable));
    assert_eq!(stage.append(old, 3, 11), Err(ErrorCode::InvalidProducerEpoch));
    stage.add(new);
    assert_eq!(stage.append(new, 7, 11), Ok(LogOffset(0)));
}

#[test]
fn a_leader_that_starts_again_reads_back_whom_it_had_forgotten() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    let written = stage.append(producer, 0, 12).unwrap();
    let next = stage.end(producer, Marker::Commit, 5).unwrap().unwrap();
    stage.deliver_all();
    stage.log.forget_idle_producers();
    assert!(stage.log.producers(Partition(0)).unwrap().is_empty());
    stage.log.restart(Partition(0));
    let known = stage.log.producers(Partition(0)).unwrap();
    assert_eq!(known.iter().map(|known| known.producer()).collect::<Vec<_>>(), [next]);
    assert_eq!(written, LogOffset(0));
}
