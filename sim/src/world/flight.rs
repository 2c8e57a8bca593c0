//! A request under way, and then its answer: what each of them is, and nothing of what befalls it.

use std::sync::Arc;

use twophase::kafka::Unanswered;
use twophase::kafka::protocol::{Request, Response};

use super::Pid;
use super::life::Made;
use super::store::{StoreAnswer, StoreRequest};
use super::waits::WaitId;
use crate::fault::End;
use crate::site::{Ask, Call};

/// What is asked of the world outside the job.
pub(crate) trait Asks {
    /// Who is asked.
    const OF: End;

    /// As which call it counts.
    fn call(&self) -> Call;

    /// It leaves.
    fn errand(self) -> Errand;
}

/// The same, on its way. (It becomes one only when it leaves: as long as it is the one or the other, it is a pointer.)
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    Broker(Arc<Request>),
    Store(Box<StoreRequest>),
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Just as whoever asked is told, so that it is copied to him and not taken apart.
    Broker(Result<Response, Unanswered>),
    Store(StoreAnswer),
}

/// A request under way, and then its answer.
#[derive(Clone)]
pub(crate) struct Flight {
    pub(super) pid: Pid,
    pub(super) wait: WaitId,
    pub(super) made: Made,
    pub(super) deadline: u64,
    /// Who is asked.
    pub(super) of: End,
    /// Until it is done: from then on whoever asked can use his request again.
    pub(super) errand: Option<Errand>,
    pub(super) answer: Answer,
}

impl Asks for Arc<Request> {
    const OF: End = End::Broker;

    #[inline]
    fn call(&self) -> Call {
        Call::Ask(Ask::of(self))
    }

    #[inline]
    fn errand(self) -> Errand {
        Errand::Broker(self)
    }
}

impl Asks for Box<StoreRequest> {
    const OF: End = End::Store;

    fn call(&self) -> Call {
        match **self {
            StoreRequest::Read(_) => Call::Read,
            StoreRequest::Put { .. } => Call::Put,
        }
    }

    fn errand(self) -> Errand {
        Errand::Store(self)
    }
}

impl Answer {
    /// None yet.
    pub(super) const NONE: Answer = Answer::Broker(Err(Unanswered));

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Answer::Broker(Err(Unanswered)))
    }

    /// Where the broker's goes, of which there is none yet: so there is nothing to be dropped.
    #[inline(always)]
    pub(super) fn unanswered(&mut self) -> &mut Result<Response, Unanswered> {
        match self {
            Answer::Broker(none @ Err(Unanswered)) => none,
            _ => unreachable!("a request is answered once"),
        }
    }

    /// What the broker said.
    #[inline(always)]
    pub(crate) fn take_response(&mut self) -> Result<Response, Unanswered> {
        match self {
            Answer::Broker(response) => std::mem::replace(response, Err(Unanswered)),
            Answer::Store(_) => unreachable!("the broker was asked"),
        }
    }

    /// What the store said.
    pub(crate) fn take_stored(&mut self) -> Option<StoreAnswer> {
        match std::mem::replace(self, Answer::NONE) {
            Answer::Store(answer) => Some(answer),
            Answer::Broker(_) => None,
        }
    }
}
