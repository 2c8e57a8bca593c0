//! Requests to the broker and to the checkpoint store, on their way there and back.
//!
//! Every request can be lost, delayed, repeated, or applied with its answer lost. Who asks learns of none of
//! this: he gets an answer, or, after the request timeout, none. A request outlives the process that sent it.

use std::task::Waker;

use twophase::env::{Key, Value};
use twophase::kafka::protocol::{ErrorCode, Request, Response};

use super::broker::BrokerCondition;
use super::life::LifeState;
use super::links::Way;
use super::store::{StoreAnswer, StoreRequest};
use super::strike::Fate;
use super::touched::Mark;
use super::waits::WaitId;
use super::{Happening, Pid, World};
use crate::event::What;
use crate::fault::End;
use crate::site::{Ask, Call, Phase};
use crate::trips::{self, Kind, Trip};

/// What is asked of the world outside the job.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    Broker(Request),
    Store(StoreRequest),
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Broker(Response),
    Store(StoreAnswer),
    /// None came.
    Silence,
    /// Of a wait for the clock.
    Woke,
}

/// A request under way, and its answer. Both are large, so they travel in one box, which is used again.
#[derive(Clone)]
pub(super) struct Flight {
    pid: Pid,
    wait: WaitId,
    call: Call,
    ordinal: u32,
    deadline: u64,
    errand: Errand,
    answer: Answer,
}

/// How a wait ends.
pub(super) enum Ending {
    Answered(Box<Flight>),
    GivenUp,
    /// Of a wait for the clock, for a message or for the order to end.
    Woke,
}

impl Errand {
    fn call(&self) -> Call {
        match self {
            Errand::Broker(request) => Call::Ask(Ask::of(request)),
            Errand::Store(StoreRequest::Read(_)) => Call::Read,
            Errand::Store(StoreRequest::Put { .. }) => Call::Put,
        }
    }

    /// Who is asked.
    fn end(&self) -> End {
        match self {
            Errand::Broker(_) => End::Broker,
            Errand::Store(_) => End::Store,
        }
    }

    /// There and back.
    fn ways(&self) -> (Way, Way) {
        match self {
            Errand::Broker(_) => (Way::ToBroker, Way::FromBroker),
            Errand::Store(_) => (Way::ToStore, Way::FromStore),
        }
    }
}

impl World {
    /// A process asks. Returns what it waits for and which request this is, or `None` if it dies over it.
    pub(crate) fn ask(&mut self, pid: Pid, errand: Errand, waker: &Waker) -> Option<(WaitId, Call, u32)> {
        let call = errand.call();
        let ordinal = self.lives[pid.0].count(call);
        self.strike(pid, call, ordinal, Phase::Before);
        if !self.lives[pid.0].is_alive() {
            return None;
        }
        let wait = self.waits.start(waker);
        let deadline = self.now + self.pace.request_timeout;
        let flight = match self.spare.flights.pop() {
            None => Box::new(Flight { pid, wait, call, ordinal, deadline, errand, answer: Answer::Silence }),
            Some(mut spare) => {
                spare.errand = errand; // field by field: the whole would be moved twice
                (spare.pid, spare.wait, spare.call) = (pid, wait, call);
                (spare.ordinal, spare.deadline) = (ordinal, deadline);
                spare
            }
        };
        self.dispatch(flight);
        if !self.lives[pid.0].is_alive() {
            self.waits.forget(wait);
            return None;
        }
        Some((wait, call, ordinal))
    }

    fn dispatch(&mut self, flight: Box<Flight>) {
        let Flight { pid, call, ordinal, deadline, .. } = *flight;
        let (there, _) = flight.errand.ways();
        let mut arrives = self.now + self.delay(pid, there);
        if call == Call::Put {
            arrives += self.delay(pid, Way::InStore);
        }
        let fate = self.strike(pid, call, ordinal, Phase::Sent);
        arrives += fate.delay;
        let lost = fate.lost || self.is_cut(pid, there);
        if self.watch.history.is_some() {
            self.record_trip(Kind::Request, &flight, arrives, Fate { lost, ..fate });
        }
        if lost || arrives >= deadline {
            self.queue.push(deadline, Happening::GiveUp(flight.clone()));
        }
        if lost {
            return self.spare.flights.push(flight);
        }
        if let Some(after) = fate.again {
            self.queue.push(arrives + after, Happening::Arrive(flight.clone()));
        }
        self.queue.push(arrives, Happening::Arrive(flight));
    }

    pub(super) fn arrive(&mut self, mut flight: Box<Flight>) {
        let Flight { pid, call, ordinal, deadline, .. } = *flight;
        if let Some(history) = &mut self.watch.history {
            let LifeState { name, life, .. } = self.lives[pid.0];
            history.trips.request_arrives(self.now, (name, life), &call.into());
        }
        flight.answer = match &flight.errand {
            Errand::Broker(request) => match self.apply_to_broker(pid, request) {
                Some(response) => Answer::Broker(response),
                None => {
                    if let Some(history) = &mut self.watch.history {
                        history.trips.unserved();
                    }
                    return self.queue.push(deadline.max(self.now), Happening::GiveUp(flight));
                }
            },
            Errand::Store(request) => Answer::Store(self.apply_to_store(pid, request)),
        };
        if self.lives[pid.0].is_alive() {
            self.strike(pid, call, ordinal, Phase::Applied);
        }
        self.send_back(flight);
    }

    /// `None` while nobody is there to answer.
    #[inline(never)]
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
        let (now, before) = (self.broker_time(), Mark::of(&*self.log, request));
        let response = self.log.apply(now, request, &mut self.effects);
        let (changed, state) = before.changed(&*self.log, request);
        let who = self.lives[pid.0].actor();
        self.watch.applied(self.now, who, (request, &response), changed, state);
        self.take_effects();
        Some(response)
    }

    #[cold]
    fn apply_to_store(&mut self, pid: Pid, request: &StoreRequest) -> StoreAnswer {
        let answer = self.store.apply(request);
        if let (StoreRequest::Put { key, value, .. }, StoreAnswer::Put(result)) = (request, &answer) {
            let (who, version) = (self.lives[pid.0].actor(), result.ok());
            let what = match (key, value) {
                (Key::Head, Value::Head(head)) => What::Put { head, version },
                _ => What::Stored { key, value, version },
            };
            self.emit(who, what);
        }
        answer
    }

    fn send_back(&mut self, flight: Box<Flight>) {
        let Flight { pid, call, ordinal, deadline, .. } = *flight;
        if !self.lives[pid.0].is_alive() {
            return self.spare.flights.push(flight);
        }
        let (_, back) = flight.errand.ways();
        let fate = self.strike(pid, call, ordinal, Phase::Answered);
        let arrives = self.now + fate.delay + self.delay(pid, back);
        let lost = fate.lost || self.is_cut(pid, back);
        if self.watch.history.is_some() {
            self.record_trip(Kind::Answer, &flight, arrives, Fate { lost, ..fate });
        }
        if lost || arrives >= deadline {
            self.queue.push(deadline.max(self.now), Happening::GiveUp(flight));
        } else {
            self.queue.push(arrives, Happening::Answer(flight));
        }
    }

    /// For the recorder, if there is one.
    #[cold]
    fn record_trip(&mut self, kind: Kind, flight: &Flight, due: u64, fate: Fate) {
        let LifeState { name, life, .. } = self.lives[flight.pid.0];
        if let Some(history) = &mut self.watch.history {
            let trip = Trip {
                kind,
                by: (name, life),
                other: flight.errand.end(),
                operation: flight.call.into(),
                left: self.now,
                due,
                fate: trips::Fate { lost: fate.lost, late: fate.delay, again: false },
                from_event: history.trips.served_in().filter(|_| kind == Kind::Answer),
                arrival: None,
            };
            history.trips.departs(trip, fate.again);
        }
    }

    /// The answer reaches the process. The first one counts.
    pub(super) fn answer(&mut self, flight: Box<Flight>) {
        let (wait, answered) = (flight.wait, Ending::Answered(flight));
        if let Err(Ending::Answered(flight)) = self.waits.end(wait, answered, &mut self.woken) {
            self.spare.flights.push(flight);
        }
    }

    #[cold]
    pub(super) fn give_up(&mut self, flight: Box<Flight>) {
        if self.waits.end(flight.wait, Ending::GivenUp, &mut self.woken).is_ok() {
            let who = self.lives[flight.pid.0].actor();
            self.emit(who, What::Unanswered { operation: &flight.call.into() });
        }
        self.spare.flights.push(flight);
    }

    /// How a wait ended, if it has. The answer to a request strikes first: who dies of it never sees it.
    pub(crate) fn take_answer(
        &mut self,
        pid: Pid,
        wait: WaitId,
        call: Call,
        ordinal: u32,
        waker: &Waker,
    ) -> Option<Answer> {
        let ending = self.waits.poll(wait, waker)?;
        self.strike(pid, call, ordinal, Phase::Received);
        Some(match ending {
            Ending::Answered(mut flight) => {
                let answer = std::mem::replace(&mut flight.answer, Answer::Silence);
                self.spare.flights.push(flight);
                answer
            }
            Ending::GivenUp => Answer::Silence,
            Ending::Woke => Answer::Woke,
        })
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
        call: Call,
        waker: &Waker,
    ) -> Option<(WaitId, Call, u32)> {
        let ordinal = self.lives[pid.0].count(call);
        self.strike(pid, call, ordinal, Phase::Before);
        if !self.lives[pid.0].is_alive() {
            return None;
        }
        let wait = self.waits.start(waker);
        self.queue.push(self.now + span, Happening::Wake(wait));
        Some((wait, call, ordinal))
    }

    /// How long one way takes, this time.
    #[inline(always)]
    pub(super) fn delay(&mut self, pid: Pid, way: Way) -> u64 {
        let LifeState { name, life, .. } = self.lives[pid.0];
        let span = if way == Way::InStore { self.pace.store } else { self.pace.latency };
        self.links.delay(pid, (name, life), way, span)
    }

    /// Whether nothing gets through on it.
    #[inline]
    pub(super) fn is_cut(&self, pid: Pid, way: Way) -> bool {
        self.links.is_cut(self.lives[pid.0].name, way, self.now)
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
