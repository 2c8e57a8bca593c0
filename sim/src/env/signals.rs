//! What may come to a process at any time: a message, and the order to end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use twophase::env::Envelope;

use super::Access;
use crate::executor::WakerId;
use crate::world::{Asked, Received};

/// A wait for the order to end.
pub(super) struct Stopped<'a> {
    access: &'a Access,
    last: Option<Asked>,
}

impl<'a> Stopped<'a> {
    pub(super) fn new(access: &'a Access) -> Self {
        Stopped { access, last: None }
    }

    #[inline(never)]
    fn look(&mut self, cx: &Context<'_>) -> Poll<()> {
        let access = self.access;
        let Some(mut world) = access.alive() else {
            return Poll::Pending;
        };
        match world.stopped(access.pid, self.last.map(|last| last.wait), cx.waker()) {
            None => Poll::Ready(()),
            Some(wait) => {
                self.last = Some(Asked { wait, by: WakerId::of(cx.waker()) });
                Poll::Pending
            }
        }
    }
}

impl Future for Stopped<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.last {
            Some(last) if last.is_undisturbed(self.access, cx) => Poll::Pending,
            _ => self.look(cx),
        }
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if let Some(last) = self.last {
            self.access.world().forget(last.wait);
        }
    }
}

/// A wait for a message. The process has one mailbox, and the world one wait for it.
pub(super) struct Receive<'a> {
    access: &'a Access,
    last: Option<Asked>,
}

impl<'a> Receive<'a> {
    pub(super) fn new(access: &'a Access) -> Self {
        Receive { access, last: None }
    }

    #[inline(never)]
    fn look(&mut self, cx: &Context<'_>) -> Poll<Envelope> {
        let access = self.access;
        let Some(mut world) = access.alive() else {
            return Poll::Pending;
        };
        match world.receive(access.pid, cx.waker()) {
            Received::Message(envelope) => Poll::Ready(envelope),
            Received::Nothing(wait) => {
                self.last = Some(Asked { wait, by: WakerId::of(cx.waker()) });
                Poll::Pending
            }
            Received::Death => Poll::Pending,
        }
    }
}

impl Future for Receive<'_> {
    type Output = Envelope;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Envelope> {
        match self.last {
            Some(last) if last.is_undisturbed(self.access, cx) => Poll::Pending,
            _ => self.look(cx),
        }
    }
}
