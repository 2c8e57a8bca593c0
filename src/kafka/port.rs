//! The request port between the client and a cluster.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::protocol::{Request, Response};

/// No answer came within the request timeout: applied, not applied, or still on its way, nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer within the request timeout")
    }
}

impl std::error::Error for Unanswered {}

/// Carries one request to whichever broker it concerns, and its answer back.
///
/// Does not promise that an unanswered request was not applied, or will not be applied later.
pub trait Port: Clone + Send + Sync + 'static {
    /// Sends `request` and waits for the answer, at most for the request timeout. Whoever asks keeps the request, to
    /// send it again, and writes the next one over it if nobody else has kept it.
    fn call(&self, request: &Arc<Request>) -> impl Future<Output = Result<Response, Unanswered>> + Send;
}
