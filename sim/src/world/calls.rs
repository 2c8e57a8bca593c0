//! Requests to the broker and to the checkpoint store, on their way there and back.
//!
//! Every request can be lost, delayed, repeated, or applied with its answer lost. Who asks learns of none of
//! this: he gets an answer, or, after the request timeout, none. A request outlives the process that sent it.

use std::task::Waker;

use twophase::env::{Key, Value};
use twophase::kafka::protocol::{ErrorCode, Produce, Request, Response};

use super::broker::BrokerCondition;
use super::flight::{Answer, Asks, Errand, Flight};
use super::life::{LifeState, Made};
use super::links::Way;
use super::store::{StoreAnswer, StoreRequest};
use super::strike::Fate;
use super::touched;
use super::under_way::Ticket;
use super::waits::{Asked, WaitId};
use super::{Happening, Pace, Pid, World};
use crate::event::{Actor, What};
use crate::fault::End;
use crate::log::Log;
use crate::seed::Streams;
use crate::site::{Call, Phase};
use crate::trips::{self, Kind, Trip};

/// What comes of looking whether a wait is over.
pub(crate) enum Looked {
    /// It lasts.
    Nothing,
    /// The process dies over it.
    Death,
    /// It is. If there is an answer to what was asked, it has to be taken.
    Over(Ending),
}

/// How a wait ends.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    Answered(Ticket<Flight>),
    GivenUp,
    /// Of a wait for the clock, for a message or for the order to end.
    Woke,
}

/// The way there.
#[inline(always)]
fn way_to(asked: End) -> Way {
    if asked == End::Store { Way::ToStore } else { Way::ToBroker }
}

/// The way back.
#[inline(always)]
fn way_from(asked: End) -> Way {
    if asked == End::Store { Way::FromStore } else { Way::FromBroker }
}

impl Pace {
    /// How long one way takes, this time. (Whoever has the life need not look for it once more.)
    #[inline(always)]
    pub(super) fn draw(&self, life: &mut LifeState, streams: &mut Streams, way: Way) -> u64 {
        let span = if way == Way::InStore { self.store } else { self.latency };
        life.delays.draw(streams, (life.name, life.life), way, span)
    }

    /// How long it takes until a request is served.
    #[inline(always)]
    fn draw_request(&self, life: &mut LifeState, streams: &mut Streams, (call, of): (Call, End)) -> u64 {
        let there = self.draw(life, streams, way_to(of));
        there + if call == Call::Put { self.draw(life, streams, Way::InStore) } else { 0 }
    }
}

impl World {
    /// A process asks. Returns what it waits for, or `None` if it dies over it.
    #[inline(always)]
    pub(crate) fn ask<A: Asks>(&mut self, pid: Pid, request: A) -> Option<Asked> {
        let (call, of) = (request.call(), A::OF);
        let life = &mut self.lives[pid];
        let made = life.make(call);
        if life.is_in_danger() {
            let wait = self.ask_in_danger(pid, made, request)?;
            return Some(self.waits.begun(wait));
        }
        let arrives = self.now + self.pace.draw_request(life, &mut self.streams, (call, of));
        let (asked, flight, deadline) = self.take_off(pid, made, request);
        if self.ways_are_clear && arrives < deadline {
            self.queue.push(arrives, Happening::Arrive(flight));
        } else {
            self.dispatch_in_danger((pid, made, of), flight, (arrives, deadline));
        }
        Some(asked)
    }

    /// (Nothing comes back of it but what fits into registers: else all that is made of it would stand in memory first.)
    #[inline(never)]
    fn ask_in_danger<A: Asks>(&mut self, pid: Pid, made: Made, request: A) -> Option<WaitId> {
        if !self.survives(pid, made, Phase::Before) {
            return None;
        }
        let (call, of) = (request.call(), A::OF);
        let takes = self.pace.draw_request(&mut self.lives[pid], &mut self.streams, (call, of));
        let (asked, flight, deadline) = self.take_off(pid, made, request);
        self.dispatch_in_danger((pid, made, of), flight, (self.now + takes, deadline));
        if !self.lives[pid].is_alive() {
            self.forget(asked.wait);
            return None;
        }
        Some(asked.wait)
    }

    /// A request leaves; by when there has to be an answer.
    #[inline(always)]
    fn take_off<A: Asks>(&mut self, pid: Pid, made: Made, request: A) -> (Asked, Ticket<Flight>, u64) {
        self.sent += 1;
        let (asked, deadline) = (self.waits.start(made), self.now + self.pace.request_timeout);
        let (wait, of, answer) = (asked.wait, A::OF, Answer::NONE);
        let (flight, place) = self.flights.place();
        let errand = Some(request.errand());
        *place = Some(Flight { pid, wait, made, deadline, of, errand, answer });
        (asked, flight, deadline)
    }

    /// It may not arrive, or too late, or twice.
    #[inline(never)]
    fn dispatch_in_danger(
        &mut self,
        asked: (Pid, Made, End),
        flight: Ticket<Flight>,
        (arrives, deadline): (u64, u64),
    ) {
        let (pid, made, of) = asked;
        let struck = self.lives[pid].is_in_danger().then(|| self.strike(pid, made, Phase::Sent));
        let mut fate = struck.unwrap_or_default();
        fate.lost |= self.is_cut(pid, way_to(of));
        let arrives = arrives + fate.delay;
        if self.watch.history.is_some() {
            self.record_trip(Kind::Request, asked, arrives, fate);
        }
        if fate.lost {
            return self.queue.push(deadline, Happening::GiveUp(flight));
        }
        if arrives >= deadline {
            let given_up = self.flights.put_again(flight);
            self.queue.push(deadline, Happening::GiveUp(given_up));
        }
        if let Some(after) = fate.again {
            let again = self.flights.put_again(flight);
            self.queue.push(arrives + after, Happening::Arrive(again));
        }
        self.queue.push(arrives, Happening::Arrive(flight));
    }

    /// A process makes a call, and may die over it. Else: which it is, and whether it is in danger at its later sites.
    #[inline(always)]
    pub(super) fn make(&mut self, pid: Pid, call: Call) -> Option<(Made, bool)> {
        let life = &mut self.lives[pid];
        let (made, in_danger) = (life.make(call), life.is_in_danger());
        if in_danger && !self.survives(pid, made, Phase::Before) {
            return None;
        }
        Some((made, in_danger))
    }

    #[inline(never)]
    pub(super) fn arrive(&mut self, ticket: Ticket<Flight>) {
        debug_assert_eq!(self.ways_are_clear, self.cuts.are_none() && self.watch.history.is_none());
        let is_plain = matches!(self.broker, BrokerCondition::Up) && self.ways_are_clear;
        if !is_plain && !self.is_there_to_serve(ticket) {
            return;
        }
        let flight = &mut self.flights[ticket];
        let (errand, pid, deadline) = (flight.errand.take(), flight.pid, flight.deadline);
        let life = &mut self.lives[pid];
        let (who, is_safe) = (life.actor(), self.ways_are_clear && life.is_alive() && !life.is_in_danger());
        match errand.expect("a request arrives once") {
            Errand::Broker(request) => {
                let back = is_safe.then(|| self.pace.draw(life, &mut self.streams, Way::FromBroker));
                self.apply_to_broker(who, &request, ticket);
                drop(request);
                self.send_back(ticket, back, deadline);
            }
            Errand::Store(request) => {
                let back = is_safe.then(|| self.pace.draw(life, &mut self.streams, Way::FromStore));
                self.flights[ticket].answer = Answer::Store(self.apply_to_store(who, &request));
                self.send_back(ticket, back, deadline);
            }
        }
    }

    /// Whether somebody is there to answer. The recorder, if there is one, is told.
    #[cold]
    fn is_there_to_serve(&mut self, ticket: Ticket<Flight>) -> bool {
        let Flight { pid, made, deadline, of, .. } = self.flights[ticket];
        let is_there = of == End::Store || !matches!(self.broker, BrokerCondition::Down { .. });
        if let Some(history) = &mut self.watch.history {
            let life = &self.lives[pid];
            history.trips.request_arrives(self.now, (life.name, life.life), &life.call(made).into());
            if !is_there {
                history.trips.unserved();
            }
        }
        if !is_there {
            self.queue.push(deadline.max(self.now), Happening::GiveUp(ticket));
        }
        is_there
    }

    #[inline(always)]
    fn apply_to_broker(&mut self, who: Actor, request: &Request, flight: Ticket<Flight>) {
        let refused = match self.broker {
            BrokerCondition::Up | BrokerCondition::Down { .. } => None,
            BrokerCondition::NoCoordinator { .. } => Some(ErrorCode::NotCoordinator),
            BrokerCondition::Loading { .. } => Some(ErrorCode::CoordinatorLoadInProgress),
        };
        if let Some(error) = refused {
            *self.flights[flight].answer.unanswered() = Ok(refuse(request, error));
            return;
        }
        match request {
            Request::Produce(batch) => self.write(who, (request, batch), flight),
            _ => self.coordinate(who, request, flight),
        }
    }

    /// A batch, to be appended to a partition. Records of a transaction are seen only once its marker is written.
    #[inline(always)]
    fn write(&mut self, who: Actor, (request, batch): (&Request, &Produce), flight: Ticket<Flight>) {
        let (now, partition) = (self.broker_time(), batch.partition);
        let before = self.log.log_end_offset(partition);
        let response = self.log.apply(now, request, &mut self.effects);
        let end = self.log.log_end_offset(partition);
        let (changed, state) = (end != before, touched::ends(end, self.log.last_stable_offset(partition)));
        self.watch.produced(self.now, who, (request, batch, &response), changed, state);
        let answer = self.flights[flight].answer.unanswered();
        *answer = Ok(response);
        let hides = batch.transactional && batch.producer.is_some() && self.log.is_correct();
        self.take_effects(!hides);
    }

    /// Anything else, about a transaction as a whole.
    #[inline(always)]
    fn coordinate(&mut self, who: Actor, request: &Request, flight: Ticket<Flight>) {
        let (now, before) = (self.broker_time(), self.log.changes());
        let response = self.log.apply(now, request, &mut self.effects);
        let (changed, state) = (self.log.changes() != before, touched::stored(&self.log, request));
        self.watch.applied(self.now, who, (request, &response), changed, state);
        let answer = self.flights[flight].answer.unanswered();
        *answer = Ok(response);
        self.take_effects(true);
    }

    #[cold]
    fn apply_to_store(&mut self, who: Actor, request: &StoreRequest) -> StoreAnswer {
        let answer = self.store.apply(request);
        if let (StoreRequest::Put { key, value, .. }, StoreAnswer::Put(result)) = (request, &answer) {
            let version = result.ok();
            let what = match (key, value) {
                (Key::Head, Value::Head(head)) => What::Put { head, version },
                _ => What::Stored { key, value, version },
            };
            self.emit(who, what);
        }
        answer
    }

    /// The answer leaves. How long it takes is known already, if nothing can befall it.
    #[inline(always)]
    fn send_back(&mut self, ticket: Ticket<Flight>, takes: Option<u64>, deadline: u64) {
        let Some(takes) = takes else {
            return self.send_back_in_danger(ticket);
        };
        self.sent += 1;
        let arrives = self.now + takes;
        if arrives < deadline {
            return self.queue.push(arrives, Happening::Answer(ticket));
        }
        self.queue.push(deadline.max(self.now), Happening::GiveUp(ticket));
    }

    /// It may not leave, or not arrive, or too late. It does not leave for the dead.
    #[inline(never)]
    fn send_back_in_danger(&mut self, ticket: Ticket<Flight>) {
        let Flight { pid, made, deadline, of, .. } = self.flights[ticket];
        let asked = (pid, made, of);
        if self.lives[pid].is_in_danger() && self.lives[pid].is_alive() {
            self.strike(pid, made, Phase::Applied);
        }
        if !self.lives[pid].is_alive() {
            return self.flights.end(ticket, |_| ());
        }
        let struck = self.lives[pid].is_in_danger().then(|| self.strike(pid, made, Phase::Answered));
        let mut fate = struck.unwrap_or_default();
        let arrives = self.now + fate.delay + self.delay(pid, way_from(of));
        fate.lost |= self.is_cut(pid, way_from(of));
        if self.watch.history.is_some() {
            self.record_trip(Kind::Answer, asked, arrives, fate);
        }
        if fate.lost || arrives >= deadline {
            self.queue.push(deadline.max(self.now), Happening::GiveUp(ticket));
        } else {
            self.queue.push(arrives, Happening::Answer(ticket));
        }
    }

    /// For the recorder, if there is one.
    #[cold]
    fn record_trip(&mut self, kind: Kind, (pid, made, of): (Pid, Made, End), due: u64, fate: Fate) {
        let life = &self.lives[pid];
        if let Some(history) = &mut self.watch.history {
            let trip = Trip {
                kind,
                by: (life.name, life.life),
                other: of,
                operation: life.call(made).into(),
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
    pub(super) fn answer(&mut self, ticket: Ticket<Flight>) {
        let wait = self.flights[ticket].wait;
        if self.waits.end(wait, Ending::Answered(ticket), &mut self.woken).is_err() {
            self.flights.end(ticket, |_| ());
        }
    }

    #[cold]
    pub(super) fn give_up(&mut self, ticket: Ticket<Flight>) {
        let (wait, pid, made) = self.flights.end(ticket, |flight| (flight.wait, flight.pid, flight.made));
        if self.waits.end(wait, Ending::GivenUp, &mut self.woken).is_ok() {
            let life = &self.lives[pid];
            let (who, call) = (life.actor(), life.call(made));
            self.emit(who, What::Unanswered { operation: &call.into() });
        }
    }

    /// Whether a wait is over. The answer to a request strikes first: who dies of it never sees it, and gets nothing. Of
    /// the dead no wait is ever over.
    #[inline(always)]
    pub(crate) fn look(&mut self, pid: Pid, wait: WaitId, waker: &Waker) -> Looked {
        let life = &self.lives[pid];
        let in_danger = life.is_in_danger();
        if !life.is_alive() {
            return Looked::Nothing;
        }
        let Some((ending, made)) = self.waits.poll(wait, waker) else {
            return Looked::Nothing;
        };
        if in_danger && !self.survives(pid, made, Phase::Received) {
            if let Ending::Answered(flight) = ending {
                self.flights.end(flight, |_| ());
            }
            return Looked::Death;
        }
        Looked::Over(ending)
    }

    /// The answer with which a wait is over: all of it has to be taken.
    #[inline(always)]
    pub(crate) fn take_answer<T>(
        &mut self,
        answered: Ticket<Flight>,
        take: impl FnOnce(&mut Answer) -> T,
    ) -> T {
        self.flights.end_emptied(answered, |flight| {
            debug_assert!(flight.errand.is_none(), "it is done");
            let taken = take(&mut flight.answer);
            debug_assert!(flight.answer.is_none(), "nothing is left of it");
            taken
        })
    }

    /// A process that is in danger passes a site, and lives to tell.
    #[inline(never)]
    pub(super) fn survives(&mut self, pid: Pid, made: Made, phase: Phase) -> bool {
        self.strike(pid, made, phase);
        self.lives[pid].is_alive()
    }

    /// Nobody waits for it any longer.
    pub(crate) fn forget(&mut self, wait: WaitId) {
        if let Some(Ending::Answered(flight)) = self.waits.forget(wait) {
            self.flights.end(flight, |_| ());
        }
    }

    /// A process waits for this many microseconds. `None` if it dies over it.
    pub(crate) fn sleep(&mut self, pid: Pid, span: u64, call: Call) -> Option<Asked> {
        let (made, _) = self.make(pid, call)?;
        let asked = self.waits.start(made);
        let sleep = self.sleeps.put(asked.wait);
        self.queue.push(self.now + span, Happening::Wake(sleep));
        Some(asked)
    }

    /// How long one way takes, this time, on which something leaves now.
    #[inline(always)]
    pub(super) fn delay(&mut self, pid: Pid, way: Way) -> u64 {
        self.sent += 1;
        self.pace.draw(&mut self.lives[pid], &mut self.streams, way)
    }

    /// Whether nothing gets through on it.
    #[inline(always)]
    pub(super) fn is_cut(&self, pid: Pid, way: Way) -> bool {
        !self.cuts.are_none() && self.cuts.hold(self.lives[pid].name, way, self.now)
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
