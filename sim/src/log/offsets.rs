//! The offsets of consumer groups, in and outside of transactions (Kafka's group coordinator, as far as
//! transactions meet it: groups without members).
//!
//! They live in one partition of their own, with the producer state of any other; only sequences are not
//! checked there, because it is the group coordinator that writes, not a client.

use std::collections::BTreeMap;
use std::sync::Arc;

use twophase::Partition;
use twophase::kafka::protocol::{ErrorCode, LogOffset, Marker, Producer, ProducerId, Sequence};

use super::MarkerWrite;
use super::producers::Producers;
use super::recent::Span;

/// One group's position on one partition.
type Key = (Arc<str>, Partition);

/// A committed offset, and where in the offsets partition it was written.
#[derive(Clone, Copy, Debug)]
struct Committed {
    offset: LogOffset,
    written_at: LogOffset,
}

/// The offsets partition and what its leader makes of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    end: LogOffset,
    pub(super) producers: Producers,
    committed: BTreeMap<Key, Committed>,
    /// By producer alone, not by epoch: a marker ends all that was written under the id.
    pending: BTreeMap<ProducerId, Vec<(Key, Committed)>>,
}

impl Offsets {
    /// Outside of transactions: valid at once.
    pub(super) fn commit(&mut self, group: &Arc<str>, offsets: &[(Partition, LogOffset)]) {
        for &(partition, offset) in offsets {
            let written_at = self.advance();
            let committed = Committed { offset, written_at };
            self.committed.insert((Arc::clone(group), partition), committed);
        }
    }

    /// As part of a transaction: pending until its marker.
    pub(super) fn commit_pending(
        &mut self,
        producer: Producer,
        group: &Arc<str>,
        offsets: &[(Partition, LogOffset)],
    ) -> Result<(), ErrorCode> {
        self.producers.check_epoch(producer)?;
        let unnumbered = Sequence(-1);
        let span = Span { first: unnumbered, last: unnumbered, base: self.end };
        self.producers.append(producer, span, true);
        for &(partition, offset) in offsets {
            let written_at = self.advance();
            let committed = Committed { offset, written_at };
            let pending = self.pending.entry(producer.id).or_default();
            pending.push(((Arc::clone(group), partition), committed));
        }
        Ok(())
    }

    /// What a consumer of the group is told. With `require_stable` it has to wait for open transactions.
    pub(super) fn fetch(
        &self,
        group: &Arc<str>,
        partition: Partition,
        require_stable: bool,
    ) -> Result<Option<LogOffset>, ErrorCode> {
        let key = (Arc::clone(group), partition);
        if require_stable && self.pending.values().flatten().any(|(pending, _)| *pending == key) {
            return Err(ErrorCode::UnstableOffsetCommit);
        }
        Ok(self.committed.get(&key).map(|committed| committed.offset))
    }

    pub(super) fn write_marker(&mut self, write: &MarkerWrite) -> Result<(), ErrorCode> {
        self.producers.end(write)?;
        self.advance();
        let ended = self.pending.remove(&write.producer.id).unwrap_or_default();
        if write.marker == Marker::Commit {
            for (key, pending) in ended {
                self.settle(key, pending);
            }
        }
        Ok(())
    }

    /// The later *record* wins, not the later marker: compaction of the partition keeps the last record of a key,
    /// and a reload must come to the same offset.
    fn settle(&mut self, key: Key, pending: Committed) {
        let stored = self.committed.entry(key).or_insert(pending);
        if pending.written_at > stored.written_at {
            *stored = pending;
        }
    }

    /// Takes one offset of the offsets partition.
    fn advance(&mut self) -> LogOffset {
        let taken = self.end;
        self.end = LogOffset(taken.0 + 1);
        taken
    }
}
