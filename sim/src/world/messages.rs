//! Messages between the processes of the job. They may be lost, delayed, repeated, and overtake each other,
//! also on one link; each of their delays is drawn from the stream of the link.

use std::task::Waker;

use twophase::env::Envelope;
use twophase::{Address, ShortBytes};

use super::calls::Ending;
use super::life::LifeState;
use super::links::Way;
use super::strike::Fate;
use super::waits::WaitId;
use super::{Happening, Pid, World};
use crate::fault::End;
use crate::site::{Call, Name, Phase};
use crate::trips::{self, Kind, Trip};

/// A message under way.
#[derive(Clone)]
pub(super) struct Parcel {
    to: Address,
    label: &'static str,
    /// Taken when it arrives.
    envelope: Option<Envelope>,
}

impl World {
    /// A process hands a message to the network. Whether it lives to know.
    pub(crate) fn send(&mut self, pid: Pid, to: Address, label: &'static str, body: ShortBytes) -> bool {
        let call = Call::Send(label);
        let Some((made, in_danger)) = self.make(pid, call) else {
            return false;
        };
        let who = self.lives[pid.0].actor();
        self.watch.sent(self.now, who, Name::from(to), label, &body);
        let LifeState { name: from, life, .. } = self.lives[pid.0];
        let way = Way::To(Name::from(to));
        let delay = self.delay(pid, way);
        let fate = if in_danger { self.strike(pid, made, Phase::Sent) } else { Fate::default() };
        let lost = fate.lost || self.is_cut(pid, way);
        if let Some(history) = &mut self.watch.history {
            let trip = Trip {
                kind: Kind::Message,
                by: (from, life),
                other: End::Process(Name::from(to)),
                operation: call.into(),
                left: self.now,
                due: self.now + delay + fate.delay,
                fate: trips::Fate { lost, late: fate.delay, again: false },
                from_event: history.sent(),
                arrival: None,
            };
            history.trips.departs(trip, fate.again);
        }
        let is_alive = !in_danger || self.lives[pid.0].is_alive();
        if lost {
            return is_alive;
        }
        let from = Address { role: from.role, index: from.index, life: Some(life) };
        let parcel = Parcel { to, label, envelope: Some(Envelope { from, body }) };
        let parcel = match self.spare.parcels.pop() {
            None => Box::new(parcel),
            Some(mut spare) => {
                *spare = parcel;
                spare
            }
        };
        let arrives = self.now + delay + fate.delay;
        if let Some(after) = fate.again {
            self.queue.push(arrives + after, Happening::Deliver(parcel.clone()));
        }
        self.queue.push(arrives, Happening::Deliver(parcel));
        is_alive
    }

    /// It arrives at the life it was sent to, or at whichever is the newest by now.
    pub(super) fn deliver(&mut self, mut parcel: Box<Parcel>) {
        let name = Name::from(parcel.to);
        let to = match parcel.to.life {
            None => self.current.get(&name).copied(),
            Some(life) => {
                self.lives.iter().position(|state| state.name == name && state.life == life).map(Pid)
            }
        };
        let (envelope, label) = (parcel.envelope.take(), parcel.label);
        self.spare.parcels.push(parcel);
        let Some((to, envelope)) = to.filter(|to| self.lives[to.0].is_alive()).zip(envelope) else {
            return;
        };
        let who = self.lives[to.0].actor();
        let from = Name::from(envelope.from);
        self.watch.delivered(self.now, who, from, label, &envelope.body);
        if let Some(history) = &mut self.watch.history {
            let (event, receiver) = (history.newest(), (name, self.lives[to.0].life));
            let by = (from, envelope.from.life);
            history.trips.message_arrives(self.now, by, receiver, label, event);
        }
        self.lives[to.0].mailbox.push_back(envelope);
        if let Some(wait) = self.lives[to.0].receiving {
            let _ = self.waits.end(wait, Ending::Woke, &mut self.woken); // it may know already that something has come
        }
    }

    /// The next message for a process. It stays in the mailbox until it is taken, so a dropped wait loses none.
    #[inline(always)]
    pub(crate) fn receive(&mut self, pid: Pid, waker: &Waker) -> Received {
        let life = &mut self.lives[pid.0];
        let Some(envelope) = life.mailbox.pop_front() else {
            let lasts = life.receiving.filter(|wait| self.waits.poll(*wait, waker).is_none());
            let wait = lasts.unwrap_or_else(|| self.waits.start_for(waker));
            life.receiving = Some(wait);
            return Received::Nothing(wait);
        };
        let made = life.make(Call::Receive);
        if life.is_in_danger() && !self.survives(pid, made, Phase::Received) {
            return Received::Death;
        }
        Received::Message(envelope)
    }
}

/// What comes of looking into the mailbox.
pub(crate) enum Received {
    Message(Envelope),
    /// This wait ends with the next one.
    Nothing(WaitId),
    /// The process dies over it.
    Death,
}
