//! Where a task's records come from: its splits, read through a queue each, or in turn by the task itself.
//!
//! Either way a [`Step`] is what the sink meets next, and barriers come after the records they follow.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::align::{Alignment, Arrival};
use super::reader;
use crate::channel::{Receiver, Sender, channel};
use crate::{CheckpointId, Env, Failure, Next, Positions, Record, Source, SourceOffset, Split};

/// The splits of one task.
pub(super) enum Intake<E: Env> {
    Queued(Queued),
    Chained(Chained<E::Source>),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    /// A record for the sink.
    Record(Record),
    /// Something between two records.
    Mark(Mark),
}

/// What is no record, and stands at a certain place among them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// Everything in front of this checkpoint's barriers has come.
    Aligned(CheckpointId),
    /// This checkpoint will not be taken, because a newer one's barrier came first (CC-22).
    Overtaken(CheckpointId),
    /// No split has any more records. Comes once; barriers may still follow.
    Ended,
}

/// What a reading task puts in its queue.
#[derive(Debug)]
pub(super) enum Item {
    Record(Record),
    /// The barrier of a checkpoint, and where this split is read on behind it.
    Barrier(CheckpointId, SourceOffset),
    /// The split has no more records. Barriers may still follow.
    End,
    /// The split cannot be read.
    Failed(Failure),
}

impl<E: Env> Intake<E> {
    /// Of no splits.
    pub(super) fn nothing() -> Self {
        Intake::Chained(Chained::of(Vec::new()))
    }

    /// Starts to read these splits at these offsets, each through a queue of this capacity, if any.
    #[cold] // once in an attempt, which is one piece of code with all that a record passes
    pub(super) fn start(env: &E, queue: Option<usize>, resume_at: &[(Split, SourceOffset)]) -> Self {
        match queue {
            // A task without splits has nothing to align.
            Some(capacity) if !resume_at.is_empty() => {
                Intake::Queued(Queued::start(env, capacity, resume_at))
            }
            _ => Intake::Chained(Chained::start(env, resume_at)),
        }
    }

    /// Puts the barrier of a checkpoint behind the records that are already there, in every split.
    pub(super) fn barrier(&mut self, id: CheckpointId) {
        match self {
            Intake::Queued(queued) => queued.barrier(id),
            Intake::Chained(chained) => chained.barrier = Some(id),
        }
    }

    /// The checkpoint was given up.
    pub(super) fn abort(&mut self, id: CheckpointId) {
        match self {
            Intake::Queued(queued) => queued.alignment.abort(id),
            Intake::Chained(chained) => chained.barrier = chained.barrier.filter(|&barrier| barrier != id),
        }
    }

    /// Where the splits are to be read on behind the barriers of [`Mark::Aligned`], until something else has come.
    #[inline]
    pub(super) fn resume_at(&self) -> Positions {
        match self {
            Intake::Queued(queued) => queued.aligned.clone(),
            Intake::Chained(chained) => {
                let places = chained.splits.iter().map(|chain| &chain.place);
                places.map(|place| (place.split, place.position)).collect()
            }
        }
    }

    /// What comes next. Cancel safe.
    #[inline]
    pub(super) fn next(&mut self) -> Coming<'_, E::Source, impl Future<Output = Read> + Send> {
        match self {
            Intake::Queued(queued) => Coming::Queued { queued },
            Intake::Chained(chained) => match chained.splits.get(chained.turn) {
                Some(chain) if chain.place.open && chained.barrier.is_none() => {
                    let Chain { source, place } = &mut chained.splits[chained.turn];
                    Coming::Record { turn: &mut chained.turn, place, record: source.next() }
                }
                _ => Coming::Mark { chained },
            },
        }
    }
}

type Read = Result<Option<Record>, Failure>;

pin_project! {
    /// What comes next. (By hand, and polled in its place, because every record passes here: an `async fn` would be entered
    /// and left for each, and hand it on once more.)
    #[project = ComingProjection]
    pub(super) enum Coming<'a, S, F> {
        Queued { queued: &'a mut Queued },
        Record { turn: &'a mut usize, place: &'a mut Place, #[pin] record: F },
        Mark { chained: &'a mut Chained<S> },
    }
}

impl<S, F: Future<Output = Read>> Future for Coming<'_, S, F> {
    /// No step if the split whose turn it was has no more records, and when another one's turn has come for that.
    type Output = Result<Option<Step>, Failure>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ComingProjection::Queued { queued } => queued.poll_next(cx).map_ok(Some),
            ComingProjection::Record { turn, place, record } => {
                let Some(record) = ready!(record.poll(cx))? else {
                    place.open = false;
                    return Poll::Ready(Ok(None));
                };
                place.position = record.id.offset.next();
                **turn = place.after.into();
                Poll::Ready(Ok(Some(Step::Record(record))))
            }
            ComingProjection::Mark { chained } => chained.poll_mark().map(|mark| Ok(mark.map(Step::Mark))),
        }
    }
}

/// Each split is read by a task of its own, and read ahead as far as its queue holds.
pub(super) struct Queued {
    inputs: Vec<Input>,
    alignment: Alignment,
    /// Where the inputs are read on behind the barriers that were aligned last.
    aligned: Positions,
    /// Which input is asked first: the one behind that which gave the last record, so that none starves.
    turn: usize,
    /// How many inputs have records to come.
    open: usize,
}

struct Input {
    split: Split,
    items: Receiver<Item>,
    barriers: Sender<CheckpointId>,
}

impl Queued {
    fn start<E: Env>(env: &E, capacity: usize, resume_at: &[(Split, SourceOffset)]) -> Self {
        let start = |&(split, offset): &(Split, SourceOffset)| {
            let (queue, items) = channel(capacity);
            let (barriers, ordered) = channel(1);
            env.spawn(reader::read(env.source(split), offset, ordered, queue));
            Input { split, items, barriers }
        };
        Queued {
            inputs: resume_at.iter().map(start).collect(),
            alignment: Alignment::new(resume_at.len()),
            aligned: Positions::default(),
            turn: 0,
            open: resume_at.len(),
        }
    }

    fn barrier(&mut self, id: CheckpointId) {
        for input in &self.inputs {
            // A reader that has failed is gone; its failure waits in the queue and ends this task.
            let _ = input.barriers.push(id);
        }
    }

    #[inline(never)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, Failure>> {
        let count = self.inputs.len();
        for place in 0..count {
            let index = (self.turn + place) % count;
            if let Poll::Ready(step) = self.poll_input(index, cx) {
                self.turn = index + 1;
                return Poll::Ready(step);
            }
        }
        Poll::Pending
    }

    fn poll_input(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<Result<Step, Failure>> {
        while !self.alignment.blocks(index) {
            let Poll::Ready(item) = self.inputs[index].items.poll_receive(cx) else {
                break;
            };
            if let Some(step) = self.take(index, item).transpose() {
                return Poll::Ready(step);
            }
        }
        Poll::Pending
    }

    fn take(&mut self, index: usize, item: Option<Item>) -> Result<Option<Step>, Failure> {
        match item {
            Some(Item::Record(record)) => Ok(Some(Step::Record(record))),
            Some(Item::Barrier(id, position)) => Ok(self.take_barrier(index, id, position)),
            Some(Item::End) => {
                self.open -= 1;
                Ok((self.open == 0).then_some(Step::Mark(Mark::Ended)))
            }
            Some(Item::Failed(failure)) => Err(failure),
            None => Err(Failure::new(Next::AbortAndRetry, "the reader of a split has ended")),
        }
    }

    fn take_barrier(&mut self, index: usize, id: CheckpointId, position: SourceOffset) -> Option<Step> {
        match self.alignment.barrier(index, id, position) {
            Arrival::Ignored | Arrival::Waiting(None) => None,
            Arrival::Waiting(Some(older)) => Some(Step::Mark(Mark::Overtaken(older))),
            Arrival::Aligned(positions) => {
                let splits = self.inputs.iter().map(|input| input.split);
                self.aligned = splits.zip(positions).collect();
                Some(Step::Mark(Mark::Aligned(id)))
            }
        }
    }
}

/// The task reads its splits itself, one record of each in turn. A barrier stands between two records.
pub(super) struct Chained<S> {
    splits: Vec<Chain<S>>,
    turn: usize,
    barrier: Option<CheckpointId>,
    /// Whether the end of all was told.
    ended: bool,
}

struct Chain<S> {
    source: S,
    place: Place,
}

/// Where a split is read.
pub(super) struct Place {
    split: Split,
    position: SourceOffset,
    open: bool,
    /// The index of the split whose turn comes next. (There are no more splits than numbers for them.)
    after: u16,
}

impl<S: Source> Chained<S> {
    fn start<E: Env<Source = S>>(env: &E, resume_at: &[(Split, SourceOffset)]) -> Self {
        let start = |(index, &(split, position)): (usize, &(Split, SourceOffset))| {
            let mut source = env.source(split);
            source.seek(position);
            let after = if index + 1 < resume_at.len() { index + 1 } else { 0 };
            Chain { source, place: Place { split, position, open: true, after: after as u16 } }
        };
        Chained::of(resume_at.iter().enumerate().map(start).collect())
    }
}

impl<S> Chained<S> {
    fn of(splits: Vec<Chain<S>>) -> Self {
        Chained { splits, turn: 0, barrier: None, ended: false }
    }

    /// What stands where no record is read: a barrier, or, once, the end of all. Nothing if another split is read instead of
    /// that whose turn it was.
    #[cold]
    #[inline(never)]
    fn poll_mark(&mut self) -> Poll<Option<Mark>> {
        if let Some(id) = self.barrier.take() {
            return Poll::Ready(Some(Mark::Aligned(id)));
        }
        if self.pass_over() {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.ended, true) {
            return Poll::Ready(Some(Mark::Ended));
        }
        Poll::Pending
    }

    /// The split whose turn it is has no more records, and from now on gets no turn. Whether any other has some.
    fn pass_over(&mut self) -> bool {
        let mut in_turn = (self.turn..self.splits.len()).chain(0..self.turn);
        let Some(open) = in_turn.find(|&turn| self.splits[turn].place.open) else {
            return false;
        };
        for Chain { place, .. } in &mut self.splits {
            if usize::from(place.after) == self.turn {
                place.after = open as u16;
            }
        }
        self.turn = open;
        true
    }
}
