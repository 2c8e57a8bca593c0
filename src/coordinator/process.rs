//! The coordinator process: plays the machine over an [`Env`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::{Decide, Effect, End, Input};
use crate::alarm::Alarm;
use crate::env::{Envelope, Head, Key, Value, Version};
use crate::message::{Pen, ToCoordinator, ToWorker};
use crate::select::{Either, first};
use crate::steady::Steady;
use crate::{Address, BoxError, BoxFuture, CheckpointStore, Clock, Env, Failure, Network, Next};

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
        let mut process = Process {
            env: &env,
            time: Steady::new(clock),
            decider,
            todo: Vec::new(),
            effects: Vec::new(),
            pen: Pen::default(),
        };
        let timer = pin!(None);
        let mut alarm = Alarm::new(timer, |span| clock.sleep(span));
        let work = pin!(process.work(&mut alarm));
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
    /// Effects to perform, the next one last.
    todo: Vec<Effect>,
    /// Where the decider puts new ones; kept for its allocation.
    effects: Vec<Effect>,
    pen: Pen,
}

impl<E: Env, D: Decide> Process<'_, E, D> {
    /// The store is waited for here, so that its answer is the next thing the decider hears: completion is one
    /// step that nothing interleaves with (CC-8).
    async fn work<T: Future<Output = ()>>(
        &mut self,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> T, T>,
    ) -> End {
        self.decide(Input::Started);
        loop {
            loop {
                let Some(effect) = self.todo.pop() else {
                    break;
                };
                match effect {
                    // Pinned where it is made: to await it as it is may move it twice.
                    Effect::Send(to, ref message) => pin!(self.send(to, message)).await,
                    Effect::Note(fact) => self.env.note(fact),
                    Effect::Read => {
                        let answer = self.env.store().read(&Key::Head).await.and_then(head);
                        self.decide(Input::Read(answer));
                    }
                    Effect::Put { expected, head } => {
                        let answer = self.env.store().put(&Key::Head, expected, Value::Head(head)).await;
                        self.decide(Input::Put(answer));
                    }
                    Effect::Stop(end) => return end,
                }
            }
            match self.next_message(alarm).await {
                None => self.decide(Input::Time),
                Some(Envelope { from, body }) => {
                    // One that cannot be read counts as lost.
                    if let Some(message) = ToCoordinator::from_bytes(&body) {
                        self.decide(Input::Message { from, message });
                    }
                }
            }
        }
    }

    fn decide(&mut self, input: Input) {
        let now = self.time.now();
        self.decider.handle(now, input, &mut self.effects);
        if self.effects.is_empty() {
            return;
        }
        self.effects.reverse();
        self.effects.append(&mut self.todo);
        std::mem::swap(&mut self.todo, &mut self.effects);
    }

    /// What is next said to others in the same words is sent with it, so that it is written down once.
    async fn send(&mut self, mut to: Address, message: &ToWorker) {
        let body = self.pen.write(message);
        loop {
            self.env.network().send(to, message.label(), body.clone()).await;
            match self.todo.last() {
                Some(Effect::Send(other, same)) if same == message => to = *other,
                _ => break,
            }
            self.todo.pop();
        }
    }

    /// The next message, or nothing once the decider's deadline has come. Messages come before time: see
    /// [`Input::Time`].
    async fn next_message<T: Future<Output = ()>>(
        &mut self,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> T, T>,
    ) -> Option<Envelope> {
        let deadline = self.decider.next_deadline();
        let mut message = pin!(self.env.network().receive());
        poll_fn(|cx| {
            if let Poll::Ready(envelope) = message.as_mut().poll(cx) {
                return Poll::Ready(Some(envelope));
            }
            match deadline {
                None => Poll::Pending,
                Some(deadline) => alarm.poll(self.time.now(), deadline, cx).map(|()| None),
            }
        })
        .await
    }
}

fn head(read: Option<(Version, Value)>) -> Result<Option<(Version, Head)>, Failure> {
    match read {
        None => Ok(None),
        Some((version, Value::Head(head))) => Ok(Some((version, head))),
        Some((_, Value::Bytes(_))) => Err(Failure::new(Next::Fatal, "the job's head holds something else")),
    }
}
