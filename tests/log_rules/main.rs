//! Rules of the log that a world meets and the recordings cannot show: what happens between a decision and its
//! markers, when markers come late, and what is remembered for how long.

mod memory;
mod stage;

use std::time::Duration;

use twophase::kafka::protocol::{CoordinatorState, ErrorCode, LogOffset, Marker, ProducerEpoch};
use twophase::{Partition, Timestamp};
use twophase_sim::log::{Effect, Log};

use stage::{Stage, TIMEOUT, id};

#[test]
fn a_commit_is_answered_before_anything_can_be_seen() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.end(producer, Marker::Commit, 5).unwrap();
    assert_eq!((stage.state(), stage.committed()), (CoordinatorState::PrepareCommit, 0));

    let markers = stage.markers();
    stage.deliver(&markers[0]).unwrap();
    assert_eq!((stage.state(), stage.committed()), (CoordinatorState::CompleteCommit, 1));
}

#[test]
fn a_takeover_comes_again_until_the_abort_is_everywhere() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    stage.append(old, 0, 12).unwrap();
    assert_eq!(stage.initialise(), Err(ErrorCode::ConcurrentTransactions));
    let markers = stage.markers();
    assert_eq!(stage.initialise(), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(stage.markers(), [], "the second try decides nothing again");

    stage.deliver(&markers[0]).unwrap();
    let new = stage.initialise().unwrap();
    assert_eq!(new.epoch, ProducerEpoch(old.epoch.0 + 2), "one raise to fence, one to hand out");
    assert_eq!(stage.append(old, 1, 12), Err(ErrorCode::InvalidProducerEpoch));
}

#[test]
fn a_marker_of_a_dead_coordinator_is_refused_once_the_new_one_was_there() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.end(producer, Marker::Commit, 5).unwrap();
    let from_the_dead = stage.markers();
    stage.log.reload(stage.now, &mut stage.effects);
    let from_the_new = stage.markers();
    stage.deliver(&from_the_new[0]).unwrap();
    assert_eq!(stage.deliver(&from_the_dead[0]), Err(ErrorCode::TransactionCoordinatorFenced));
}

#[test]
fn a_marker_of_a_dead_coordinator_completes_nothing_at_the_new_one() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.end(producer, Marker::Commit, 5).unwrap();
    let from_the_dead = stage.markers();
    stage.log.reload(stage.now, &mut stage.effects);
    stage.deliver(&from_the_dead[0]).unwrap();
    assert_eq!((stage.state(), stage.committed()), (CoordinatorState::PrepareCommit, 1));
}

/// Commits, begins the next transaction of what was answered, and delivers the first one's marker again.
fn deliver_the_first_marker_again(version: i16) -> (Stage, Result<(), ErrorCode>) {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    let successor = stage.end(producer, Marker::Commit, version).unwrap();
    let markers = stage.markers();
    stage.deliver(&markers[0]).unwrap();
    let sequence = if successor.is_some() { 0 } else { 1 };
    stage.append(successor.unwrap_or(producer), sequence, 12).unwrap();
    let again = stage.deliver(&markers[0]);
    (stage, again)
}

#[test]
fn a_marker_that_comes_twice_ends_the_next_transaction_in_v1() {
    let (stage, again) = deliver_the_first_marker_again(4);
    assert_eq!((again, stage.committed()), (Ok(()), 2)); // KP-9: nobody asked for the second commit
}

#[test]
fn a_marker_that_comes_twice_is_refused_in_v2() {
    let (stage, again) = deliver_the_first_marker_again(5);
    assert_eq!((again, stage.committed()), (Err(ErrorCode::InvalidProducerEpoch), 1));
}

#[test]
fn a_transaction_expires_only_when_more_than_its_timeout_has_passed() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.now = Timestamp(0).after(TIMEOUT);
    stage.log.sweep(stage.now, &mut stage.effects);
    assert_eq!(stage.effects, []);

    stage.now = stage.now.after(Duration::from_micros(1));
    stage.log.sweep(stage.now, &mut stage.effects);
    assert!(stage.effects.contains(&Effect::Expired { id: id(), producer }));
    assert_eq!(stage.state(), CoordinatorState::PrepareAbort);
    assert_eq!(stage.end(producer, Marker::Commit, 4), Err(ErrorCode::ProducerFenced));
}

#[test]
fn a_zombie_that_missed_one_raise_is_told_that_its_commit_succeeded() {
    let mut stage = Stage::new();
    let old = stage.initialise().unwrap();
    let new = stage.initialise().unwrap();
    stage.append(new, 0, 12).unwrap();
    stage.end(new, Marker::Commit, 4).unwrap();
    let markers = stage.markers();
    stage.deliver(&markers[0]).unwrap();
    assert_eq!(stage.end(old, Marker::Commit, 5), Ok(Some(new))); // KC-15b
}

#[test]
fn a_batch_that_was_refused_for_its_sequence_blocks_what_starts_higher() {
    let mut stage = Stage::new();
    let producer = stage.initialise().unwrap();
    stage.append(producer, 0, 12).unwrap();
    stage.end(producer, Marker::Commit, 4).unwrap();
    let markers = stage.markers();
    stage.deliver(&markers[0]).unwrap();
    stage.append(producer, 1, 12).unwrap();
    stage.end(producer, Marker::Commit, 4).unwrap();
    let markers = stage.markers();
    stage.deliver(&markers[0]).unwrap();

    // The restarted leader knows the last batch only: the repeat of the first one is out of order, and is noted.
    stage.log.restart(Partition(0));
    assert_eq!(stage.append(producer, 0, 12), Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(stage.append(producer, 2, 12), Err(ErrorCode::OutOfOrderSequenceNumber));
    stage.log.restart(Partition(0));
    assert_eq!(stage.append(producer, 2, 12), Ok(LogOffset(4)));
}
