//! Reading a log as a consumer does: the broker's answer to a fetch, and the committed view made of it.

use twophase::kafka::protocol::{ErrorCode, LogOffset, Producer};
use twophase::{Partition, Record};

use super::partition::entries_before;
use super::{Aborted, Content, Entry, Log};

/// How far a reader wants to see (`isolation.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everything, up to the end.
    ReadUncommitted,
    /// What is decided, up to the last stable offset.
    ReadCommitted,
}

/// What a broker answers to one fetch.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// Whole batches and markers, the aborted ones among them.
    pub entries: &'a [Entry],
    /// The aborted transactions that end at or behind the start of the fetch. Not cut at the last stable offset;
    /// empty if there are no entries, or if the reader did not ask for committed records.
    pub aborted: &'a [Aborted],
}

/// One fetch.
///
/// # Errors
/// `UnknownTopicOrPartition`, and `OffsetOutOfRange` beyond the end of the log. Between the last stable offset and
/// the end there is nothing to return, which is no error.
pub fn fetch(
    log: &dyn Log,
    partition: Partition,
    isolation: Isolation,
    from: LogOffset,
) -> Result<Fetched<'_>, ErrorCode> {
    if partition.0 >= log.partitions() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    if from > log.log_end_offset(partition) {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    Ok(match isolation {
        Isolation::ReadUncommitted => Fetched { entries: log.entries(partition, from), aborted: &[] },
        Isolation::ReadCommitted => committed(log, partition, from),
    })
}

fn committed(log: &dyn Log, partition: Partition, from: LogOffset) -> Fetched<'_> {
    let stable = log.last_stable_offset(partition);
    let entries = log.entries(partition, from);
    let entries = &entries[..entries_before(entries, stable)];
    let aborted = log.aborted(partition);
    let ended = aborted.partition_point(|aborted| aborted.last < from);
    Fetched { entries, aborted: if entries.is_empty() { &[] } else { &aborted[ended..] } }
}

/// Whether this entry belongs to an aborted transaction. `aborted` may be all of the partition, or those of a fetch.
#[inline]
pub fn is_aborted(aborted: &[Aborted], entry: &Entry) -> bool {
    !aborted.is_empty() && is_among(aborted, entry) // nearly always none was
}

fn is_among(aborted: &[Aborted], entry: &Entry) -> bool {
    let Content::Batch { transactional: true, .. } = entry.content else {
        return false; // what a producer wrote outside of transactions is not taken along
    };
    let Some(producer) = entry.producer else {
        return false;
    };
    let ended = aborted.partition_point(|aborted| aborted.last < entry.base);
    let covers = |aborted: &Aborted| aborted.producer == producer.id && aborted.first <= entry.base;
    aborted[ended..].iter().any(covers)
}

/// The committed records from `from` to the last stable offset, in the order of the log, each with who wrote it.
pub fn read_committed(
    log: &dyn Log,
    partition: Partition,
    from: LogOffset,
) -> impl Iterator<Item = (LogOffset, &Record, Option<Producer>)> {
    committed_entries(log, partition, from)
        .flat_map(|entry| numbered(entry).map(|(offset, record)| (offset, record, entry.producer)))
        .filter(move |(offset, ..)| *offset >= from)
}

/// The entries with committed records from `from` to the last stable offset; the first may begin before it.
pub(crate) fn committed_entries(
    log: &dyn Log,
    partition: Partition,
    from: LogOffset,
) -> impl Iterator<Item = &Entry> {
    let fetched = committed(log, partition, from);
    fetched.entries.iter().filter(move |entry| !is_aborted(fetched.aborted, entry))
}

/// The records of an entry with their offsets; none for a marker.
pub(crate) fn numbered(entry: &Entry) -> impl Iterator<Item = (LogOffset, &Record)> {
    let records = match &entry.content {
        Content::Batch { records, .. } => &records[..],
        Content::Marker(_) => &[],
    };
    records.iter().enumerate().map(|(nth, record)| (LogOffset(entry.base.0 + nth as u64), record))
}
