//! When a client stops repeating a request, and what it says then.

use std::fmt;

use super::class::{Class, Kind, class};
use super::protocol::ErrorCode;
use crate::{Failure, Next};

/// Why a request, and the operation it belongs to, did not come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The answer was an error that repeating does not repair.
    Refused {
        /// What was asked.
        kind: Kind,
        /// What was answered.
        code: ErrorCode,
    },
    /// The answer was "not now" for too long.
    Busy {
        /// What was asked.
        kind: Kind,
        /// What was answered last.
        code: ErrorCode,
        /// Whether an earlier one of these requests got no answer, and so may have been applied.
        doubtful: bool,
    },
    /// No answer came, several times in a row.
    Unanswered {
        /// What was asked.
        kind: Kind,
        /// How often.
        attempts: u32,
    },
    /// The answer belongs to another request.
    Mismatched {
        /// What was asked.
        kind: Kind,
    },
    /// Nothing was asked: the transaction is closed to writes.
    Closed,
}

impl Trouble {
    /// What the caller does next.
    pub fn next(&self) -> Next {
        match *self {
            Trouble::Refused { kind, code } => class(kind, code).next(),
            // as after `delivery.timeout.ms`: the batch is given up, and its transaction with it (PC-10)
            Trouble::Busy { kind: Kind::Produce, .. } => Next::AbortAndRetry,
            Trouble::Busy { doubtful: false, .. } => Next::Retry,
            Trouble::Busy { doubtful: true, .. } | Trouble::Unanswered { .. } => Next::OutcomeUnknown,
            Trouble::Mismatched { .. } | Trouble::Closed => Next::Fatal,
        }
    }

    /// Whether asking again is pointless until the transaction has been aborted, if even then.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self.next(), Next::Retry | Next::OutcomeUnknown)
    }

    /// Whether an abort repairs it.
    pub(super) fn is_abortable(&self) -> bool {
        match self.class() {
            Some(class) => class <= Class::Abortable,
            None => self.next() == Next::AbortAndRetry,
        }
    }

    /// The class of the answer, if the trouble is one.
    pub(super) fn class(&self) -> Option<Class> {
        match *self {
            Trouble::Refused { kind, code } => Some(class(kind, code)),
            _ => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused { kind, code } => write!(f, "{} was answered {code}", kind.as_str()),
            Trouble::Busy { kind, code, .. } => {
                write!(f, "{} was answered {code} for too long", kind.as_str())
            }
            Trouble::Unanswered { kind, attempts } => {
                write!(f, "{} got no answer, {attempts} times in a row", kind.as_str())
            }
            Trouble::Mismatched { kind } => {
                write!(f, "{} got an answer to another request", kind.as_str())
            }
            Trouble::Closed => f.write_str("the transaction is pre-committed, and closed to writes"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure::new(trouble.next(), trouble)
    }
}

/// How often one request is repeated. It counts; it owns no clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    attempts: u32,
    refusals: u32,
    unanswered: u32,
    refused: u32,
    doubtful: bool,
}

impl Patience {
    /// Patience for `attempts` requests in a row without an answer, and for `refusals` that say "not now".
    pub(super) fn new(attempts: u32, refusals: u32) -> Self {
        Patience { attempts, refusals, unanswered: 0, refused: 0, doubtful: false }
    }

    /// Another request begins.
    #[inline]
    pub(super) fn renew(&mut self) {
        (self.unanswered, self.refused, self.doubtful) = (0, 0, false);
    }

    /// No answer came; `Ok` if the request is to be sent again.
    pub(super) fn unanswered(&mut self, kind: Kind) -> Result<(), Trouble> {
        self.doubtful = true;
        self.unanswered += 1;
        if self.unanswered < self.attempts {
            return Ok(());
        }
        let attempts = std::mem::take(&mut self.unanswered);
        Err(Trouble::Unanswered { kind, attempts })
    }

    /// The answer was "not now"; `Ok` if the request is to be sent again after a wait.
    pub(super) fn refused(&mut self, kind: Kind, code: ErrorCode) -> Result<(), Trouble> {
        self.unanswered = 0;
        self.refused += 1;
        if self.refused < self.refusals {
            return Ok(());
        }
        self.refused = 0;
        Err(Trouble::Busy { kind, code, doubtful: self.doubtful })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::Marker;

    const END: Kind = Kind::EndTxn(Marker::Commit);

    #[test]
    fn silence_is_borne_only_so_often_in_a_row() {
        let mut patience = Patience::new(2, 10);
        assert!(patience.unanswered(END).is_ok());
        assert!(patience.refused(END, ErrorCode::ConcurrentTransactions).is_ok()); // an answer: no longer in a row
        assert!(patience.unanswered(END).is_ok());
        let trouble = patience.unanswered(END).unwrap_err();
        assert_eq!(trouble.next(), Next::OutcomeUnknown);
        assert_eq!(trouble.to_string(), "EndTxn(commit) got no answer, 2 times in a row");
    }

    #[test]
    fn not_now_after_silence_leaves_the_outcome_open() {
        let mut patience = Patience::new(3, 1);
        assert!(patience.unanswered(END).is_ok());
        let trouble = patience.refused(END, ErrorCode::ConcurrentTransactions).unwrap_err();
        assert_eq!(trouble.next(), Next::OutcomeUnknown);
    }

    #[test]
    fn not_now_without_silence_changed_nothing() {
        let trouble = Patience::new(3, 1).refused(END, ErrorCode::NotCoordinator).unwrap_err();
        assert_eq!(trouble.next(), Next::Retry);
    }

    #[test]
    fn a_batch_that_was_refused_for_too_long_gives_up_its_transaction() {
        let trouble = Patience::new(3, 1).refused(Kind::Produce, ErrorCode::NotEnoughReplicas).unwrap_err();
        assert_eq!(trouble.next(), Next::AbortAndRetry);
    }
}
