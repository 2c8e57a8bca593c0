//! The state machine: which hook is called when.

use std::future::Future;
use std::time::Duration;

use super::pending::Pending;
use super::state::StateInPlace;
use super::{Begun, CommitFailed, Misuse, Options, Participant, State};
use crate::started::Started;
use crate::{CheckpointId, Clock, Failure, Record, Sink};

/// Flink's V1 two-phase-commit sink: a [`Sink`] made of a user's [`Participant`].
///
/// One transaction is open at a time. A snapshot pre-commits it, keeps it as pending and begins the next; the
/// notice that a checkpoint is complete commits everything pending up to it. What a snapshot returns names all
/// of them, so that a sink opened from it commits what was promised and aborts what was not.
///
/// After an error an engine drops the sink and restores; this one may also be dropped at any await, for what
/// counts is only ever in the returned bytes and at the target.
///
/// ```
/// use std::{collections::BTreeMap, future::Future, pin::pin, task};
/// use twophase::two_phase::{Options, TwoPhase};
/// use twophase::{CheckpointId, Clock, Failure, Next, Participant, Record, RecordId, Sink, SourceOffset, Split, Timestamp};
///
/// /// A target in memory: what is staged under each handle, and what everybody can read.
/// #[derive(Default)]
/// struct Shelf {
///     staged: BTreeMap<u32, Vec<Record>>,
///     committed: Vec<Record>,
///     begun: u32,
/// }
///
/// impl Participant for Shelf {
///     type Handle = u32;
///     type Context = ();
///
///     async fn begin(&mut self) -> Result<u32, Failure> {
///         self.begun += 1;
///         self.staged.insert(self.begun, Vec::new());
///         Ok(self.begun)
///     }
///     async fn write(&mut self, open: &mut u32, record: Record) -> Result<(), Failure> {
///         let staged = self.staged.get_mut(open).ok_or(Failure::new(Next::Fatal, "not staged"))?;
///         staged.push(record);
///         Ok(())
///     }
///     async fn pre_commit(&mut self, _: CheckpointId, _: &mut u32) -> Result<(), Failure> {
///         Ok(()) // nothing to flush: staged is staged
///     }
///     async fn commit(&mut self, pending: &u32) -> Result<(), Failure> {
///         self.committed.extend(self.staged.remove(pending).unwrap_or_default()); // again: changes nothing
///         Ok(())
///     }
///     async fn abort(&mut self, open: &u32) -> Result<(), Failure> {
///         self.staged.remove(open);
///         Ok(())
///     }
/// }
///
/// # #[derive(Clone)]
/// # struct Stopped;
/// # impl Clock for Stopped {
/// #     fn now(&self) -> Timestamp { Timestamp(0) }
/// #     async fn sleep(&self, _: std::time::Duration) {}
/// # }
/// # /// `Shelf` never waits, so one poll is enough.
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
/// #         task::Poll::Ready(output) => output,
/// #         task::Poll::Pending => panic!("the shelf never waits"),
/// #     }
/// # }
/// let record = Record {
///     id: RecordId { split: Split(0), offset: SourceOffset(0) },
///     payload: "hello".into(),
/// };
/// let mut sink = TwoPhase::new(Shelf::default(), Stopped, Options::default());
/// let bytes = block_on(async {
///     sink.open(None, &[]).await?;
///     sink.write(record.clone()).await?;
///     sink.snapshot(CheckpointId(1)).await
/// })?;
/// assert!(sink.participant().committed.is_empty()); // the checkpoint may still fail
/// assert_eq!(sink.view().pending.len(), 1);
///
/// // A crash, before the notice arrives: the sink's memory is gone, the target and the bytes are not.
/// let shelf = sink.into_participant();
/// let mut sink = TwoPhase::new(shelf, Stopped, Options::default());
/// block_on(sink.open(Some(CheckpointId(1)), &[&bytes]))?;
/// assert_eq!(sink.participant().committed, [record]);
///
/// block_on(sink.complete(CheckpointId(1)))?; // late: it is settled already
/// assert_eq!(sink.participant().committed.len(), 1);
/// # Ok::<(), Failure>(())
/// ```
#[derive(Debug)]
pub struct TwoPhase<P: Participant, C: Clock> {
    pub(super) participant: P,
    pub(super) clock: C,
    pub(super) options: Options,
    pub(super) current: Option<Begun<P::Handle>>,
    pub(super) pending: Pending<P::Handle>,
    /// `None` until one was restored or initialised, be it to "there is none".
    pub(super) context: Option<Option<P::Context>>,
    pub(super) finished: bool,
}

/// What a [`TwoPhase`] sink has in memory at the moment. For logs, debuggers and tests.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, H, C> {
    /// The open transaction.
    pub current: Option<&'a Begun<H>>,
    /// Those that wait for their checkpoint, in the order in which they will be committed.
    pub pending: &'a [(CheckpointId, Begun<H>)],
    /// Whether the end of the input was seen.
    pub finished: bool,
    /// The context; `None` while the sink has not been opened as far as that.
    pub context: Option<Option<&'a C>>,
}

impl<P: Participant, C: Clock> TwoPhase<P, C> {
    /// A sink that is not open yet.
    pub fn new(participant: P, clock: C, options: Options) -> Self {
        TwoPhase {
            participant,
            clock,
            options,
            current: None,
            pending: Pending::new(),
            context: None,
            finished: false,
        }
    }

    /// The hooks.
    pub fn participant(&self) -> &P {
        &self.participant
    }

    /// Gives the hooks back and forgets everything else.
    pub fn into_participant(self) -> P {
        self.participant
    }

    /// The memory of it.
    pub fn view(&self) -> View<'_, P::Handle, P::Context> {
        View {
            current: self.current.as_ref(),
            pending: self.pending.as_slice(),
            finished: self.finished,
            context: self.context.as_ref().map(Option::as_ref),
        }
    }

    /// What was just begun, with its start time: no transaction is without one (V1-1).
    fn begun(&self, handle: P::Handle) -> Begun<P::Handle> {
        Begun { handle, start: self.clock.now() }
    }

    /// Pre-commits the open transaction for this checkpoint. There is none after the last one of a finished sink.
    async fn pre_commit(&mut self, id: CheckpointId) -> Result<(), Failure> {
        if let Some(current) = &mut self.current {
            self.participant.pre_commit(id, &mut current.handle).await?;
            // Cloned, not taken: if the next begin fails, `current` must still be there for `close` to abort.
            // It is pending as well then, which does no harm: without a snapshot its checkpoint cannot
            // complete (V1-16).
            self.pending.put(id, current.clone());
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, Failure> {
        let context = self.context.as_ref().ok_or(Misuse::NotOpened)?;
        let state = StateInPlace {
            current: self.current.as_ref(),
            pending: &self.pending,
            context: context.as_ref(),
        };
        state.encode()
    }

    /// Zero if the clock went back since.
    pub(super) fn age(&self, transaction: &Begun<P::Handle>) -> Duration {
        self.clock.now().since(transaction.start)
    }

    /// Before each commit, also before one that will succeed: it may be the last that does (V1-21).
    pub(super) fn warn_if_old(&self, transaction: &Begun<P::Handle>) {
        if self.options.warn_at.is_none() {
            return;
        }
        let age = self.age(transaction);
        if self.options.warns(age) {
            tracing::warn!(
                transaction = %transaction.handle,
                open_ms = age.as_millis() as u64,
                timeout_ms = self.options.transaction_timeout.as_millis() as u64,
                "open for long: close to the transaction timeout, or past it"
            );
        }
    }
}

impl<P: Participant, C: Clock> Sink for TwoPhase<P, C> {
    /// Settles what was restored, then begins.
    ///
    /// # Errors
    /// Whatever a hook fails with, at once; [`Next::Fatal`](crate::Next::Fatal), and nothing was touched, if any
    /// of the bytes cannot be read.
    async fn open(&mut self, _from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        let states = restored.iter().map(|bytes| State::decode(bytes)).collect::<Result<_, _>>()?;
        if !self.settle_all(states).await? {
            self.context = Some(self.participant.initialize_context().await?);
        }
        self.pending.clear();
        let handle = self.participant.begin().await?;
        self.current = Some(self.begun(handle));
        Ok(())
    }

    #[inline(always)] // with what is in it: see there
    fn write(&mut self, record: Record) -> impl Future<Output = Result<(), Failure>> + Send {
        match &mut self.current {
            Some(current) => Started::running(self.participant.write(&mut current.handle, record)),
            None => Started::failed(Misuse::NoTransaction),
        }
    }

    /// Pre-commits, begins the next transaction unless the input has ended, and writes down both.
    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.pre_commit(id).await?;
        self.current = match self.finished {
            false => {
                let handle = self.participant.begin().await?;
                Some(self.begun(handle))
            }
            true => None,
        };
        self.encode()
    }

    /// Commits everything pending up to `id`. That there is nothing is no error: the notice may be a repeated
    /// one, or from before a restore (V1-18).
    ///
    /// # Errors
    /// [`CommitFailed`], after all of them were tried.
    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        let mut first = None;
        while let Some(place) = self.pending.first_due(id) {
            let (due, transaction) = &self.pending.as_slice()[place];
            tracing::info!(completed = %id, pending = %due, transaction = %transaction.handle, "committing");
            self.warn_if_old(transaction);
            if let Err(failure) = self.participant.commit(&transaction.handle).await {
                first.get_or_insert(failure);
            }
            // Even if it failed: it is not repeated here but by the restore that the failure leads to (V1-19).
            self.pending.remove(place);
        }
        first.map_or(Ok(()), |failure| Err(CommitFailed::wrap(failure)))
    }

    // `aborted` does nothing, which is the trait's default and V1-20: the records of an aborted checkpoint are
    // not sent again, so its transaction stays pending and is owed with the next that completes.

    /// Neither pre-commits nor commits: the last snapshot does the one, its completion the other (V1-12).
    async fn finish(&mut self) -> Result<(), Failure> {
        self.finished = true;
        self.participant.finish(self.current.as_mut().map(|begun| &mut begun.handle)).await
    }

    /// Aborts the open transaction, whose records no checkpoint covers. What is pending stays as it is: its
    /// checkpoint may be complete, and only the notice be missing (V1-13).
    async fn close(&mut self) -> Result<(), Failure> {
        if let Some(current) = &self.current {
            self.participant.abort(&current.handle).await?;
        }
        self.current = None;
        Ok(())
    }
}
