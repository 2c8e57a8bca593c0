//! The coordinator process: plays the machine over an [`Env`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Decide, Effect, End, Input};
use crate::alarm::Alarm;
use crate::env::{Envelope, Head, Key, Value, Version};
use crate::mailbox::Mailbox;
use crate::message::ToCoordinator;
use crate::select::{Either, first};
use crate::steady::Steady;
use crate::{BoxError, BoxFuture, CheckpointStore, Clock, Env, Failure, Network, Next, Timestamp};

/// Runs a coordinator until its job has ended, another one is in charge, or it gives up.
///
/// The job has ended when this has ended with `Ok` and nobody deposed it: a worker that was cut off all the
/// time while it waited for goodbyes is left to whoever supervises the processes.
///
/// # Errors
/// The reason, if it gives up.
pub fn run<E: Env>(env: E, decider: impl Decide) -> BoxFuture<Result<(), BoxError>> {
    // (No `async fn`: that would keep what it is given two times.)
    Box::pin(async move {
        let clock = env.clock();
        let (todo, effects) = (Vec::with_capacity(8), Vec::with_capacity(8)); // a word to each of a few workers
        let mut process = Process { env: &env, time: Steady::new(clock), decider, todo, effects };
        let (timer, message) = (pin!(None), pin!(None));
        let mut alarm = Alarm::new(timer, |span| clock.sleep(span));
        let mut mailbox = Mailbox::new(message, || env.network().receive());
        let work = pin!(process.work(&mut mailbox, &mut alarm));
        match first(work, env.stopped()).await {
            Either::First(End::GaveUp(reason)) => Err(reason.into()),
            // Asked to stop: what is pending is lost with it, as in a crash, and the next coordinator takes over.
            Either::First(End::Finished | End::Deposed) | Either::Second(()) => Ok(()),
        }
    })
}

struct Process<'a, E: Env, D> {
    env: &'a E,
    time: Steady<E::Clock>,
    decider: D,
    /// Effects to perform, in this order.
    todo: Vec<Effect>,
    /// Where the decider puts new ones while there are others to perform; kept for its allocation.
    effects: Vec<Effect>,
}

impl<E: Env, D: Decide> Process<'_, E, D> {
    /// Takes one input after the other, and does what is decided upon it.
    async fn work<S: Future<Output = ()>, M: Future<Output = Envelope>>(
        &mut self,
        mailbox: &mut Mailbox<'_, impl Fn() -> M, M>,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> S, S>,
    ) -> End {
        self.decide_now(Input::Started);
        loop {
            if let Some(end) = pin!(self.perform()).await {
                return end;
            }
            poll_fn(|cx| {
                let now = self.time.now();
                while self.todo.is_empty() {
                    ready!(self.poll_input(now, mailbox, alarm, cx));
                }
                Poll::Ready(())
            })
            .await;
        }
    }

    /// Decides upon the next message or, once the decider's deadline has come, upon that. Messages come before time: see
    /// [`Input::Time`]. One that cannot be read counts as lost.
    fn poll_input<S: Future<Output = ()>, M: Future<Output = Envelope>>(
        &mut self,
        now: Timestamp,
        mailbox: &mut Mailbox<'_, impl Fn() -> M, M>,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> S, S>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Poll::Ready(Envelope { from, body }) = &mailbox.poll(cx) {
            if let Some(message) = ToCoordinator::from_bytes(body) {
                self.decide(now, Input::Message { from: *from, message });
            }
            return Poll::Ready(());
        }
        let Some(deadline) = self.decider.next_deadline() else {
            return Poll::Pending;
        };
        ready!(alarm.poll(deadline, || now, cx));
        self.decide(now, Input::Time);
        Poll::Ready(())
    }

    fn decide(&mut self, now: Timestamp, input: Input) {
        let nothing_before = self.todo.is_empty();
        let effects = if nothing_before { &mut self.todo } else { &mut self.effects };
        self.decider.handle(now, input, effects);
        if !nothing_before {
            self.todo.append(&mut self.effects);
        }
    }

    fn decide_now(&mut self, input: Input) {
        let now = self.time.now();
        self.decide(now, input);
    }

    /// Performs all that is to be done, first in, first out. Returns how the process ends, if it does.
    ///
    /// The store is waited for here, so that its answer is the next thing the decider hears: completion is one
    /// step that nothing interleaves with (CC-8). What it leads to comes behind what was to be done before.
    async fn perform(&mut self) -> Option<End> {
        let mut done = 0;
        while let Some(effect) = self.todo.get_mut(done) {
            match effect {
                Effect::Send(..) => {
                    done += pin!(send(self.env, &self.todo[done..])).await;
                    continue;
                }
                Effect::Note(fact) => self.env.note(fact.clone()),
                Effect::Read => {
                    let answer = self.env.store().read(&Key::Head).await.and_then(head);
                    self.decide_now(Input::Read(answer));
                }
                Effect::Put { expected, head } => {
                    let (expected, value) = (*expected, Value::Head(std::mem::take(head)));
                    let answer = self.env.store().put(&Key::Head, expected, value).await;
                    self.decide_now(Input::Put(answer));
                }
                Effect::Stop(end) => return Some(end.clone()),
            }
            done += 1;
        }
        self.todo.clear();
        None
    }
}

/// Sends the message that is to be done first, and with it what is next said to others in the same words, so that it is
/// written down once. Returns how many that were.
async fn send(env: &impl Env, todo: &[Effect]) -> usize {
    let mut sent = 0;
    let mut written = None;
    while let Some(Effect::Send(to, message)) = todo.get(sent) {
        let (first, body) = written.get_or_insert_with(|| (message, message.to_bytes()));
        if message != *first {
            break;
        }
        env.network().send(*to, message.label(), body.clone()).await;
        sent += 1;
    }
    sent
}

fn head(read: Option<(Version, Value)>) -> Result<Option<(Version, Head)>, Failure> {
    match read {
        None => Ok(None),
        Some((version, Value::Head(head))) => Ok(Some((version, head))),
        Some((_, Value::Bytes(_))) => Err(Failure::new(Next::Fatal, "the job's head holds something else")),
    }
}
