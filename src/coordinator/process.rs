//! The coordinator process: plays the machine over an [`Env`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::{Decide, Effect, End, Input};
use crate::alarm::Alarm;
use crate::env::{Envelope, Head, Key, Value, Version};
use crate::message::ToCoordinator;
use crate::select::{Either, first};
use crate::steady::Steady;
use crate::{BoxError, CheckpointStore, Env, Failure, Network, Next};

/// Runs a coordinator until its job has ended, another one is in charge, or it gives up.
///
/// The job has ended when this has ended with `Ok` and nobody deposed it: a worker that was cut off all the
/// time while it waited for goodbyes is left to whoever supervises the processes.
///
/// # Errors
/// The reason, if it gives up.
pub async fn run<E: Env>(env: E, decider: impl Decide) -> Result<(), BoxError> {
    let mut process = Process {
        time: Steady::new(env.clock()),
        alarm: Alarm::new(env.clock()),
        env: env.clone(),
        decider,
        todo: Vec::new(),
        effects: Vec::new(),
    };
    let work = pin!(process.work());
    match first(work, env.stopped()).await {
        Either::First(End::GaveUp(reason)) => Err(reason.into()),
        // Asked to stop: what is pending is lost with it, as in a crash, and the next coordinator takes over.
        Either::First(End::Finished | End::Deposed) | Either::Second(()) => Ok(()),
    }
}

struct Process<E: Env, D> {
    env: E,
    time: Steady<E::Clock>,
    alarm: Alarm<E::Clock>,
    decider: D,
    /// Effects to perform, the next one last.
    todo: Vec<Effect>,
    /// Where the decider puts new ones; kept for its allocation.
    effects: Vec<Effect>,
}

impl<E: Env, D: Decide> Process<E, D> {
    async fn work(&mut self) -> End {
        self.decide(Input::Started);
        loop {
            while let Some(effect) = self.todo.pop() {
                if let Some(end) = self.perform(effect).await {
                    return end;
                }
            }
            let input = self.next_input().await;
            input.into_iter().for_each(|input| self.decide(input));
        }
    }

    fn decide(&mut self, input: Input) {
        let now = self.time.now();
        self.decider.handle(now, input, &mut self.effects);
        self.effects.reverse();
        self.effects.append(&mut self.todo);
        std::mem::swap(&mut self.todo, &mut self.effects);
    }

    /// The store is waited for here, so that its answer is the next thing the decider hears: completion is one
    /// step that nothing interleaves with (CC-8).
    async fn perform(&mut self, effect: Effect) -> Option<End> {
        match effect {
            Effect::Send(to, message) => {
                let network = self.env.network();
                network.send(to, message.label(), message.to_bytes()).await;
            }
            Effect::Note(fact) => self.env.note(fact),
            Effect::Read => {
                let answer = self.env.store().read(&Key::Head).await.and_then(head);
                self.decide(Input::Read(answer));
            }
            Effect::Put { expected, head } => {
                let answer = self.env.store().put(&Key::Head, expected, Value::Head(head)).await;
                self.decide(Input::Put(answer));
            }
            Effect::Stop(end) => return Some(end),
        }
        None
    }

    /// Messages come before time: see [`Input::Time`]. Nothing, if what came cannot be read: it counts as lost.
    async fn next_input(&mut self) -> Option<Input> {
        let deadline = self.decider.next_deadline();
        let mut message = pin!(self.env.network().receive());
        let (alarm, time) = (&mut self.alarm, &mut self.time);
        poll_fn(|cx| {
            if let Poll::Ready(Envelope { from, body }) = message.as_mut().poll(cx) {
                let message = ToCoordinator::from_bytes(&body);
                return Poll::Ready(message.map(|message| Input::Message { from, message }));
            }
            match deadline {
                None => Poll::Pending,
                Some(deadline) => alarm.poll(time, deadline, cx).map(|()| Some(Input::Time)),
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
