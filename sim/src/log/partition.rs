//! One partition: the log itself, the last stable offset, and the index of aborted transactions.

use twophase::kafka::protocol::{
    ErrorCode, LogOffset, Marker, Produce, Producer, ProducerId, Records, Sequence,
};

use super::MarkerWrite;
use super::producers::{self, ProducerState, Producers};
use super::recent::{Span, advance};
use crate::memory::Room;

/// One piece of a partition's log: a batch as it was sent, or a marker.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Of its first record, or of the marker.
    pub base: LogOffset,
    /// By whom; `None` for a plain batch.
    pub producer: Option<Producer>,
    /// What it is.
    pub content: Content,
}

/// See [`Entry`].
#[derive(Clone, Debug)]
pub enum Content {
    /// Data.
    Batch {
        /// Of the first record.
        base_sequence: Sequence,
        /// Whether it is part of a transaction.
        transactional: bool,
        /// The records, shared with the request that brought them.
        records: Records,
    },
    /// The end of a transaction. Takes one offset and is never given to an application.
    Marker(Marker),
}

impl Entry {
    /// The offset behind it.
    pub fn end(&self) -> LogOffset {
        let length = match &self.content {
            Content::Batch { records, .. } => records.len() as u64,
            Content::Marker(_) => 1,
        };
        LogOffset(self.base.0 + length)
    }
}

/// How many of these begin before an offset. While each has one record, they stand where their offsets say, and a search
/// would look at entries that nobody else has looked at for long.
pub(super) fn entries_before(entries: &[Entry], offset: LogOffset) -> usize {
    let first = entries.first().map_or(offset, |first| first.base);
    let guess = offset.0.saturating_sub(first.0) as usize;
    match entries.get(guess) {
        Some(entry) if entry.base == offset => guess,
        None if entries.last().is_none_or(|last| last.base < offset) => entries.len(),
        _ => entries.partition_point(|entry| entry.base < offset),
    }
}

/// A transaction that was aborted after it had written here (Kafka `AbortedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aborted {
    /// Whose.
    pub producer: ProducerId,
    /// Of its first record.
    pub first: LogOffset,
    /// Of its marker.
    pub last: LogOffset,
}

/// One partition and what its leader knows.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionLog {
    entries: Vec<Entry>,
    /// Of the last entry.
    end: LogOffset,
    aborted: Vec<Aborted>,
    pub(super) producers: Producers,
}

/// What a partition leaves to one of the next history.
#[derive(Default)]
pub(super) struct Rooms {
    entries: Room<Entry>,
    aborted: Room<Aborted>,
    producers: producers::Rooms,
}

impl PartitionLog {
    /// An empty one, with room for what an ordinary history writes.
    pub(super) fn new(rooms: Rooms) -> Self {
        PartitionLog {
            entries: rooms.entries.vector(256),
            end: LogOffset(0),
            aborted: rooms.aborted.vector(8),
            producers: Producers::new(rooms.producers),
        }
    }

    pub(super) fn leave(self) -> Rooms {
        Rooms {
            entries: Room::of(self.entries),
            aborted: Room::of(self.aborted),
            producers: self.producers.leave(),
        }
    }

    pub(super) fn end(&self) -> LogOffset {
        self.end
    }

    /// The first offset not yet decided. One replica: whatever is written is replicated, so only open
    /// transactions hold it back.
    pub(super) fn last_stable(&self) -> LogOffset {
        self.producers.first_open().unwrap_or(self.end)
    }

    /// All entries from the one that contains `from`.
    pub(super) fn entries(&self, from: LogOffset) -> &[Entry] {
        let begun = entries_before(&self.entries, from);
        let reaches = |entry: &Entry| entry.end() > from;
        let first = begun.checked_sub(1).filter(|last| reaches(&self.entries[*last]));
        &self.entries[first.unwrap_or(begun)..]
    }

    /// In the order of their markers.
    pub(super) fn aborted(&self) -> &[Aborted] {
        &self.aborted
    }

    pub(super) fn producers(&self) -> &[ProducerState] {
        self.producers.known()
    }

    /// Writes a client's batch, once: a repeated one is answered with its old offset.
    pub(super) fn append(&mut self, batch: &Produce) -> Result<LogOffset, ErrorCode> {
        let Some(further) = batch.records.len().checked_sub(1) else {
            return Err(ErrorCode::InvalidRequest);
        };
        if let Some(producer) = batch.producer {
            let (first, last) = (batch.base_sequence, advance(batch.base_sequence, further));
            let span = Span { first, last, base: self.end };
            if let Some(written) = self.producers.write(producer, span, batch.transactional)? {
                return Ok(written);
            }
        }
        Ok(self.push_batch(batch))
    }

    /// The same, if it is the next one of the transaction that its producer has open here.
    #[inline(always)]
    pub(super) fn go_on(&mut self, batch: &Produce) -> Option<LogOffset> {
        let producer = batch.producer.filter(|_| batch.transactional && batch.id.is_some())?;
        let further = batch.records.len().checked_sub(1)?;
        let (first, last) = (batch.base_sequence, advance(batch.base_sequence, further));
        let goes_on = self.producers.go_on(producer, Span { first, last, base: self.end });
        goes_on.then(|| self.push_batch(batch))
    }

    #[inline(always)]
    fn push_batch(&mut self, batch: &Produce) -> LogOffset {
        let content = Content::Batch {
            base_sequence: batch.base_sequence,
            transactional: batch.transactional,
            records: batch.records.clone(),
        };
        self.push(batch.producer, content, batch.records.len())
    }

    /// Writes a control record. Only aborts that have data are indexed: nobody has to skip anything of others.
    pub(super) fn write_marker(&mut self, write: &MarkerWrite) -> Result<(), ErrorCode> {
        let began = self.producers.end(write)?;
        if let (Some(first), Marker::Abort) = (began, write.marker) {
            self.aborted.push(Aborted { producer: write.producer.id, first, last: self.end });
        }
        self.push(Some(write.producer), Content::Marker(write.marker), 1);
        Ok(())
    }

    /// Writes what takes this many offsets. Returns the first of them.
    #[inline(always)]
    fn push(&mut self, producer: Option<Producer>, content: Content, length: usize) -> LogOffset {
        let base = self.end;
        self.end = LogOffset(base.0 + length as u64);
        self.entries.push(Entry { base, producer, content });
        base
    }
}

#[cfg(test)]
mod tests {
    use twophase::{Payload, Record, RecordId, SourceOffset, Split};

    use super::*;

    /// Entries of these lengths, one behind the other.
    fn entries(lengths: &[u64]) -> Vec<Entry> {
        let record = Record {
            id: RecordId { split: Split(0), offset: SourceOffset(0) },
            payload: Payload::copy_from_slice(b"any"),
        };
        let mut end = 0;
        let entry = |length: &u64| {
            let base = LogOffset(end);
            end += length;
            let content = match length {
                1 => Content::Marker(Marker::Commit),
                _ => Content::Batch {
                    base_sequence: Sequence(0),
                    transactional: false,
                    records: vec![record.clone(); *length as usize].into(),
                },
            };
            Entry { base, producer: None, content }
        };
        lengths.iter().map(entry).collect()
    }

    #[test]
    fn entries_are_found_by_offset_whether_they_hold_one_record_or_several() {
        for lengths in [&[][..], &[1, 1, 1, 1], &[3, 1, 2, 5], &[1, 1, 4, 1, 1], &[2, 2]] {
            let all = entries(lengths);
            for from in 0..=all.len() {
                for offset in 0..=15 {
                    let before = all[from..].iter().take_while(|entry| entry.base.0 < offset).count();
                    assert_eq!(
                        entries_before(&all[from..], LogOffset(offset)),
                        before,
                        "{offset} in {lengths:?}"
                    );
                }
            }
        }
    }
}
