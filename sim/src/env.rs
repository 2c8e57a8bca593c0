//! What a process on the stage is given: the abstract capabilities, backed by the world.
//!
//! Every future here is inert from the moment its process dies: it stays pending and changes nothing, also
//! when it is polled from a `join!` arm or asked for in a `Drop`.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use twophase::env::{CheckpointStore, Clock, Envelope, Key, Network, Source, Timestamp, Value, Version};
use twophase::kafka::protocol::{Request, Response};
use twophase::kafka::{KafkaBroker, KafkaOptions, Port, Unanswered};
use twophase::{Address, Env, Fact, Failure, Next, Process, Record, RecordId, SourceOffset, Split};

use crate::schedule::Schedule;
use crate::seed::micros;
use crate::site::Operation;
use crate::world::{Answer, Errand, Pid, StoreAnswer, StoreRequest, WaitId, World};

/// The world, shared by everything that plays in it. One thread plays one history, so nobody ever waits.
pub(crate) type SharedWorld = Arc<Mutex<World>>;

/// A process's way into the world.
#[derive(Clone)]
struct Access {
    world: SharedWorld,
    pid: Pid,
}

impl Access {
    fn world(&self) -> MutexGuard<'_, World> {
        // A broker under test may have panicked: nothing of that is half done here, and futures still are dropped.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, if what this process does still counts.
    fn alive(&self) -> Option<MutexGuard<'_, World>> {
        let mut world = self.world();
        if world.life(self.pid).is_alive() { Some(world) } else { None }
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
        let access = Access { world: world.clone(), pid };
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
            world.chores.spawn.push((self.access.pid, Box::pin(task)));
        }
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send {
        poll_fn(|cx| match self.access.alive() {
            Some(mut world) => world.poll_stopped(self.access.pid, cx),
            None => Poll::Pending,
        })
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
        let sleep = Wait::new(&self.0, Wanted::Time(micros(span), Operation::Sleep));
        async {
            sleep.await;
        }
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
            if world.life(self.0.pid).is_alive() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn receive(&self) -> impl Future<Output = Envelope> + Send {
        poll_fn(|cx| match self.0.alive() {
            Some(mut world) => world.receive(self.0.pid, cx),
            None => Poll::Pending,
        })
    }
}

impl Port for SimPort {
    async fn call(&self, request: Request) -> Result<Response, Unanswered> {
        match Wait::new(&self.0, Wanted::Errand(Errand::Broker(request))).await {
            Answer::Broker(response) => Ok(response),
            _ => Err(Unanswered),
        }
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
    async fn ask(&self, request: StoreRequest) -> Result<StoreAnswer, Failure> {
        match Wait::new(&self.0, Wanted::Errand(Errand::Store(request))).await {
            Answer::Store(answer) => Ok(answer),
            _ => Err(Failure::new(Next::OutcomeUnknown, Unanswered)),
        }
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
    /// How long until the next record is there, in microseconds.
    fn time_left(&mut self) -> u64 {
        let mut world = self.access.world();
        let now = world.now();
        let due = match self.due {
            Some(due) => due,
            None => now + world.pace(self.access.pid, self.split.0),
        };
        self.due = Some(due);
        due.saturating_sub(now)
    }
}

impl Source for SimSource {
    fn seek(&mut self, offset: SourceOffset) {
        (self.position, self.due) = (offset.0, None);
    }

    async fn next(&mut self) -> Result<Option<Record>, Failure> {
        let (split, offset) = (self.split, self.position);
        let there = self.access.alive().map(|world| world.record(usize::from(split.0), offset));
        let payload = match there {
            Some(Some(payload)) => payload,
            Some(None) => return Ok(None),
            None => pending().await,
        };
        let wait = self.time_left();
        if wait > 0 {
            Wait::new(&self.access, Wanted::Time(wait, Operation::Next)).await;
        }
        self.due = None;
        self.position += 1;
        Ok(Some(Record { id: RecordId { split, offset: SourceOffset(offset) }, payload }))
    }
}

/// What a process waits for.
enum Wanted {
    Errand(Errand),
    Time(u64, Operation),
}

/// One wait of one process, from asking to the answer.
struct Wait<'a> {
    access: &'a Access,
    state: WaitState,
}

enum WaitState {
    Wanted(Wanted),
    Started {
        wait: WaitId,
        operation: Operation,
        ordinal: u32,
    },
    /// Over, or inert for ever.
    Over,
}

impl<'a> Wait<'a> {
    fn new(access: &'a Access, wanted: Wanted) -> Self {
        Wait { access, state: WaitState::Wanted(wanted) }
    }

    /// Asks, and is inert if the process dies over it.
    fn start(&self, world: &mut World, wanted: Wanted, cx: &Context<'_>) -> WaitState {
        let (pid, waker) = (self.access.pid, cx.waker().clone());
        let (operation, started) = match wanted {
            Wanted::Errand(errand) => (errand.operation(), world.ask(pid, errand, waker)),
            Wanted::Time(span, operation) => {
                let started = world.sleep(pid, span, &operation, waker);
                (operation, started)
            }
        };
        match started {
            Some((wait, ordinal)) => WaitState::Started { wait, operation, ordinal },
            None => WaitState::Over,
        }
    }
}

impl Future for Wait<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let access = self.access;
        let Some(mut world) = access.alive() else {
            return Poll::Pending;
        };
        // In place: a request is large, and most polls find that there is no answer yet.
        let answer = match &self.state {
            WaitState::Started { wait, operation, ordinal } => {
                world.take_answer(access.pid, *wait, operation, *ordinal, cx.waker())
            }
            WaitState::Wanted(_) => {
                if let WaitState::Wanted(wanted) = std::mem::replace(&mut self.state, WaitState::Over) {
                    self.state = self.start(&mut world, wanted, cx);
                }
                None
            }
            WaitState::Over => None,
        };
        let Some(answer) = answer else {
            return Poll::Pending;
        };
        self.state = WaitState::Over;
        match world.life(access.pid).is_alive() {
            true => Poll::Ready(answer),
            false => Poll::Pending,
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let WaitState::Started { wait, .. } = self.state {
            self.access.world().forget(wait);
        }
    }
}
