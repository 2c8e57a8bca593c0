//! What the players and the frame agree on.

/// A schedule asks for an operation that its player does not know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotCovered(pub(crate) String);
