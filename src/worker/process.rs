//! The worker process: says that it lives, runs what it is given, and gives way to newer incarnations.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::attempt::{self, Command, News};
use super::line::Line;
use crate::alarm::Alarm;
use crate::channel::{Receiver, Sender, sides};
use crate::companion::Companion;
use crate::env::Envelope;
use crate::mailbox::Mailbox;
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
        let (timer, message) = (pin!(None), pin!(None));
        let mut alarm = Alarm::new(timer, |span| clock.sleep(span));
        let mut mailbox = Mailbox::new(message, || env.network().receive());
        let mut stopped = pin!(env.stopped());
        while let Some(report) =
            poll_fn(|cx| worker.poll(stopped.as_mut(), &mut mailbox, &mut alarm, cx)).await
        {
            worker.send(&report).await;
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
    /// What an attempt that was given up would say, until nothing is left of it.
    leaving: Option<Receiver<News, Line>>,
    /// When the coordinator last answered.
    heard: Timestamp,
    next_beat: Timestamp,
    /// Whether this process is about to end.
    closing: bool,
    /// Whether it has nothing left to wait for.
    ended: bool,
}

/// The place for the one task of this worker.
enum Slot {
    /// Nothing was deployed yet.
    Idle,
    /// This is to be started as soon as nothing is left of the attempt before it.
    Waits(Deployment),
    /// This attempt runs.
    Runs(Attempt),
    /// The attempt of this incarnation has ended. It is never started again: its transactions would carry names
    /// that are already in use.
    Failed { incarnation: Incarnation, gave_up: bool, reason: String },
}

struct Attempt {
    incarnation: Incarnation,
    reached: Progress,
    _task: Companion<Line>,
    commands: Sender<Command, Line>,
    news: Receiver<News, Line>,
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
        Worker {
            env,
            settings,
            make,
            time,
            slot: Slot::Idle,
            leaving: None,
            heard: now,
            next_beat: now,
            closing: false,
            ended: false,
        }
    }

    /// What to tell the coordinator next, or nothing if the process is to end.
    ///
    /// Messages come before the beat: a process that was paused must hear the answers that arrived meanwhile
    /// before it judges the silence.
    fn poll<T: Future<Output = ()>, M: Future<Output = Envelope>>(
        &mut self,
        stopped: Pin<&mut impl Future<Output = ()>>,
        mailbox: &mut Mailbox<'_, impl Fn() -> M, M>,
        alarm: &mut Alarm<'_, impl Fn(Duration) -> T, T>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<ToCoordinator>> {
        if !self.closing && stopped.poll(cx).is_ready() {
            self.close();
        }
        while !self.ended {
            if let Poll::Ready(envelope) = &mailbox.poll(cx) {
                self.obey(envelope);
            } else if let Poll::Ready(news) = self.slot.poll(cx) {
                if let Some(report) = self.learn(news) {
                    return Poll::Ready(Some(report));
                }
            } else if self.poll_left(cx).is_ready() {
                self.start_next();
            } else {
                return alarm.poll(self.next_beat, || self.time.now(), cx).map(|()| Some(self.beat()));
            }
        }
        Poll::Ready(None)
    }

    /// Takes what the task says. What the coordinator is to be told of it at once.
    fn learn(&mut self, news: News) -> Option<ToCoordinator> {
        match (news, &mut self.slot) {
            (News::Reached(progress), Slot::Runs(attempt)) => {
                attempt.reached = progress;
                Some(ToCoordinator::Progress(attempt.report()))
            }
            (News::Reached(_), Slot::Idle | Slot::Waits(_) | Slot::Failed { .. }) => None,
            (News::Ended(Ok(())), _) => {
                self.ended = true;
                None
            }
            (News::Ended(Err(collapse)), _) => {
                self.fail(collapse.is_final(), collapse.failure.to_string());
                self.ended = self.closing;
                Some(self.slot.report())
            }
        }
    }

    /// A message that cannot be read counts as lost.
    fn obey(&mut self, envelope: &Envelope) {
        match ToWorker::from_bytes(&envelope.body) {
            None => {}
            Some(ToWorker::Deploy(deployment)) => self.deploy(deployment),
            Some(ToWorker::Trigger { incarnation, checkpoint }) => {
                self.command(incarnation, Command::Trigger(checkpoint, envelope.from));
            }
            Some(ToWorker::Complete { incarnation, checkpoint }) => {
                self.command(incarnation, Command::Complete(checkpoint));
            }
            Some(ToWorker::Aborted { incarnation, checkpoint, completed }) => {
                self.command(incarnation, Command::Aborted(checkpoint, completed));
            }
            Some(ToWorker::Alive) => self.heard = self.time.now(),
            Some(ToWorker::Shutdown) => self.close(),
        }
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

    /// Gives up the attempt that runs, as a crash would, for that of a newer incarnation. An older one is what a deposed
    /// coordinator, or a late copy, asks for.
    #[cold]
    fn deploy(&mut self, deployment: Deployment) {
        let for_me = deployment.life == self.env.me().life;
        if !for_me || self.closing || deployment.incarnation <= self.slot.incarnation() {
            return;
        }
        self.replace(Slot::Waits(deployment));
        self.heard = self.time.now();
        if self.leaving.is_none() {
            self.start_next();
        }
    }

    /// Something else takes the place of an attempt that may still run. It is told to go then.
    fn replace(&mut self, slot: Slot) {
        if let Slot::Runs(attempt) = std::mem::replace(&mut self.slot, slot) {
            self.leaving = Some(attempt.news);
        }
    }

    /// Ready once nothing is left of the attempt that was told to go; what it still says is of no interest.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(leaving) = &mut self.leaving else {
            return Poll::Pending;
        };
        while ready!(leaving.poll_receive(cx)).is_some() {}
        self.leaving = None;
        Poll::Ready(())
    }

    /// Starts what waits: the old attempt is gone before anything of the new one exists.
    #[cold]
    fn start_next(&mut self) {
        self.slot = match std::mem::replace(&mut self.slot, Slot::Idle) {
            Slot::Waits(deployment) => Slot::Runs(self.start(deployment)),
            other => other,
        };
    }

    fn start(&self, deployment: Deployment) -> Attempt {
        let incarnation = deployment.incarnation;
        let env =
            self.env.identify(Process { incarnation, parallelism: deployment.parallelism, ..*self.env.me() });
        let sink = (self.make)(env.clone());
        let line = Line::new();
        let (commands, mailbox) = sides(line.clone());
        let (tell, news) = sides(line.clone());
        let queue = (!self.settings.chained).then_some(self.settings.queue);
        let attempt = attempt::run(env, queue, sink, deployment, mailbox, tell);
        let _task = Companion::start(self.env, line, attempt);
        Attempt { incarnation, reached: Progress::Restoring, _task, commands, news }
    }

    /// Lets a running attempt close its sink; without one there is nothing to wait for.
    fn close(&mut self) {
        self.closing = true;
        self.ended = match &self.slot {
            Slot::Runs(attempt) => attempt.commands.push(Command::Close).is_err(),
            Slot::Idle | Slot::Waits(_) | Slot::Failed { .. } => true,
        };
    }

    #[cold]
    fn fail(&mut self, gave_up: bool, reason: String) {
        let incarnation = self.slot.incarnation();
        self.replace(Slot::Failed { incarnation, gave_up, reason });
    }

    /// It is time to tell the coordinator how things are.
    ///
    /// A worker that is cut off gives its attempt up, because a replacement may run by now: that bounds how
    /// long a zombie can live (CC-27). One that was closing has nothing left to wait for then.
    fn beat(&mut self) -> ToCoordinator {
        let now = self.time.now();
        let cut_off = now.since(self.heard) > self.settings.heartbeat_timeout;
        if cut_off && matches!(self.slot, Slot::Runs(_)) {
            self.fail(false, "no word from the coordinator".into());
            self.ended = self.closing;
        }
        self.next_beat = now.after(self.settings.heartbeat_interval);
        self.slot.report()
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
            Slot::Waits(Deployment { incarnation, .. })
            | Slot::Runs(Attempt { incarnation, .. })
            | Slot::Failed { incarnation, .. } => *incarnation,
        }
    }

    /// What the attempt that runs has to tell. (One that has panicked tells nothing any more.)
    #[inline]
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
            Slot::Waits(Deployment { incarnation, .. }) => ToCoordinator::Heartbeat(Some(Task {
                incarnation: *incarnation,
                progress: Progress::Restoring,
            })),
            Slot::Runs(attempt) => ToCoordinator::Heartbeat(Some(attempt.report())),
            Slot::Failed { incarnation, gave_up, reason } => {
                ToCoordinator::Failed { incarnation: *incarnation, gave_up: *gave_up, reason: reason.clone() }
            }
        }
    }
}
