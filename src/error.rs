//! Failures, sorted by what the caller does next.

use std::error::Error;
use std::fmt;

/// The cause of a [`Failure`].
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What the caller of a failed operation does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Next {
    /// Refused before anything changed. Ask again.
    Retry,
    /// This transaction cannot be saved; abort it and send its records again.
    AbortAndRetry,
    /// A newer incarnation owns this transactional id. Stop; this process is the zombie.
    Fenced,
    /// The transaction already ended the other way. Report it; records may be lost.
    AlreadyEnded,
    /// Nothing here can repair it.
    Fatal,
    /// No answer: applied or not, nobody here can tell. Repeat the same request.
    OutcomeUnknown,
}

/// An operation failed; [`Failure::next`] says what to do, the cause says why.
///
/// Its text is a fragment that fits behind "failed to commit t0-i1-4: ".
///
/// ```
/// use twophase::{Failure, Next};
///
/// let failure = Failure::new(Next::Fenced, "epoch 1 replaced by 2");
/// assert_eq!(format!("failed to commit t0-i1-4: {failure}"), "failed to commit t0-i1-4: epoch 1 replaced by 2");
/// assert!(!failure.may_have_happened());
/// ```
pub struct Failure(Box<Reason>);

/// (Behind a pointer, because nearly every call succeeds: its result then is a pointer that is null, and not three words
/// that are handed from future to future.)
struct Reason {
    next: Next,
    cause: BoxError,
}

impl Failure {
    /// A failure with this consequence and cause.
    pub fn new(next: Next, cause: impl Into<BoxError>) -> Self {
        Failure(Box::new(Reason { next, cause: cause.into() }))
    }

    /// What the caller does next.
    pub fn next(&self) -> Next {
        self.0.next
    }

    /// Whether the operation may have taken effect all the same.
    pub fn may_have_happened(&self) -> bool {
        self.0.next == Next::OutcomeUnknown
    }

    /// The cause.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.cause
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reason { next, cause } = &*self.0;
        f.debug_struct("Failure").field("next", next).field("cause", cause).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.cause.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.source()
    }
}
