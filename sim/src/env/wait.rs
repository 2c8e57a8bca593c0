//! Waiting for what was asked for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::Access;
use crate::executor::WakerId;
use crate::world::{Answer, Asked, Ending, Looked, Pid, World, bells};

impl Asked {
    /// Whether another look would find just this: nothing has come, and the same task would be woken. Nearly all that is
    /// polled is, so this is all that most polls do.
    #[inline(always)]
    pub(super) fn is_undisturbed(self, cx: &Context<'_>) -> bool {
        bells::are_silent_for(self.wait) && self.by == WakerId::of(cx.waker())
    }

    /// The same wait, with this waker from now on.
    pub(super) fn by(self, waker: &Waker) -> Self {
        Asked { by: WakerId::of(waker), ..self }
    }
}

/// One wait of one process, for what it has asked for. It was asked when the wait was made, as a sleep of tokio's counts
/// from then: so it is no larger than this, and moves for nothing.
pub(super) struct Wait<R> {
    access: Access,
    /// Nothing once it is over, or if the process died over it: inert for ever.
    asked: Option<Asked>,
    /// What is made of the answer.
    read: R,
}

impl<R, T> Wait<R>
where
    R: Fn(Option<&mut Answer>) -> T,
{
    #[inline(always)]
    pub(super) fn begin(access: Access, ask: impl FnOnce(&mut World, Pid) -> Option<Asked>, read: R) -> Self {
        let asked = match access.enter() {
            Some(mut world) => ask(&mut world, access.pid),
            None => None,
        };
        Wait { access, asked, read }
    }

    #[inline(never)]
    fn look(&mut self, cx: &Context<'_>) -> Poll<T> {
        let (access, Some(asked)) = (self.access, self.asked) else {
            return Poll::Pending;
        };
        let Some(mut world) = access.enter_anyway() else {
            return Poll::Pending;
        };
        match world.look(access.pid, asked.wait, cx.waker()) {
            Looked::Nothing => self.asked = Some(asked.by(cx.waker())),
            Looked::Death => self.asked = None,
            Looked::Over(Ending::Answered(answered)) => {
                self.asked = None;
                return Poll::Ready(world.take_answer(answered, |answer| (self.read)(Some(answer))));
            }
            Looked::Over(Ending::GivenUp | Ending::Woke) => {
                self.asked = None;
                return self.without_answer();
            }
        }
        Poll::Pending
    }

    /// (Apart, so that an answer goes to whoever asked in one piece: in one expression with this, its tag would be chosen
    /// here or there, and the rest be read on its own while it is still being written.)
    #[cold]
    fn without_answer(&self) -> Poll<T> {
        Poll::Ready((self.read)(None))
    }
}

impl<R, T> Future for Wait<R>
where
    R: Fn(Option<&mut Answer>) -> T + Unpin,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.asked {
            Some(asked) if !asked.is_undisturbed(cx) => self.look(cx),
            _ => Poll::Pending, // as when it is polled first
        }
    }
}

/// A wait that is dropped is over, nearly always.
impl<R> Drop for Wait<R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(asked) = self.asked {
            forget(self.access, asked);
        }
    }
}

#[cold]
fn forget(access: Access, asked: Asked) {
    access.world(|world| world.forget(asked.wait));
}
