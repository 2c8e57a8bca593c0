//! What may come to a process at any time: a message, and the order to end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use twophase::env::Envelope;

use super::Access;
use crate::executor::WakerId;
use crate::world::{Asked, Received};

/// A wait for the order to end.
pub(super) struct Stopped {
    access: Access,
    last: Option<Asked>,
}

impl Stopped {
    #[inline]
    pub(super) fn new(access: Access) -> Self {
        Stopped { access, last: None }
    }

    #[inline(never)]
    fn look(&mut self, cx: &Context<'_>) -> Poll<()> {
        let (access, last) = (self.access, self.last.map(|last| last.wait));
        match access.alive(|world| world.stopped(access.pid, last, cx.waker())) {
            Some(None) => return Poll::Ready(()),
            Some(Some(wait)) => self.last = Some(Asked { wait, by: WakerId::of(cx.waker()) }),
            None => {}
        }
        Poll::Pending
    }
}

impl Future for Stopped {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.last {
            Some(last) if last.is_undisturbed(cx) => Poll::Pending,
            _ => self.look(cx),
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(last) = self.last {
            self.access.world(|world| world.forget(last.wait));
        }
    }
}

/// A wait for a message. The process has one mailbox, and the world one wait for it.
pub(super) struct Receive {
    access: Access,
    last: Option<Asked>,
}

impl Receive {
    #[inline]
    pub(super) fn new(access: Access) -> Self {
        Receive { access, last: None }
    }

    #[inline(never)]
    fn look(&mut self, cx: &Context<'_>) -> Poll<Envelope> {
        let Some(mut world) = self.access.enter() else {
            return Poll::Pending;
        };
        match world.receive(self.access.pid, cx.waker()) {
            Received::Message(parcel) => Poll::Ready(world.open(parcel)),
            Received::Nothing(wait) => {
                self.last = Some(Asked { wait, by: WakerId::of(cx.waker()) });
                Poll::Pending
            }
            Received::Death => Poll::Pending,
        }
    }
}

impl Future for Receive {
    type Output = Envelope;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Envelope> {
        match self.last {
            Some(last) if last.is_undisturbed(cx) => Poll::Pending,
            _ => self.look(cx),
        }
    }
}
