//! Messages between the processes of the job. They may be lost, delayed, repeated, and overtake each other,
//! also on one link; each of their delays is drawn from the stream of the link.

use std::task::{Context, Poll};

use bytes::Bytes;
use twophase::Address;
use twophase::env::Envelope;

use super::calls::{Answer, send_operation};
use super::{Happening, Pid, World};
use crate::event::What;
use crate::fault::End;
use crate::site::{Name, Operation, Phase};

/// A message under way.
#[derive(Clone)]
pub(super) struct Parcel {
    to: Address,
    label: &'static str,
    envelope: Envelope,
}

impl World {
    /// A process hands a message to the network. It may die before or after that; `is_alive` tells.
    pub(crate) fn send(&mut self, pid: Pid, to: Address, label: &'static str, body: Bytes) {
        let operation = send_operation(label);
        let ordinal = self.lives[pid.0].count(&operation);
        self.strike(pid, &operation, ordinal, Phase::Before);
        if !self.lives[pid.0].is_alive() {
            return;
        }
        let who = self.lives[pid.0].actor();
        self.emit(who, What::Sent { to: Name::from(to), label, body: &body });
        let from = self.lives[pid.0].name;
        let (here, there) = (End::Process(from), End::Process(Name::from(to)));
        let life = self.lives[pid.0].life;
        let delay = self.links.delay(here, there, life.0, self.schedule.timing.latency);
        let fate = self.strike(pid, &operation, ordinal, Phase::Sent);
        if fate.lost || self.links.is_cut(here, there, self.now) {
            return;
        }
        let from = Address { role: from.role, index: from.index, life: Some(life) };
        let parcel = Parcel { to, label, envelope: Envelope { from, body } };
        let arrives = self.now + delay + fate.delay;
        if let Some(after) = fate.again {
            self.queue.push(arrives + after, Happening::Deliver(parcel.clone()));
        }
        self.queue.push(arrives, Happening::Deliver(parcel));
    }

    /// It arrives at the life it was sent to, or at whichever is the newest by now.
    pub(super) fn deliver(&mut self, parcel: Parcel) {
        let name = Name::from(parcel.to);
        let to = match parcel.to.life {
            None => self.current.get(&name).copied(),
            Some(life) => {
                self.lives.iter().position(|state| state.name == name && state.life == life).map(Pid)
            }
        };
        let Some(to) = to.filter(|to| self.lives[to.0].is_alive()) else {
            return;
        };
        let who = self.lives[to.0].actor();
        let from = Name::from(parcel.envelope.from);
        self.emit(who, What::Delivered { from, label: parcel.label, body: &parcel.envelope.body });
        self.lives[to.0].mailbox.push_back(parcel.envelope);
        if let Some(wait) = self.lives[to.0].receiving {
            self.waits.end(wait, Answer::Woke);
        }
    }

    /// The next message for a process. It stays in the mailbox until it is taken, so a dropped wait loses none.
    pub(crate) fn receive(&mut self, pid: Pid, cx: &mut Context<'_>) -> Poll<Envelope> {
        let life = &mut self.lives[pid.0];
        let Some(envelope) = life.mailbox.pop_front() else {
            match life.receiving {
                Some(wait) if self.waits.poll(wait, cx.waker()).is_none() => {}
                _ => life.receiving = Some(self.waits.start(cx.waker().clone())),
            }
            return Poll::Pending;
        };
        let ordinal = life.count(&Operation::Receive);
        self.strike(pid, &Operation::Receive, ordinal, Phase::Received);
        match self.lives[pid.0].is_alive() {
            true => Poll::Ready(envelope),
            false => Poll::Pending,
        }
    }
}
