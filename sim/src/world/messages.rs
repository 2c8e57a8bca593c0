//! Messages between the processes of the job. They may be lost, delayed, repeated, and overtake each other,
//! also on one link; each of their delays is drawn from the stream of the link.

use std::task::Waker;

use twophase::env::Envelope;
use twophase::{Address, Life, ShortBytes};

use super::calls::Ending;
use super::life::{LifeState, Made};
use super::links::Way;
use super::strike::Fate;
use super::under_way::Ticket;
use super::waits::WaitId;
use super::{Happening, Pid, World};
use crate::fault::End;
use crate::site::{Call, Name, Phase};
use crate::trips::{self, Kind, Trip};

/// A message under way.
#[derive(Clone)]
pub(crate) struct Parcel {
    /// Which of all things that were sent.
    message: u64,
    to: Address,
    label: &'static str,
    envelope: Envelope,
}

impl World {
    /// A process hands a message to the network. Whether it lives to know.
    pub(crate) fn send(&mut self, pid: Pid, to: Address, label: &'static str, body: ShortBytes) -> bool {
        let call = Call::Send(label);
        let Some((made, in_danger)) = self.make(pid, call) else {
            return false;
        };
        let life = &mut self.lives[pid];
        let from = Address { role: life.name.role, index: life.name.index, life: Some(life.life) };
        self.watch.sent(self.now, life.actor(), Name::from(to), label, &body);
        let arrives = self.now + self.pace.draw(life, &mut self.streams, Way::To(Name::from(to)));
        self.sent += 1;
        let (parcel, place) = self.parcels.place();
        *place = Some(Parcel { message: self.sent, to, label, envelope: Envelope { from, body } });
        if self.ways_are_clear && !in_danger {
            self.queue.push(arrives, Happening::Deliver(parcel));
            return true;
        }
        self.send_in_danger(pid, made, (to, label), parcel, arrives);
        self.lives[pid].is_alive()
    }

    /// It may not arrive, or later, or twice.
    #[inline(never)]
    fn send_in_danger(
        &mut self,
        pid: Pid,
        made: Made,
        (to, label): (Address, &'static str),
        parcel: Ticket<Parcel>,
        arrives: u64,
    ) {
        let struck = self.lives[pid].is_in_danger().then(|| self.strike(pid, made, Phase::Sent));
        let mut fate = struck.unwrap_or_default();
        fate.lost |= self.is_cut(pid, Way::To(Name::from(to)));
        let arrives = arrives + fate.delay;
        if self.watch.history.is_some() {
            let LifeState { name, life, .. } = self.lives[pid];
            self.record_message((name, life), to, label, arrives, fate);
        }
        if fate.lost {
            return self.parcels.end(parcel, |_| ());
        }
        if let Some(after) = fate.again {
            let again = self.parcels.put_again(parcel);
            self.queue.push(arrives + after, Happening::Deliver(again));
        }
        self.queue.push(arrives, Happening::Deliver(parcel));
    }

    /// For the recorder, if there is one.
    #[cold]
    fn record_message(
        &mut self,
        by: (Name, Life),
        to: Address,
        label: &'static str,
        due: u64,
        Fate { lost, delay, again }: Fate,
    ) {
        if let Some(history) = &mut self.watch.history {
            let trip = Trip {
                kind: Kind::Message,
                by,
                other: End::Process(Name::from(to)),
                operation: Call::Send(label).into(),
                left: self.now,
                due,
                fate: trips::Fate { lost, late: delay, again: false },
                from_event: history.sent(),
                arrival: None,
            };
            history.trips.departs(trip, again);
        }
    }

    /// It arrives at the life it was sent to, or at whichever is the newest by now.
    #[inline(never)]
    pub(super) fn deliver(&mut self, ticket: Ticket<Parcel>) {
        let Parcel { message, to, label, envelope } = &self.parcels[ticket];
        let name = Name::from(*to);
        let receiver = match to.life {
            None => self.lives.newest(name),
            Some(life) => self.lives.find(name, life),
        };
        let Some(to) = receiver.filter(|to| self.lives[*to].is_alive()) else {
            return self.parcels.end(ticket, |_| ());
        };
        let (from, receiver) = (Name::from(envelope.from), &mut self.lives[to]);
        self.watch.delivered(self.now, receiver.actor(), *message, from, (label, &envelope.body));
        if let Some(history) = &mut self.watch.history {
            let (event, by) = (history.newest(), (from, envelope.from.life));
            history.trips.message_arrives(self.now, by, (name, receiver.life), label, event);
        }
        receiver.mailbox.push(ticket);
        if let Some(wait) = receiver.receiving {
            let _ = self.waits.end(wait, Ending::Woke, &mut self.woken); // it may know already that something has come
        }
    }

    /// The next message for a process. It stays in the mailbox until it is taken, so a dropped wait loses none.
    #[inline(always)]
    pub(crate) fn receive(&mut self, pid: Pid, waker: &Waker) -> Received {
        let life = &mut self.lives[pid];
        let Some(parcel) = life.take_message() else {
            let wait = self.waits.go_on(life.receiving, waker);
            life.receiving = Some(wait);
            return Received::Nothing(wait);
        };
        let made = life.make(Call::Receive);
        if life.is_in_danger() && !self.survives(pid, made, Phase::Received) {
            self.parcels.end(parcel, |_| ());
            return Received::Death;
        }
        Received::Message(parcel)
    }

    /// What was in a parcel that has been received.
    #[inline(always)]
    pub(crate) fn open(&mut self, parcel: Ticket<Parcel>) -> Envelope {
        self.parcels.take(parcel).envelope
    }
}

/// What comes of looking into the mailbox.
pub(crate) enum Received {
    /// This has come. It has to be opened.
    Message(Ticket<Parcel>),
    /// This wait ends with the next one.
    Nothing(WaitId),
    /// The process dies over it.
    Death,
}
