//! What a process on the stage is given: the abstract capabilities, backed by the world.
//!
//! Every future here is inert from the moment its process dies: it stays pending and changes nothing, also
//! when it is polled from a `join!` arm or asked for in a `Drop`.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use twophase::env::{CheckpointStore, Clock, Envelope, Key, Network, Source, Timestamp, Value, Version};
use twophase::kafka::protocol::{Request, Response};
use twophase::kafka::{KafkaBroker, KafkaOptions, Port, Unanswered};
use twophase::{Address, Env, Fact, Failure, Next, Process, Record, RecordId, SourceOffset, Split};

use crate::executor::WakerId;
use crate::schedule::Schedule;
use crate::seed::micros;
use crate::site::Call;
use crate::world::{Answer, Bells, Chore, Errand, Pid, Received, StoreAnswer, StoreRequest, WaitId, World};

/// The world, shared by everything that plays in it.
pub(crate) type SharedWorld = Arc<Shared>;

/// The world behind a lock, and outside of it what tells a wait that it need not look inside.
pub(crate) struct Shared {
    world: Mutex<World>,
    bells: Arc<Bells>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Shared { bells: world.bells(), world: Mutex::new(world) }
    }

    /// One thread plays one history, so nobody ever waits. A broker under test may have panicked: nothing of that is half
    /// done here, and futures still are dropped.
    #[inline]
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock()
    }
}

/// A process's way into the world.
#[derive(Clone)]
struct Access {
    shared: SharedWorld,
    pid: Pid,
}

impl Access {
    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// The world, if what this process does still counts.
    #[inline]
    fn alive(&self) -> Option<MutexGuard<'_, World>> {
        let world = self.world();
        world.is_alive(self.pid).then_some(world)
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access({:?})", self.pid)
    }
}

/// The environment of one process on the stage.
#[derive(Clone, Debug)]
pub struct SimEnv {
    access: Access,
    me: Process,
    clock: SimClock,
    network: SimNetwork,
    port: SimPort,
    broker: KafkaBroker<SimPort, SimClock>,
    store: SimStore,
}

/// The clock of a machine on the stage.
#[derive(Clone, Debug)]
pub struct SimClock(Access);

/// The network of the stage.
#[derive(Clone, Debug)]
pub struct SimNetwork(Access);

/// The request port to the broker of the stage.
#[derive(Clone, Debug)]
pub struct SimPort(Access);

/// The checkpoint store of the stage.
#[derive(Clone, Debug)]
pub struct SimStore(Access);

/// A split of the input.
#[derive(Debug)]
pub struct SimSource {
    access: Access,
    split: Split,
    position: u64,
    /// When the next record is there. A call that is dropped does not begin to wait anew.
    due: Option<u64>,
}

impl SimEnv {
    pub(crate) fn new(world: &SharedWorld, pid: Pid) -> Self {
        let access = Access { shared: world.clone(), pid };
        let mut entered = access.world();
        let schedule = entered.schedule.clone();
        let me = entered.life(pid).process(schedule.settings.parallelism);
        drop(entered);
        let options = options_of(&schedule);
        let (clock, port) = (SimClock(access.clone()), SimPort(access.clone()));
        SimEnv {
            me,
            network: SimNetwork(access.clone()),
            store: SimStore(access.clone()),
            broker: KafkaBroker::new(port.clone(), clock.clone(), options),
            clock,
            port,
            access,
        }
    }

    /// The way to the broker below the client: for subjects that bring a client of their own.
    pub fn port(&self) -> &SimPort {
        &self.port
    }

    /// The options of the client that [`Env::broker`] is: for a client of one's own.
    pub fn kafka_options(&self) -> KafkaOptions {
        options_of(&self.schedule())
    }

    /// What this history is: for subjects that depend on its protocol or naming.
    pub fn schedule(&self) -> Arc<Schedule> {
        self.access.world().schedule.clone()
    }
}

fn options_of(schedule: &Schedule) -> KafkaOptions {
    KafkaOptions {
        protocol: schedule.protocol,
        transaction_timeout: schedule.settings.transaction_timeout,
        retry_backoff: schedule.settings.retry_backoff,
        batch: schedule.settings.batch,
        ..KafkaOptions::default()
    }
}

impl Env for SimEnv {
    type Clock = SimClock;
    type Network = SimNetwork;
    type Broker = KafkaBroker<SimPort, SimClock>;
    type Store = SimStore;
    type Source = SimSource;

    fn clock(&self) -> &SimClock {
        &self.clock
    }

    fn network(&self) -> &SimNetwork {
        &self.network
    }

    fn broker(&self) -> &Self::Broker {
        &self.broker
    }

    fn store(&self) -> &SimStore {
        &self.store
    }

    fn source(&self, split: Split) -> SimSource {
        SimSource { access: self.access.clone(), split, position: 0, due: None }
    }

    fn me(&self) -> &Process {
        &self.me
    }

    fn identify(&self, me: Process) -> Self {
        SimEnv { me, ..self.clone() }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(mut world) = self.access.alive() {
            world.chores.push(Chore::Spawn(self.access.pid, Box::pin(task)));
        }
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send {
        Stopped { access: &self.access, last: None }
    }

    fn note(&self, fact: Fact) {
        self.access.world().note(self.access.pid, &fact);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.world().clock(self.0.pid)
    }

    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send {
        let begin =
            move |world: &mut World, pid, waker: &Waker| world.sleep(pid, micros(span), Call::Sleep, waker);
        Wait::new(&self.0, begin, drop)
    }
}

impl Network for SimNetwork {
    fn send(&self, to: Address, label: &'static str, body: Bytes) -> impl Future<Output = ()> + Send {
        let mut body = Some(body);
        poll_fn(move |_| {
            let (Some(mut world), Some(body)) = (self.0.alive(), body.take()) else {
                return Poll::Pending;
            };
            world.send(self.0.pid, to, label, body);
            if world.is_alive(self.0.pid) { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn receive(&self) -> impl Future<Output = Envelope> + Send {
        Receive { access: &self.0, last: None }
    }
}

impl Port for SimPort {
    fn call(&self, request: &Request) -> impl Future<Output = Result<Response, Unanswered>> + Send {
        let begin = move |world: &mut World, pid, waker: &Waker| {
            world.ask(pid, Errand::Broker(request.clone()), waker)
        };
        Wait::new(&self.0, begin, |answer| match answer {
            Answer::Broker(response) => Ok(response),
            _ => Err(Unanswered),
        })
    }
}

impl CheckpointStore for SimStore {
    async fn read(&self, key: &Key) -> Result<Option<(Version, Value)>, Failure> {
        match self.ask(StoreRequest::Read(key.clone())).await? {
            StoreAnswer::Read(value) => Ok(value),
            StoreAnswer::Put(_) => unreachable!("a read is answered as a read"),
        }
    }

    async fn put(&self, key: &Key, expected: Option<Version>, value: Value) -> Result<Version, Failure> {
        match self.ask(StoreRequest::Put { key: key.clone(), expected, value }).await? {
            StoreAnswer::Put(Ok(version)) => Ok(version),
            StoreAnswer::Put(Err(there)) => Err(Failure::new(Next::Fenced, Outdated { expected, there })),
            StoreAnswer::Read(_) => unreachable!("a put is answered as a put"),
        }
    }
}

impl SimStore {
    fn ask(&self, request: StoreRequest) -> impl Future<Output = Result<StoreAnswer, Failure>> + Send {
        let begin =
            move |world: &mut World, pid, waker: &Waker| world.ask(pid, Errand::Store(request), waker);
        Wait::new(&self.0, begin, |answer| match answer {
            Answer::Store(answer) => Ok(answer),
            _ => Err(Failure::new(Next::OutcomeUnknown, Unanswered)),
        })
    }
}

/// A conditional write came too late.
#[derive(Debug)]
struct Outdated {
    expected: Option<Version>,
    there: Option<Version>,
}

impl std::fmt::Display for Outdated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected version {:?} but found {:?}", self.expected, self.there)
    }
}

impl std::error::Error for Outdated {}

impl SimSource {
    /// The next record if there is one, and how long until it is there, in microseconds. Nothing for the dead.
    fn look(&mut self) -> Option<(Option<Bytes>, u64)> {
        let mut world = self.access.alive()?;
        let Some(payload) = world.record(usize::from(self.split.0), self.position) else {
            return Some((None, 0));
        };
        let now = world.now();
        let due = match self.due {
            Some(due) => due,
            None => now + world.source_delay(self.access.pid, self.split.0),
        };
        self.due = Some(due);
        Some((Some(payload), due.saturating_sub(now)))
    }
}

impl Source for SimSource {
    fn seek(&mut self, offset: SourceOffset) {
        (self.position, self.due) = (offset.0, None);
    }

    async fn next(&mut self) -> Result<Option<Record>, Failure> {
        let (split, offset) = (self.split, self.position);
        let (payload, wait) = match self.look() {
            Some((Some(payload), wait)) => (payload, wait),
            Some((None, _)) => return Ok(None),
            None => pending().await,
        };
        if wait > 0 {
            let begin =
                move |world: &mut World, pid, waker: &Waker| world.sleep(pid, wait, Call::Next, waker);
            Wait::new(&self.access, begin, drop).await;
        }
        self.due = None;
        self.position += 1;
        Ok(Some(Record { id: RecordId { split, offset: SourceOffset(offset) }, payload }))
    }
}

/// How a wait was looked at last, and by whom.
#[derive(Clone, Copy)]
struct Look {
    wait: WaitId,
    by: WakerId,
}

impl Look {
    fn new(wait: WaitId, waker: &Waker) -> Self {
        Look { wait, by: WakerId::of(waker) }
    }

    /// Whether another look would find just this: nothing has come, and the same task would be woken.
    fn is_undisturbed(&self, access: &Access, cx: &Context<'_>) -> bool {
        access.shared.bells.are_silent_for(self.wait) && self.by == WakerId::of(cx.waker())
    }
}

/// A wait for the order to end.
struct Stopped<'a> {
    access: &'a Access,
    last: Option<Look>,
}

impl Future for Stopped<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.last.is_some_and(|last| last.is_undisturbed(self.access, cx)) {
            return Poll::Pending;
        }
        let access = self.access;
        let Some(mut world) = access.alive() else {
            return Poll::Pending;
        };
        match world.stopped(access.pid, self.last.map(|last| last.wait), cx.waker()) {
            None => Poll::Ready(()),
            Some(wait) => {
                self.last = Some(Look::new(wait, cx.waker()));
                Poll::Pending
            }
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
struct Receive<'a> {
    access: &'a Access,
    last: Option<Look>,
}

impl Future for Receive<'_> {
    type Output = Envelope;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Envelope> {
        if self.last.is_some_and(|last| last.is_undisturbed(self.access, cx)) {
            return Poll::Pending;
        }
        let access = self.access;
        let Some(mut world) = access.alive() else {
            return Poll::Pending;
        };
        match world.receive(access.pid, cx.waker()) {
            Received::Message(envelope) => Poll::Ready(envelope),
            Received::Nothing(wait) => {
                self.last = Some(Look::new(wait, cx.waker()));
                Poll::Pending
            }
            Received::Death => Poll::Pending,
        }
    }
}

/// One wait of one process, from asking (`B`) to what is made of the answer (`R`). It is no larger than what is asked.
struct Wait<'a, B, R> {
    access: &'a Access,
    state: WaitState<B>,
    read: R,
}

enum WaitState<B> {
    Wanted(B),
    Started(Started),
    /// Over, or inert for ever.
    Over,
}

struct Started {
    last: Look,
    call: Call,
    ordinal: u32,
}

impl<'a, B, R, T> Wait<'a, B, R>
where
    B: FnOnce(&mut World, Pid, &Waker) -> Option<(WaitId, Call, u32)>,
    R: Fn(Answer) -> T,
{
    fn new(access: &'a Access, begin: B, read: R) -> Self {
        Wait { access, state: WaitState::Wanted(begin), read }
    }

    /// Asks, and is inert if the process dies over it.
    fn start(&mut self, cx: &Context<'_>) {
        let WaitState::Wanted(begin) = std::mem::replace(&mut self.state, WaitState::Over) else {
            return; // for ever
        };
        let (pid, waker) = (self.access.pid, cx.waker());
        let Some(mut world) = self.access.alive() else {
            return;
        };
        if let Some((wait, call, ordinal)) = begin(&mut world, pid, waker) {
            self.state = WaitState::Started(Started { last: Look::new(wait, waker), call, ordinal });
        }
    }

    fn look(&mut self, cx: &Context<'_>) -> Poll<T> {
        let WaitState::Started(Started { last, call, ordinal }) = &mut self.state else {
            return Poll::Pending;
        };
        let Some(mut world) = self.access.alive() else {
            return Poll::Pending;
        };
        let Some(answer) = world.take_answer(self.access.pid, last.wait, *call, *ordinal, cx.waker()) else {
            *last = Look::new(last.wait, cx.waker());
            return Poll::Pending;
        };
        self.state = WaitState::Over;
        match world.is_alive(self.access.pid) {
            true => Poll::Ready((self.read)(answer)),
            false => Poll::Pending,
        }
    }
}

impl<B, R, T> Future for Wait<'_, B, R>
where
    B: FnOnce(&mut World, Pid, &Waker) -> Option<(WaitId, Call, u32)> + Unpin,
    R: Fn(Answer) -> T + Unpin,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &self.state {
            WaitState::Started(Started { last, .. }) if last.is_undisturbed(self.access, cx) => Poll::Pending,
            WaitState::Started(_) => self.look(cx),
            WaitState::Wanted(_) => {
                self.start(cx);
                Poll::Pending
            }
            WaitState::Over => Poll::Pending,
        }
    }
}

impl<B, R> Drop for Wait<'_, B, R> {
    fn drop(&mut self) {
        if let WaitState::Started(Started { last, .. }) = &self.state {
            self.access.world().forget(last.wait);
        }
    }
}
