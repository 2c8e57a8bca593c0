//! The input, as a process reads it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use twophase::env::Source;
use twophase::{Failure, Payload, Record, RecordId, SourceOffset, Split};

use super::Access;
use crate::site::Call;
use crate::world::{Asked, Looked};

/// A split of the input.
#[derive(Debug)]
pub struct SimSource {
    access: Access,
    split: Split,
    position: u64,
    /// When the next record is there. A call that is dropped does not begin to wait anew.
    due: Option<u64>,
}

impl SimSource {
    pub(super) fn new(access: Access, split: Split) -> Self {
        SimSource { access, split, position: 0, due: None }
    }

    /// The next record if it is there, or how long until it is, in microseconds. Nothing for the dead.
    #[inline(always)]
    fn look(&mut self) -> Look {
        let SimSource { access, split, position, due } = self;
        let Some(mut world) = access.enter() else {
            return Look::Dead;
        };
        let Some(payload) = world.record(usize::from(split.0), *position) else {
            return Look::Ended;
        };
        let now = world.now();
        let due = match *due {
            Some(due) => due,
            None => *due.insert(now + world.source_delay(access.pid, split.0)),
        };
        match due.saturating_sub(now) {
            0 => Look::Here(payload),
            left => Look::Later(left),
        }
    }

    /// The record has been read: the next one is the next.
    #[inline(always)]
    fn pass(&mut self, payload: Payload) -> Record {
        let id = RecordId { split: self.split, offset: SourceOffset(self.position) };
        self.due = None;
        self.position += 1;
        Record { id, payload }
    }
}

/// What comes of reading.
type Read = Result<Option<Record>, Failure>;

/// What there is to read.
enum Look {
    Here(Payload),
    Later(u64),
    Ended,
    Dead,
}

impl Source for SimSource {
    fn seek(&mut self, offset: SourceOffset) {
        (self.position, self.due) = (offset.0, None);
    }

    fn next(&mut self) -> impl Future<Output = Read> + Send {
        Reading { source: self, step: Step::Begin }
    }
}

/// One record being read.
struct Reading<'a> {
    source: &'a mut SimSource,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Begin,
    /// It is not there yet.
    Wait(Asked),
    /// The process has died.
    Inert,
}

impl Reading<'_> {
    #[inline(always)]
    fn read(&mut self) -> Poll<Read> {
        match self.source.look() {
            Look::Here(payload) => Poll::Ready(Ok(Some(self.source.pass(payload)))),
            Look::Ended => Poll::Ready(Ok(None)),
            Look::Later(left) => {
                self.step = self.sleep(left);
                Poll::Pending
            }
            Look::Dead => {
                self.step = Step::Inert;
                Poll::Pending
            }
        }
    }

    #[cold]
    fn sleep(&self, left: u64) -> Step {
        let access = self.source.access;
        let asked = access.alive(|world| world.sleep(access.pid, left, Call::Next));
        asked.flatten().map_or(Step::Inert, Step::Wait)
    }

    /// Whether the record is there now. (Not the record itself: what a call has written into memory would be taken from
    /// there for all of them.)
    #[cold]
    fn is_due(&mut self, asked: Asked, cx: &Context<'_>) -> bool {
        if asked.is_undisturbed(cx) {
            return false;
        }
        let access = self.source.access;
        let Some(mut world) = access.enter() else {
            return false;
        };
        let looked = world.look(access.pid, asked.wait, cx.waker());
        self.step = match looked {
            Looked::Nothing => Step::Wait(asked.by(cx.waker())),
            Looked::Death | Looked::Over(_) => Step::Inert,
        };
        matches!(looked, Looked::Over(_))
    }
}

impl Future for Reading<'_> {
    type Output = Read;

    #[inline(always)] // a record is large, and would be moved to be handed over
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Read> {
        let is_due = match self.step {
            Step::Begin => true,
            Step::Wait(asked) => self.is_due(asked, cx),
            Step::Inert => false,
        };
        if is_due { self.read() } else { Poll::Pending }
    }
}

impl Drop for Reading<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Step::Wait(asked) = self.step {
            self.source.access.world(|world| world.forget(asked.wait));
        }
    }
}
