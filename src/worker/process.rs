//! The worker process: says that it lives, runs what it is given, and gives way to newer incarnations.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::attempt::{self, Collapse, Command, News};
use crate::alarm::Alarm;
use crate::channel::{Receiver, Sender, channel};
use crate::companion::Companion;
use crate::env::Envelope;
use crate::message::{Deployment, Progress, Task, ToCoordinator, ToWorker};
use crate::steady::Steady;
use crate::{
    Address, BoxError, BoxFuture, Clock, Env, Incarnation, Network, Process, Settings, Sink, Timestamp,
};

/// Runs a worker until the job has ended or the process is asked to stop. `make` makes the sink of each
/// attempt, over the capabilities as its incarnation sees them.
///
/// # Errors
/// None of its own: a task that fails is reported to the coordinator, which decides.
pub fn run<E, S, F>(env: E, settings: Settings, make: F) -> BoxFuture<Result<(), BoxError>>
where
    E: Env,
    S: Sink,
    F: Fn(E) -> S + Send + Sync + 'static,
{
    // (No `async fn`: that would keep what it is given two times.)
    Box::pin(async move {
        let clock = env.clock();
        let mut worker = Worker::new(&env, &settings, &make);
        let timer = pin!(None);
        let mut alarm = Alarm::new(timer, |span| clock.sleep(span));
        let mut stopped = pin!(env.stopped());
        let mut message = pin!(env.network().receive()); // renewed when it has come, and not for all that else is waited for
        loop {
            let ends = match worker.next_event(stopped.as_mut(), message.as_mut(), &mut alarm).await {
                Event::Stopped => worker.close(),
                Event::Message(envelope) => {
                    message.set(env.network().receive());
                    worker.obey(envelope)
                }
                Event::News(News::Reached(progress)) => {
                    worker.report(progress).await;
                    false
                }
                Event::News(News::Ended(Ok(()))) => true,
                Event::News(News::Ended(Err(collapse))) => worker.collapsed(collapse).await,
                Event::Beat => worker.beat().await,
            };
            if ends {
                break;
            }
        }
        worker.send(&ToCoordinator::Bye).await;
        Ok(())
    })
}

struct Worker<'a, E: Env, F> {
    env: &'a E,
    settings: &'a Settings,
    make: &'a F,
    time: Steady<E::Clock>,
    slot: Slot,
    /// When the coordinator last answered.
    heard: Timestamp,
    next_beat: Timestamp,
    /// Whether this process is about to end.
    closing: bool,
}

/// The place for the one task of this worker.
enum Slot {
    /// Nothing was deployed yet.
    Idle,
    /// This attempt runs.
    Runs(Attempt),
    /// The attempt of this incarnation has ended. It is never started again: its transactions would carry names
    /// that are already in use.
    Failed { incarnation: Incarnation, gave_up: bool, reason: String },
}

struct Attempt {
    incarnation: Incarnation,
    reached: Progress,
    _task: Companion,
    commands: Sender<Command>,
    news: Receiver<News>,
}

enum Event {
    Stopped,
    Message(Envelope),
    News(News),
    Beat,
}

impl<'a, E, S, F> Worker<'a, E, F>
where
    E: Env,
    S: Sink,
    F: Fn(E) -> S + Send + Sync,
{
    fn new(env: &'a E, settings: &'a Settings, make: &'a F) -> Self {
        let mut time = Steady::new(env.clock());
        let now = time.now();
        Worker { env, settings, make, time, slot: Slot::Idle, heard: now, next_beat: now, closing: false }
    }

    /// Messages come before the beat: a process that was paused must hear the answers that arrived meanwhile
    /// before it judges the silence.
    async fn next_event<T: Future<Output = ()>>(
        &mut self,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
        mut message: Pin<&mut impl Future<Output = Envelope>>,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> T, T>,
    ) -> Event {
        poll_fn(|cx| {
            if !self.closing && stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Stopped);
            }
            if let Poll::Ready(envelope) = message.as_mut().poll(cx) {
                return Poll::Ready(Event::Message(envelope));
            }
            if let Poll::Ready(news) = self.slot.poll(cx) {
                return Poll::Ready(Event::News(news));
            }
            alarm.poll(self.time.now(), self.next_beat, cx).map(|()| Event::Beat)
        })
        .await
    }

    /// The task has come this far.
    async fn report(&mut self, progress: Progress) {
        if let Slot::Runs(attempt) = &mut self.slot {
            attempt.reached = progress;
            let progress = attempt.report();
            self.send(&ToCoordinator::Progress(progress)).await;
        }
    }

    /// The task has failed. Whether the process is to end now.
    async fn collapsed(&mut self, collapse: Collapse) -> bool {
        self.fail(collapse.is_final(), collapse.failure.to_string());
        self.say().await;
        self.closing
    }

    /// A message that cannot be read counts as lost. Whether the process is to end now.
    fn obey(&mut self, envelope: Envelope) -> bool {
        let Some(message) = ToWorker::from_bytes(&envelope.body) else {
            return false;
        };
        match message {
            ToWorker::Deploy(deployment) => self.deploy(deployment),
            ToWorker::Trigger { incarnation, checkpoint } => {
                self.command(incarnation, Command::Trigger(checkpoint, envelope.from));
            }
            ToWorker::Complete { incarnation, checkpoint } => {
                self.command(incarnation, Command::Complete(checkpoint));
            }
            ToWorker::Aborted { incarnation, checkpoint, completed } => {
                self.command(incarnation, Command::Aborted(checkpoint, completed));
            }
            ToWorker::Alive => self.heard = self.time.now(),
            ToWorker::Shutdown => return self.close(),
        }
        false
    }

    fn command(&self, incarnation: Incarnation, command: Command) {
        match &self.slot {
            Slot::Runs(attempt) if attempt.incarnation == incarnation => {
                // An attempt that has just ended hears nothing any more; its end is the next event.
                let _ = attempt.commands.push(command);
            }
            _ => {}
        }
    }

    /// Drops the attempt that runs, as a crash would, and starts the one of a newer incarnation. An older one is
    /// what a deposed coordinator, or a late copy, asks for.
    #[cold]
    fn deploy(&mut self, deployment: Deployment) {
        let for_me = deployment.life == self.env.me().life;
        if !for_me || self.closing || deployment.incarnation <= self.slot.incarnation() {
            return;
        }
        self.slot = Slot::Idle; // the old attempt is gone before anything of the new one exists
        self.slot = Slot::Runs(self.start(deployment));
        self.heard = self.time.now();
    }

    fn start(&self, deployment: Deployment) -> Attempt {
        let incarnation = deployment.incarnation;
        let env =
            self.env.identify(Process { incarnation, parallelism: deployment.parallelism, ..*self.env.me() });
        let sink = (self.make)(env.clone());
        let (commands, mailbox) = channel(1);
        let (tell, news) = channel(1);
        let queue = (!self.settings.chained).then_some(self.settings.queue);
        let future = attempt::run(env, queue, sink, deployment, mailbox, tell);
        let _task = Companion::start(self.env, Box::pin(future));
        Attempt { incarnation, reached: Progress::Restoring, _task, commands, news }
    }

    /// Lets a running attempt close its sink; without one there is nothing to wait for.
    fn close(&mut self) -> bool {
        self.closing = true;
        match &self.slot {
            Slot::Runs(attempt) => attempt.commands.push(Command::Close).is_err(),
            Slot::Idle | Slot::Failed { .. } => true,
        }
    }

    #[cold]
    fn fail(&mut self, gave_up: bool, reason: String) {
        let incarnation = self.slot.incarnation();
        self.slot = Slot::Failed { incarnation, gave_up, reason };
    }

    /// A worker that is cut off gives its attempt up, because a replacement may run by now: that bounds how
    /// long a zombie can live (CC-27). Whether the process is to end now: one that was closing has nothing left
    /// to wait for.
    async fn beat(&mut self) -> bool {
        let now = self.time.now();
        let cut_off = now.since(self.heard) > self.settings.heartbeat_timeout;
        let gives_up = cut_off && matches!(self.slot, Slot::Runs(_));
        if gives_up {
            self.fail(false, "no word from the coordinator".into());
        }
        self.next_beat = now.after(self.settings.heartbeat_interval);
        self.say().await;
        gives_up && self.closing
    }

    /// Tells the coordinator how things are.
    async fn say(&mut self) {
        self.send(&self.slot.report()).await;
    }

    fn send(&self, message: &ToCoordinator) -> impl Future<Output = ()> + Send {
        self.env.network().send(Address::COORDINATOR, message.label(), message.to_bytes())
    }
}

impl Attempt {
    fn report(&self) -> Task {
        Task { incarnation: self.incarnation, progress: self.reached }
    }
}

impl Slot {
    /// The newest incarnation that this worker was given.
    fn incarnation(&self) -> Incarnation {
        match self {
            Slot::Idle => Incarnation::default(),
            Slot::Runs(Attempt { incarnation, .. }) | Slot::Failed { incarnation, .. } => *incarnation,
        }
    }

    /// What the attempt that runs has to tell. (One that has panicked tells nothing any more.)
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<News> {
        let Slot::Runs(attempt) = self else {
            return Poll::Pending;
        };
        match attempt.news.poll_receive(cx) {
            Poll::Ready(Some(news)) => Poll::Ready(news),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn report(&self) -> ToCoordinator {
        match self {
            Slot::Idle => ToCoordinator::Heartbeat(None),
            Slot::Runs(attempt) => ToCoordinator::Heartbeat(Some(attempt.report())),
            Slot::Failed { incarnation, gave_up, reason } => {
                ToCoordinator::Failed { incarnation: *incarnation, gave_up: *gave_up, reason: reason.clone() }
            }
        }
    }
}
