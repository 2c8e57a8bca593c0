//! The failures that the machine itself makes; all others come from the hooks and pass through unchanged.

use std::error::Error;
use std::fmt;

use crate::{Failure, Next};

/// An engine called a sink out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A record came while no transaction was open: before open, after the last snapshot, or after close (V1-11).
    NoTransaction,
    /// A snapshot was asked of a sink whose opening never came as far as its context.
    NotOpened,
}

/// At least one pending transaction could not be committed; this is the first that could not.
///
/// All of them were tried, and none is pending any more: asking the same sink again would do nothing and
/// look like success. The checkpoint is complete and still names them, so a restore commits them (V1-19).
#[derive(Debug)]
pub struct CommitFailed(Failure);

impl CommitFailed {
    pub(super) fn wrap(first: Failure) -> Failure {
        Failure::new(first.next(), CommitFailed(first))
    }

    /// What the first commit that failed came back with.
    pub fn first(&self) -> &Failure {
        &self.0
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        Failure::new(Next::Fatal, misuse)
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Misuse::NoTransaction => {
                "no transaction is open: the sink is not opened yet, finished, or closed"
            }
            Misuse::NotOpened => "the sink has no context: it was never opened to the end",
        })
    }
}

impl fmt::Display for CommitFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pending transaction was not committed: {}", self.0)
    }
}

impl Error for Misuse {}

impl Error for CommitFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
