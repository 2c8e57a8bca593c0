//! The last batches of one producer: what a repeated request is recognised by.

use twophase::kafka::protocol::{LogOffset, Sequence};

/// How many batches are remembered; Kafka allows a client as many unanswered requests
/// (`max.in.flight.requests.per.connection`).
const REMEMBERED: usize = 5;

/// The sequences of one batch, and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Sequence,
    pub(super) last: Sequence,
    pub(super) base: LogOffset,
}

/// The sequence that lies `steps` behind `from`; 0 follows `i32::MAX`.
pub(super) fn advance(from: Sequence, steps: usize) -> Sequence {
    const NUMBERS: i64 = i32::MAX as i64 + 1;
    let number = i64::from(from.0) + steps as i64;
    Sequence(if number < NUMBERS { number } else { number % NUMBERS } as i32)
}

/// The last batches. A ring: nothing is moved when one comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    spans: [Option<Span>; REMEMBERED],
    /// Where the last one stands; the oldest one is behind it.
    last: usize,
    /// With which sequence the next one starts. The first one of an epoch starts at 0.
    next: Sequence,
}

impl Default for Recent {
    fn default() -> Self {
        Recent { spans: [None; REMEMBERED], last: 0, next: Sequence(0) }
    }
}

impl Recent {
    pub(super) fn last(&self) -> Option<Span> {
        self.spans[self.last]
    }

    pub(super) fn push(&mut self, span: Span) {
        self.last = if self.last + 1 < REMEMBERED { self.last + 1 } else { 0 };
        self.spans[self.last] = Some(span);
        self.next = advance(span.last, 1);
    }

    /// Where exactly this batch was written. A part of a batch is not a repeat of it.
    pub(super) fn position(&self, first: Sequence, last: Sequence) -> Option<LogOffset> {
        let (newer, older) = self.spans.split_at(self.last + 1);
        let oldest_first = older.iter().chain(newer);
        let same = |span: &&Span| span.first == first && span.last == last;
        oldest_first.flatten().find(same).map(|span| span.base)
    }

    /// Whether a batch that starts at `first` comes next.
    pub(super) fn is_followed_by(&self, first: Sequence) -> bool {
        first == self.next
    }

    pub(super) fn keep_last(&mut self) {
        *self = self.last().map_or(Recent::default(), |last| {
            let mut kept = Recent::default();
            kept.push(last);
            kept
        });
    }
}
