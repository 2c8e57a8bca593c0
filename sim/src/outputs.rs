//! What is to come out of a history where that is not simply its input: which outputs each record has, and which
//! of them a visible record is.
//!
//! The checker judges as ever, over a row of records in each split that must be there exactly once. Here that row is
//! made of the expected outputs, one after the other, and whatever is written or read is told to the checker by its
//! place in that row. So a loss can cancel a duplicate no more than among the records of the input. Where a subject
//! says nothing of its outputs, none of this exists.

mod promise;
mod told;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use twophase::env::{Completed, Head};
use twophase::kafka::protocol::{Produce, Producer, Request, Response};
use twophase::{Partition, Payload, Record, RecordId, SourceOffset, Split};

use crate::event::{Event, What};
use crate::quiet::{Panic, guarded};
use crate::schedule::Schedule;
pub use promise::Output;
pub(crate) use promise::{ByKey, Promise};
use promise::{Expect, Identify, Known, Unclear};
pub(crate) use told::Told;

/// Why a history cannot be judged.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// What the subject says of its outputs does not fit this input; one line.
    Input(String),
    /// What says it panicked, in `expect` or in `identify`.
    Panicked(&'static str, Panic),
}

/// What is to come out of one history, and what is known of it so far.
pub(crate) struct Outputs {
    /// For each split the outputs of its records, in order.
    rows: Vec<Vec<Output>>,
    /// For each split, and each offset of it and the one behind the last, where in the row its outputs begin.
    begins: Vec<Vec<usize>>,
    known: Option<Box<dyn Known>>,
    /// How often each of several outputs that are alike was written by a producer.
    written: BTreeMap<(Producer, RecordId), usize>,
    /// And how often it was read.
    read: BTreeMap<RecordId, usize>,
    strays: Vec<Stray>,
}

/// An output that is expected nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stray {
    record: Record,
    partition: Partition,
    why: &'static str,
}

/// Strays are told to the checker as records of a split that there cannot be.
const NOWHERE: Split = Split(u16::MAX);

impl Outputs {
    /// What this subject promises for this schedule.
    pub(crate) fn new(promise: &Promise, schedule: &Schedule) -> Result<Option<Box<Self>>, Unfit> {
        if promise.expect.is_none() && promise.identify.is_none() {
            return Ok(None);
        }
        let (mut rows, mut begins) = (Vec::new(), Vec::new());
        for (split, payloads) in (0..).map(Split).zip(&schedule.input) {
            let (row, begin) = row(promise.expect.as_deref(), split, payloads)?;
            rows.push(row);
            begins.push(begin);
        }
        let mut outputs = Outputs {
            rows,
            begins,
            known: None,
            written: BTreeMap::new(),
            read: BTreeMap::new(),
            strays: Vec::new(),
        };
        if let Some(identify) = &promise.identify {
            outputs.known = Some(outputs.index(&**identify)?);
        }
        Ok(Some(Box::new(outputs)))
    }

    fn index(&self, identify: &dyn Identify) -> Result<Box<dyn Known>, Unfit> {
        let mut all = self.rows.iter().flatten().map(|output| &*output.payload);
        let known =
            guarded(|| identify.index(&mut all)).map_err(|panic| Unfit::Panicked("identify", panic))?;
        known.map_err(|unclear| match unclear {
            Unclear::Nameless(place) => Unfit::Input(format!(
                "identify(..) gives None for {}, which is expected to come out; expected an identity for each",
                self.name(self.at(place))
            )),
            Unclear::Alike(one, other, key) => Unfit::Input(format!(
                "identify(..) gives {key} for {} and for {}; expected an identity of its own for each: make it of \
                 more of the payload, or give records that differ",
                self.name(self.at(one)),
                self.name(self.at(other))
            )),
        })
    }

    /// The schedule as the checker is told it: its input is what is to come out.
    pub(crate) fn schedule(&self, schedule: &Schedule) -> Schedule {
        let payloads = |row: &Vec<Output>| row.iter().map(|output| output.payload.clone()).collect();
        Schedule { input: self.rows.iter().map(payloads).collect(), ..schedule.clone() }
    }

    /// The event as the checker is told it, if that is not as it happened.
    pub(crate) fn tell(&mut self, event: &Event<'_>) -> Result<Option<Told>, Panic> {
        Ok(match event.what {
            What::Applied {
                request: Request::Produce(produce),
                response: Response::Produce(Ok(_)),
                changed: true,
                ..
            } => Some(Told::Request(Request::Produce(self.written(produce)?))),
            What::Visible { partition, record, .. } => Some(Told::Record(self.read(record, partition)?)),
            What::Put { head, version: Some(_) } => {
                head.completed.as_ref().map(|completed| Told::Head(self.durable(head, completed)))
            }
            _ => None,
        })
    }

    fn written(&mut self, produce: &Produce) -> Result<Produce, Panic> {
        let mut records = Vec::with_capacity(produce.records.len());
        for record in produce.records.iter() {
            let alike = self.find(record, produce.partition)?;
            let id = match (alike, produce.producer) {
                (Ok(alike), Some(producer)) => {
                    let times = self.written.entry((producer, alike.first())).or_default();
                    *times += 1;
                    alike.nth(*times - 1)
                }
                (Ok(alike), None) => alike.first(),
                (Err(why), _) => self.stray(record, produce.partition, why),
            };
            records.push(Record { id, payload: record.payload.clone() });
        }
        Ok(Produce { records: records.into(), ..produce.clone() })
    }

    fn read(&mut self, record: &Record, partition: Partition) -> Result<Record, Panic> {
        let id = match self.find(record, partition)? {
            Ok(alike) => {
                let times = self.read.entry(alike.first()).or_default();
                *times += 1;
                alike.nth(*times - 1)
            }
            Err(why) => self.stray(record, partition, why),
        };
        Ok(Record { id, payload: record.payload.clone() })
    }

    /// For each split, the place of the first output that the checkpoint does not cover.
    fn durable(&self, head: &Head, completed: &Completed) -> Head {
        let place = |(begins, offset): (&Vec<usize>, &SourceOffset)| {
            let offset = usize::try_from(offset.0).unwrap_or(usize::MAX).min(begins.len() - 1);
            SourceOffset(begins[offset] as u64)
        };
        let resume_at = self.begins.iter().zip(&completed.resume_at).map(place).collect();
        Head { completed: Some(Arc::new(Completed { resume_at, ..completed.clone() })), ..head.clone() }
    }

    /// Which of the expected outputs this can be, or why it is none of them.
    fn find(&self, record: &Record, partition: Partition) -> Result<Result<Alike, &'static str>, Panic> {
        let (split, candidates) = match &self.known {
            None => (record.id.split, self.outputs_of(record.id)),
            Some(known) => match guarded(|| known.find(&record.payload))? {
                None => return Ok(Err("it identifies to nothing that is expected")),
                Some(place) => {
                    let RecordId { split, offset } = self.at(place);
                    (split, offset.0 as usize..offset.0 as usize + 1)
                }
            },
        };
        let Some(row) = self.rows.get(usize::from(split.0)).filter(|_| !candidates.is_empty()) else {
            return Ok(Err("nothing is expected of its record"));
        };
        let same = |place: &usize| row[*place].payload == record.payload;
        let here = |place: &usize| row[*place].partition.is_none_or(|on| on == partition);
        let alike: Vec<_> = candidates.clone().filter(|place| same(place) && here(place)).collect();
        Ok(match candidates.clone().any(|place| same(&place)) {
            false => Err("its payload is another"),
            true if alike.is_empty() => Err("it is expected on another partition"),
            true => Ok(Alike(split, alike)),
        })
    }

    /// The places of the outputs of this record of the input.
    fn outputs_of(&self, record: RecordId) -> Range<usize> {
        let begins = self.begins.get(usize::from(record.split.0));
        let offset = usize::try_from(record.offset.0).unwrap_or(usize::MAX);
        let bound = |offset: Option<usize>| begins.and_then(|begins| begins.get(offset?)).copied();
        match (bound(Some(offset)), bound(offset.checked_add(1))) {
            (Some(begin), Some(end)) => begin..end,
            _ => 0..0,
        }
    }

    fn stray(&mut self, record: &Record, partition: Partition, why: &'static str) -> RecordId {
        let stray = Stray { record: record.clone(), partition, why };
        let known = self.strays.iter().position(|known| *known == stray);
        let place = known.unwrap_or_else(|| {
            self.strays.push(stray);
            self.strays.len() - 1
        });
        RecordId { split: NOWHERE, offset: SourceOffset(place as u64) }
    }

    /// The output at this place of all, in the order of the splits.
    fn at(&self, place: usize) -> RecordId {
        let mut left = place;
        for (split, row) in (0..).map(Split).zip(&self.rows) {
            if left < row.len() {
                return RecordId { split, offset: SourceOffset(left as u64) };
            }
            left -= row.len();
        }
        unreachable!("only places that there are have been indexed")
    }

    /// The record of the input that an output comes from; of a stray the one that its header names, if that means
    /// anything.
    pub(crate) fn source(&self, output: RecordId) -> Option<RecordId> {
        match self.stray_at(output) {
            Some(stray) => self.known.is_none().then_some(stray.record.id),
            None => Some(RecordId { offset: SourceOffset(self.offset_of(output) as u64), ..output }),
        }
    }

    fn stray_at(&self, output: RecordId) -> Option<&Stray> {
        self.strays.get(output.offset.0 as usize).filter(|_| output.split == NOWHERE)
    }

    /// At which offset of its split the record is that an output comes from.
    fn offset_of(&self, output: RecordId) -> usize {
        let begins = self.begins.get(usize::from(output.split.0));
        begins.map_or(0, |begins| begins.partition_point(|begin| *begin <= output.offset.0 as usize) - 1)
    }

    /// Whether two outputs of one split come from one record: nothing says in which order those are.
    pub(crate) fn have_one_source(&self, split: Split, one: SourceOffset, other: SourceOffset) -> bool {
        let source = |offset| self.offset_of(RecordId { split, offset });
        source(one) == source(other)
    }

    /// Why an output is not expected, if it is a stray.
    pub(crate) fn why_not(&self, output: RecordId) -> Option<&'static str> {
        self.stray_at(output).map(|stray| stray.why)
    }

    /// How an output is called in reports.
    pub(crate) fn name(&self, output: RecordId) -> String {
        if let Some(stray) = self.stray_at(output) {
            let text = Text(&stray.record.payload);
            return match self.source(output) {
                Some(source) => format!("output {text} of record {source}"),
                None => format!("output {text}"),
            };
        }
        let source = RecordId { offset: SourceOffset(self.offset_of(output) as u64), ..output };
        let all = self.outputs_of(source);
        let text = Text(&self.rows[usize::from(output.split.0)][output.offset.0 as usize].payload);
        match all.len() {
            1 => format!("the output {text} of record {source}"),
            count => {
                let nth = output.offset.0 as usize - all.start + 1;
                format!("output {nth} of {count}, {text}, of record {source}")
            }
        }
    }
}

/// The outputs of one split's records, and where those of each begin.
fn row(
    expect: Option<&Expect>,
    split: Split,
    payloads: &[Payload],
) -> Result<(Vec<Output>, Vec<usize>), Unfit> {
    let (mut row, mut begins) = (Vec::with_capacity(payloads.len()), vec![0]);
    for (offset, payload) in (0..).map(SourceOffset).zip(payloads) {
        let record = Record { id: RecordId { split, offset }, payload: payload.clone() };
        match expect {
            None => row.push(Output::from(record.payload)),
            Some(expect) => {
                row.extend(guarded(|| expect(&record)).map_err(|panic| Unfit::Panicked("expect", panic))?);
            }
        }
        begins.push(row.len());
    }
    Ok((row, begins))
}

/// Outputs of one record that nothing tells apart but their number.
struct Alike(Split, Vec<usize>);

impl Alike {
    fn first(&self) -> RecordId {
        self.nth(0)
    }

    /// One more than there are is the last one again.
    fn nth(&self, number: usize) -> RecordId {
        let place = self.1[number.min(self.1.len() - 1)];
        RecordId { split: self.0, offset: SourceOffset(place as u64) }
    }
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The beginning of a payload, as it prints.
struct Text<'a>(&'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0);
        let shown: String = text.chars().take(40).collect();
        let more = if shown.len() < text.len() { ".." } else { "" };
        write!(f, "{:?}", shown + more)
    }
}
