//! One incarnation of a task: restore, then one thing after the other until it fails or is dropped.
//!
//! The whole attempt is one future that awaits every call of the sink to its end; what arrives meanwhile waits
//! in its mailbox. So a sink's call is cut off only where a crash would cut it off too: when the attempt is
//! dropped for a newer incarnation.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use smallvec::SmallVec;

use super::intake::{Intake, Mark, Step};
use super::line::Line;
use crate::channel::{Receiver, Sender};
use crate::message::{Deployment, Progress, ToCoordinator};
use crate::out_of_line::out_of_line;
use crate::select::{Either, yield_now};
use crate::{Address, CheckpointId, Env, Fact, Failure, Incarnation, Network, Next, Sink, Snapshot};

/// After how many turns in a row the attempt lets the rest of the process go first. A sink and a source that never
/// wait would else keep heartbeats and barriers out for ever.
const TURNS_IN_A_ROW: u32 = 64;

/// What the worker process passes on to its attempt.
#[derive(Debug)]
#[repr(u64)] // in whole words: copied in pieces that overlap, it would be waited for when it is copied again
pub(super) enum Command {
    /// Take a checkpoint, and answer to this address: whoever asks is who can use the answer, also while two
    /// coordinators are alive.
    Trigger(CheckpointId, Address),
    /// It is durable.
    Complete(CheckpointId),
    /// It was given up; the newest durable one is the second.
    Aborted(CheckpointId, Option<CheckpointId>),
    /// Close the sink and end.
    Close,
}

/// Why an attempt has ended.
#[derive(Debug)]
pub(super) struct Collapse {
    pub(super) failure: Failure,
    restoring: bool,
}

impl Collapse {
    /// Whether the next attempt would only fail in the same way: restoring has met something that no repetition
    /// changes. Later failures may well be repaired by a restore.
    pub(super) fn is_final(&self) -> bool {
        self.restoring && matches!(self.failure.next(), Next::AlreadyEnded | Next::Fatal)
    }
}

/// After it was restored.
impl From<Failure> for Collapse {
    fn from(failure: Failure) -> Self {
        Collapse { failure, restoring: false }
    }
}

/// What an attempt tells its process.
#[derive(Debug)]
pub(super) enum News {
    /// It has come this far.
    Reached(Progress),
    /// It has closed its sink as it was told, or failed. The last thing that it says, and nothing of it is left by now.
    Ended(Result<(), Collapse>),
}

/// Runs a task until it is told to close or fails. It reads its splits through queues of this capacity, if any.
pub(super) fn run<E: Env, S: Sink>(
    env: E,
    queue: Option<usize>,
    sink: S,
    deployment: Deployment,
    commands: Receiver<Command, Line>,
    news: Sender<News, Line>,
) -> impl Future<Output = ()> + Send {
    let mut attempt = Attempt {
        env,
        incarnation: deployment.incarnation,
        sink,
        intake: Intake::nothing(),
        commands,
        news,
        asked: SmallVec::new(),
        reported: deployment.from,
        tail: Tail::Open,
    };
    // (No `async fn`: that would keep what it is given two times. And in one piece, though it is long: a loop in an `async fn`
    // of its own would be one more state machine that each record enters and leaves.)
    async move {
        let ended = 'ended: {
            if let Err(failure) = attempt.restore(&deployment, queue).await {
                break 'ended Err(Collapse { failure, restoring: true });
            }
            let mut turns = 0;
            loop {
                // Records by themselves: what lasts across an await is kept in the future, and for a record that must be little.
                let other = loop {
                    if turns == TURNS_IN_A_ROW {
                        turns = 0;
                        yield_now().await;
                    }
                    let record = {
                        let mut step = pin!(attempt.intake.next());
                        match poll_fn(|cx| command_or(step.as_mut(), &mut attempt.commands, cx)).await {
                            Either::Second(Ok(Some(Step::Record(record)))) => record,
                            Either::Second(Ok(Some(Step::Mark(mark)))) => break Either::Second(mark),
                            Either::Second(Ok(None)) => continue, // a split has no more records
                            Either::Second(Err(failure)) => break 'ended Err(failure.into()),
                            Either::First(command) => break Either::First(command),
                        }
                    };
                    turns += 1;
                    // Pinned where it is made: to await it as it is may move it twice.
                    if let Err(failure) = pin!(attempt.sink.write(record)).await {
                        break 'ended Err(failure.into());
                    }
                };
                turns += 1;
                let done = match other {
                    Either::First(None) => break 'ended Ok(()), // it was given up, and leaves everything as it is
                    Either::First(Some(Command::Close)) => {
                        break 'ended attempt.sink.close().await.map_err(Collapse::from);
                    }
                    Either::First(Some(command)) => out_of_line(pin!(attempt.obey(command))).await,
                    Either::Second(mark) => out_of_line(pin!(attempt.pass(mark))).await,
                };
                if let Err(failure) = done {
                    break 'ended Err(failure.into());
                }
            }
        };
        // Whoever listens is the process that drives this attempt; if it is gone, so is the attempt.
        let _ = attempt.leave().overrule(News::Ended(ended));
    }
}

/// A command or `other`, a command first. (As `first`, but in place: a record costs a few thousand instructions between
/// source and broker, and moving the two futures would be a hundred of them.)
#[inline(always)]
fn command_or<F: Future>(
    other: Pin<&mut F>,
    commands: &mut Receiver<Command, Line>,
    cx: &mut Context<'_>,
) -> Poll<Either<Option<Command>, F::Output>> {
    if !commands.has_news() {
        if let Poll::Ready(other) = other.poll(cx) {
            return Poll::Ready(Either::Second(other));
        }
    }
    commands.poll_receive(cx).map(Either::First)
}

struct Attempt<E: Env, S> {
    env: E,
    incarnation: Incarnation,
    sink: S,
    intake: Intake<E>,
    commands: Receiver<Command, Line>,
    news: Sender<News, Line>,
    /// The checkpoints that were triggered and are not known to be durable, and who asked for them.
    asked: SmallVec<[(CheckpointId, Address); 1]>,
    /// The newest checkpoint that the sink was told is durable (CC-15).
    reported: Option<CheckpointId>,
    tail: Tail,
}

/// How far the end of the input has come (CC-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// There are records to come.
    Open,
    /// The sink has finished; no checkpoint has been taken since.
    Finished,
    /// This was the first one since. Once it or a newer one is durable, everything is committed.
    Covered(CheckpointId),
}

impl<E: Env, S: Sink> Attempt<E, S> {
    async fn restore(&mut self, deployment: &Deployment, queue: Option<usize>) -> Result<(), Failure> {
        self.env.note(Fact::Restoring(deployment.incarnation, deployment.from));
        let restored: Vec<&[u8]> = deployment.restored.iter().map(|state| &state[..]).collect();
        self.sink.open(deployment.from, &restored).await?;
        self.intake = Intake::start(&self.env, queue, &deployment.resume_at);
        self.say(Progress::Running);
        Ok(())
    }

    /// Drops all but that by which it talks.
    fn leave(self) -> Sender<News, Line> {
        self.news
    }

    async fn pass(&mut self, mark: Mark) -> Result<(), Failure> {
        match mark {
            Mark::Aligned(id) => self.snapshot(id).await,
            Mark::Overtaken(id) => {
                self.decline(id).await;
                Ok(())
            }
            Mark::Ended => {
                self.sink.finish().await?;
                self.tail = Tail::Finished;
                self.say(Progress::Ended);
                Ok(())
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Trigger(id, asker) => self.trigger(id, asker).await,
            Command::Complete(id) => self.complete(id).await?,
            Command::Aborted(id, completed) => self.aborted(id, completed).await?,
            Command::Close => {}
        }
        Ok(())
    }

    /// A trigger that was repeated asks for nothing new. One that a newer trigger overtook cannot be served any
    /// more, since its barrier would stand behind the newer one's: it is declined (CC-18, CC-22).
    async fn trigger(&mut self, id: CheckpointId, asker: Address) {
        if Some(id) <= self.reported || self.asked.iter().any(|&(asked, _)| asked == id) {
            return;
        }
        let overtaken = self.asked.iter().any(|&(asked, _)| asked > id);
        self.asked.push((id, asker));
        if overtaken {
            self.decline(id).await;
        } else {
            self.intake.barrier(id);
        }
    }

    /// An error here fails the task (CC-40).
    async fn snapshot(&mut self, checkpoint: CheckpointId) -> Result<(), Failure> {
        let sink = self.sink.snapshot(checkpoint).await?;
        if self.tail == Tail::Finished {
            self.tail = Tail::Covered(checkpoint);
        }
        let ack = ToCoordinator::Ack {
            incarnation: self.incarnation,
            checkpoint,
            snapshot: Snapshot { resume_at: self.intake.resume_at(), sink },
        };
        self.answer(checkpoint, &ack).await;
        self.env.note(Fact::Acknowledged(checkpoint));
        Ok(())
    }

    async fn decline(&mut self, checkpoint: CheckpointId) {
        let incarnation = self.incarnation;
        self.answer(checkpoint, &ToCoordinator::Decline { incarnation, checkpoint }).await;
    }

    /// (`&mut`, though nothing changes: a shared borrow across an await would demand `Sync` of the sink.)
    async fn answer(&mut self, checkpoint: CheckpointId, message: &ToCoordinator) {
        if let Some(&(_, asker)) = self.asked.iter().find(|&&(asked, _)| asked == checkpoint) {
            let network = self.env.network();
            network.send(asker, message.label(), message.to_bytes()).await;
        }
    }

    /// Ids that the sink is told rise strictly, whatever the network does to the notices (CC-15).
    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        if Some(id) <= self.reported {
            return Ok(());
        }
        self.reported = Some(id);
        self.asked.retain(|&mut (asked, _)| asked > id);
        self.sink.complete(id).await?;
        if matches!(self.tail, Tail::Covered(by) if by <= id) {
            self.say(Progress::Finished);
        }
        Ok(())
    }

    /// First what the notice says is durable (CC-16), then what it says is not. One that was reported durable
    /// stays so, whatever a late notice says.
    async fn aborted(&mut self, id: CheckpointId, completed: Option<CheckpointId>) -> Result<(), Failure> {
        if let Some(completed) = completed {
            self.complete(completed).await?;
        }
        self.intake.abort(id);
        if Some(id) == self.reported {
            return Ok(());
        }
        self.sink.aborted(id).await
    }

    fn say(&self, progress: Progress) {
        let _ = self.news.push(News::Reached(progress));
    }
}
