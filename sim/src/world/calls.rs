//! Requests to the broker and to the checkpoint store, on their way there and back.
//!
//! Every request can be lost, delayed, repeated, or applied with its answer lost. Who asks learns of none of
//! this: he gets an answer, or, after the request timeout, none. A request outlives the process that sent it.

use std::sync::Arc;
use std::task::{Poll, Waker};

use twophase::env::{Key, Value};
use twophase::kafka::protocol::{ErrorCode, Request, Response};

use super::broker::BrokerCondition;
use super::life::Made;
use super::links::Way;
use super::store::{StoreAnswer, StoreRequest};
use super::strike::Fate;
use super::touched::Mark;
use super::waits::{Asked, WaitId};
use super::{Happening, Pid, World};
use crate::event::What;
use crate::fault::End;
use crate::log::Log;
use crate::site::{Ask, Call, Phase};
use crate::trips::{self, Kind, Trip};

/// What is asked of the world outside the job.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    Broker(Arc<Request>),
    Store(StoreRequest),
    /// It is done, and whoever asked can use his request again.
    Done,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Broker(Response),
    Store(Box<StoreAnswer>),
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
    made: Made,
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
    #[inline]
    fn call(&self) -> Call {
        match self {
            Errand::Broker(request) => Call::Ask(Ask::of(request)),
            Errand::Store(StoreRequest::Read(_)) => Call::Read,
            Errand::Store(StoreRequest::Put { .. }) => Call::Put,
            Errand::Done => unreachable!("nobody asks for what is done"),
        }
    }

    /// Who is asked.
    fn end(&self) -> End {
        match self {
            Errand::Store(_) => End::Store,
            Errand::Broker(_) | Errand::Done => End::Broker,
        }
    }

    /// There and back.
    #[inline]
    fn ways(&self) -> (Way, Way) {
        match self {
            Errand::Store(_) => (Way::ToStore, Way::FromStore),
            Errand::Broker(_) | Errand::Done => (Way::ToBroker, Way::FromBroker),
        }
    }
}

impl World {
    /// A process asks. Returns what it waits for, or `None` if it dies over it.
    #[inline(always)]
    pub(crate) fn ask(&mut self, pid: Pid, errand: Errand) -> Option<Asked> {
        let (made, in_danger) = self.make(pid, errand.call())?;
        let (asked, deadline) = (self.waits.start(made), self.now + self.pace.request_timeout);
        let wait = asked.wait;
        let flight = match self.spare.flights.pop() {
            None => Box::new(Flight { pid, wait, made, deadline, errand, answer: Answer::Silence }),
            Some(mut spare) => {
                spare.errand = errand; // field by field: the whole would be moved twice
                (spare.pid, spare.wait, spare.made, spare.deadline) = (pid, wait, made, deadline);
                spare
            }
        };
        self.dispatch(flight, in_danger);
        if in_danger && !self.lives[pid.0].is_alive() {
            self.waits.forget(wait);
            return None;
        }
        Some(asked)
    }

    /// A process makes a call, and may die over it. Else: which it is, and whether it is in danger at its later sites.
    #[inline(always)]
    pub(super) fn make(&mut self, pid: Pid, call: Call) -> Option<(Made, bool)> {
        let life = &mut self.lives[pid.0];
        let (made, in_danger) = (life.make(call), life.is_in_danger());
        if in_danger && !self.survives(pid, made, Phase::Before) {
            return None;
        }
        Some((made, in_danger))
    }

    #[inline(always)]
    fn dispatch(&mut self, flight: Box<Flight>, in_danger: bool) {
        let Flight { pid, made, deadline, .. } = *flight;
        let (there, _) = flight.errand.ways();
        let mut arrives = self.now + self.delay(pid, there);
        if let Errand::Store(StoreRequest::Put { .. }) = flight.errand {
            arrives += self.delay(pid, Way::InStore);
        }
        let fate = if in_danger { self.strike(pid, made, Phase::Sent) } else { Fate::default() };
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
        let Flight { pid, made, errand, answer, .. } = &mut *flight;
        let (pid, made) = (*pid, *made);
        if let Some(history) = &mut self.watch.history {
            let life = &self.lives[pid.0];
            history.trips.request_arrives(self.now, (life.name, life.life), &life.call(made).into());
        }
        match errand {
            Errand::Broker(_) if self.is_broker_away() => {
                if let Some(history) = &mut self.watch.history {
                    history.trips.unserved();
                }
                return self.queue.push(flight.deadline.max(self.now), Happening::GiveUp(flight));
            }
            Errand::Broker(request) => self.apply_to_broker(pid, request, answer),
            Errand::Store(request) => *answer = Answer::Store(Box::new(self.apply_to_store(pid, request))),
            Errand::Done => unreachable!("what is done is not under way"),
        }
        let life = &self.lives[pid.0];
        if life.is_in_danger() && life.is_alive() {
            self.strike(pid, made, Phase::Applied);
        }
        self.send_back(flight);
    }

    /// Nobody is there to answer.
    #[inline]
    fn is_broker_away(&self) -> bool {
        matches!(self.broker, BrokerCondition::Down { .. })
    }

    #[inline(always)]
    fn apply_to_broker(&mut self, pid: Pid, request: &Request, answer: &mut Answer) {
        let refused = match self.broker {
            BrokerCondition::Up | BrokerCondition::Down { .. } => None,
            BrokerCondition::NoCoordinator { .. } => Some(ErrorCode::NotCoordinator),
            BrokerCondition::Loading { .. } => Some(ErrorCode::CoordinatorLoadInProgress),
        };
        if let Some(error) = refused {
            *answer = Answer::Broker(refuse(request, error));
            return;
        }
        let (now, before) = (self.broker_time(), Mark::of(&self.log, request));
        let response = self.log.apply(now, request, &mut self.effects);
        let (changed, state) = before.changed(&self.log, request);
        let who = self.lives[pid.0].actor();
        self.watch.applied(self.now, who, (request, &response), changed, state);
        *answer = Answer::Broker(response);
        self.take_effects();
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

    #[inline(always)]
    fn send_back(&mut self, flight: Box<Flight>) {
        let Flight { pid, made, deadline, .. } = *flight;
        let life = &self.lives[pid.0];
        if !life.is_alive() {
            return self.spare.flights.push(flight);
        }
        let (_, back) = flight.errand.ways();
        let fate =
            if life.is_in_danger() { self.strike(pid, made, Phase::Answered) } else { Fate::default() };
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
        let life = &self.lives[flight.pid.0];
        if let Some(history) = &mut self.watch.history {
            let trip = Trip {
                kind,
                by: (life.name, life.life),
                other: flight.errand.end(),
                operation: life.call(flight.made).into(),
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
            let life = &self.lives[flight.pid.0];
            let (who, call) = (life.actor(), life.call(flight.made));
            self.emit(who, What::Unanswered { operation: &call.into() });
        }
        self.spare.flights.push(flight);
    }

    /// How a wait ended, as `read` from what came, if it has. The answer to a request strikes first: who dies of it
    /// never sees it, and gets nothing.
    #[inline(always)]
    pub(crate) fn take_answer<T>(
        &mut self,
        pid: Pid,
        wait: WaitId,
        waker: &Waker,
        read: impl FnOnce(Answer) -> T,
    ) -> Poll<Option<T>> {
        let Some((ending, made)) = self.waits.poll(wait, waker) else {
            return Poll::Pending;
        };
        if self.lives[pid.0].is_in_danger() && !self.survives(pid, made, Phase::Received) {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ending {
            Ending::Answered(mut flight) => {
                flight.errand = Errand::Done;
                let read = read(std::mem::replace(&mut flight.answer, Answer::Silence));
                self.spare.flights.push(flight);
                read
            }
            Ending::GivenUp => read(Answer::Silence),
            Ending::Woke => read(Answer::Woke),
        }))
    }

    /// A process that is in danger passes a site, and lives to tell.
    #[inline(never)]
    pub(super) fn survives(&mut self, pid: Pid, made: Made, phase: Phase) -> bool {
        self.strike(pid, made, phase);
        self.lives[pid.0].is_alive()
    }

    /// Nobody waits for it any longer.
    pub(crate) fn forget(&mut self, wait: WaitId) {
        self.waits.forget(wait);
    }

    /// A process waits for this many microseconds. `None` if it dies over it.
    pub(crate) fn sleep(&mut self, pid: Pid, span: u64, call: Call) -> Option<Asked> {
        let (made, _) = self.make(pid, call)?;
        let asked = self.waits.start(made);
        self.queue.push(self.now + span, Happening::Wake(asked.wait));
        Some(asked)
    }

    /// How long one way takes, this time.
    #[inline(always)]
    pub(super) fn delay(&mut self, pid: Pid, way: Way) -> u64 {
        let is_in_store = way == Way::InStore;
        self.sent += u64::from(!is_in_store);
        let span = if is_in_store { self.pace.store } else { self.pace.latency };
        let life = &mut self.lives[pid.0];
        life.delays.draw(&mut self.streams, (life.name, life.life), way, span)
    }

    /// Whether nothing gets through on it.
    #[inline(always)]
    pub(super) fn is_cut(&self, pid: Pid, way: Way) -> bool {
        !self.cuts.are_none() && self.cuts.hold(self.lives[pid.0].name, way, self.now)
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
