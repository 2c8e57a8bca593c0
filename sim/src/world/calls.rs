//! Requests to the broker and to the checkpoint store, on their way there and back.
//!
//! Every request can be lost, delayed, repeated, or applied with its answer lost. Who asks learns of none of
//! this: he gets an answer, or, after the request timeout, none. A request outlives the process that sent it.

use std::borrow::Cow;
use std::task::Waker;

use twophase::env::{Key, Value};
use twophase::kafka::protocol::{ErrorCode, Request, Response};

use super::broker::BrokerCondition;
use super::store::{StoreAnswer, StoreRequest};
use super::waits::WaitId;
use super::{Happening, Pid, World, touched};
use crate::event::{Actor, What};
use crate::fault::End;
use crate::seed::micros;
use crate::site::{Ask, Operation, Phase};

/// What is asked of the world outside the job.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    Broker(Request),
    Store(StoreRequest),
}

/// How a wait ends.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Broker(Response),
    Store(StoreAnswer),
    Unanswered,
    /// Of a wait for the clock or for a message.
    Woke,
}

/// A request under way.
#[derive(Clone)]
pub(super) struct Flight {
    pid: Pid,
    wait: WaitId,
    operation: Operation,
    ordinal: u32,
    errand: Errand,
    deadline: u64,
}

impl Errand {
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Errand::Broker(request) => Operation::Ask(Ask::of(request)),
            Errand::Store(StoreRequest::Read(_)) => Operation::Read,
            Errand::Store(StoreRequest::Put { .. }) => Operation::Put,
        }
    }

    fn end(&self) -> End {
        match self {
            Errand::Broker(_) => End::Broker,
            Errand::Store(_) => End::Store,
        }
    }
}

impl World {
    /// A process asks. Returns what it waits for and which request of its kind this is, or `None` if it dies
    /// over it.
    pub(crate) fn ask(&mut self, pid: Pid, errand: Errand, waker: Waker) -> Option<(WaitId, u32)> {
        let operation = errand.operation();
        let ordinal = self.lives[pid.0].count(&operation);
        self.strike(pid, &operation, ordinal, Phase::Before);
        if !self.lives[pid.0].is_alive() {
            return None;
        }
        let wait = self.waits.start(waker);
        let deadline = self.now + micros(self.schedule.timing.request_timeout);
        self.dispatch(Box::new(Flight { pid, wait, operation, ordinal, errand, deadline }));
        if !self.lives[pid.0].is_alive() {
            self.waits.forget(wait);
            return None;
        }
        Some((wait, ordinal))
    }

    fn dispatch(&mut self, flight: Box<Flight>) {
        let (there, here) = (flight.errand.end(), End::Process(self.lives[flight.pid.0].name));
        let life = self.lives[flight.pid.0].life.0;
        let timing = &self.schedule.timing;
        let (latency, store) = (timing.latency, timing.store);
        let mut arrives = self.now + self.links.delay(here, there, life, latency);
        if matches!(flight.errand, Errand::Store(StoreRequest::Put { .. })) {
            arrives += self.links.delay(there, there, life, store);
        }
        let fate = self.strike(flight.pid, &flight.operation, flight.ordinal, Phase::Sent);
        arrives += fate.delay;
        let lost = fate.lost || self.links.is_cut(here, there, self.now);
        if lost || arrives >= flight.deadline {
            self.queue.push(flight.deadline, Happening::GiveUp(flight.clone()));
        }
        if lost {
            return;
        }
        if let Some(after) = fate.again {
            self.queue.push(arrives + after, Happening::Arrive(flight.clone()));
        }
        self.queue.push(arrives, Happening::Arrive(flight));
    }

    pub(super) fn arrive(&mut self, flight: Box<Flight>) {
        let answer = match &flight.errand {
            Errand::Broker(request) => match self.apply_to_broker(flight.pid, request) {
                Some(response) => Answer::Broker(response),
                None => {
                    return self.queue.push(flight.deadline.max(self.now), Happening::GiveUp(flight));
                }
            },
            Errand::Store(request) => Answer::Store(self.apply_to_store(flight.pid, request)),
        };
        if self.lives[flight.pid.0].is_alive() {
            self.strike(flight.pid, &flight.operation, flight.ordinal, Phase::Applied);
            self.send_back(flight, answer);
        }
    }

    /// `None` while nobody is there to answer.
    fn apply_to_broker(&mut self, pid: Pid, request: &Request) -> Option<Response> {
        let refused = match self.broker {
            BrokerCondition::Up => None,
            BrokerCondition::Down { .. } => return None,
            BrokerCondition::NoCoordinator { .. } => Some(ErrorCode::NotCoordinator),
            BrokerCondition::Loading { .. } => Some(ErrorCode::CoordinatorLoadInProgress),
        };
        if let Some(error) = refused {
            return Some(refuse(request, error));
        }
        let mut effects = std::mem::take(&mut self.effects);
        let before = touched::state(&*self.log, request);
        let response = self.log.apply(self.broker_time(), request, &mut effects);
        let state = touched::state(&*self.log, request);
        let who = self.lives[pid.0].actor();
        self.emit(who, What::Applied { request, response: &response, changed: before != state, state });
        self.take_effects(effects);
        Some(response)
    }

    fn apply_to_store(&mut self, pid: Pid, request: &StoreRequest) -> StoreAnswer {
        let answer = self.store.apply(request);
        if let (StoreRequest::Put { key, value, .. }, StoreAnswer::Put(result)) = (request, &answer) {
            let (who, version) = (self.lives[pid.0].actor(), result.ok());
            let what = match (key, value) {
                (Key::Head, Value::Head(head)) => What::Put { head, version },
                _ => What::Kept { key, value, version },
            };
            self.emit(who, what);
        }
        answer
    }

    fn send_back(&mut self, flight: Box<Flight>, answer: Answer) {
        if !self.lives[flight.pid.0].is_alive() {
            return;
        }
        let (there, here) = (flight.errand.end(), End::Process(self.lives[flight.pid.0].name));
        let life = self.lives[flight.pid.0].life.0;
        let latency = self.schedule.timing.latency;
        let fate = self.strike(flight.pid, &flight.operation, flight.ordinal, Phase::Answered);
        let arrives = self.now + fate.delay + self.links.delay(there, here, life, latency);
        let lost = fate.lost || self.links.is_cut(there, here, self.now);
        if lost || arrives >= flight.deadline {
            self.queue.push(flight.deadline.max(self.now), Happening::GiveUp(flight));
        } else {
            self.queue.push(arrives, Happening::Answer(flight.wait, answer));
        }
    }

    pub(super) fn give_up(&mut self, flight: &Flight) {
        if self.waits.end(flight.wait, Answer::Unanswered) {
            let who: Actor = self.lives[flight.pid.0].actor();
            self.emit(who, What::Unanswered { operation: &flight.operation });
        }
    }

    /// How a wait ended, if it has. The answer to a request strikes first: who dies of it never sees it.
    pub(crate) fn take_answer(
        &mut self,
        pid: Pid,
        wait: WaitId,
        operation: &Operation,
        ordinal: u32,
        waker: &Waker,
    ) -> Option<Answer> {
        let answer = self.waits.poll(wait, waker)?;
        self.strike(pid, operation, ordinal, Phase::Received);
        Some(answer)
    }

    /// Nobody waits for it any longer.
    pub(crate) fn forget(&mut self, wait: WaitId) {
        self.waits.forget(wait);
    }

    /// A process waits for this many microseconds. `None` if it dies over it.
    pub(crate) fn sleep(
        &mut self,
        pid: Pid,
        span: u64,
        operation: &Operation,
        waker: Waker,
    ) -> Option<(WaitId, u32)> {
        let ordinal = self.lives[pid.0].count(operation);
        self.strike(pid, operation, ordinal, Phase::Before);
        if !self.lives[pid.0].is_alive() {
            return None;
        }
        let wait = self.waits.start(waker);
        self.queue.push(self.now + span, Happening::Wake(wait));
        Some((wait, ordinal))
    }
}

/// What a broker says that is not in charge of the id. A partition leader that cannot ask the coordinator
/// says so in its own words (reference KP-2).
fn refuse(request: &Request, error: ErrorCode) -> Response {
    match request {
        Request::InitProducerId(_) => Response::InitProducerId(Err(error)),
        Request::AddPartitions { .. } => Response::AddPartitions(Err(error)),
        Request::AddOffsets { .. } => Response::AddOffsets(Err(error)),
        Request::Produce(_) => Response::Produce(Err(ErrorCode::NotEnoughReplicas)),
        Request::EndTxn { .. } => Response::EndTxn(Err(error)),
        Request::TxnOffsetCommit { offsets, .. } => {
            Response::TxnOffsetCommit(offsets.iter().map(|(partition, _)| (*partition, Err(error))).collect())
        }
        Request::DescribeTransaction(_) => Response::DescribeTransaction(Err(error)),
        Request::ListTransactions { .. } => Response::ListTransactions(Err(error)),
        other => unreachable!("no client sends {other:?}"),
    }
}

/// The operation of sending a message with this label.
pub(super) fn send_operation(label: &'static str) -> Operation {
    Operation::Send(Cow::Borrowed(label))
}
