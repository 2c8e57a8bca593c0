//! What a process on the stage is given: the abstract capabilities, backed by the world.
//!
//! Every future here is inert from the moment its process dies: it stays pending and changes nothing, also
//! when it is polled from a `join!` arm or asked for in a `Drop`. What a process asks for leaves when it asks, and not
//! when the future is polled first.

mod access;
mod signals;
mod source;
mod wait;

pub(crate) use access::{Access, Entered, Place, Rooms};
pub use source::SimSource;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use twophase::env::{CheckpointStore, Clock, Envelope, Key, Network, Timestamp, Value, Version};
use twophase::kafka::protocol::{Request, Response};
use twophase::kafka::{KafkaBroker, KafkaOptions, Port, Unanswered};
use twophase::{Address, Env, Fact, Failure, Next, Process, ShortBytes, Split};

use self::signals::{Receive, Stopped};
use self::wait::Wait;
use crate::schedule::Schedule;
use crate::seed::micros;
use crate::site::Call;
use crate::world::{Answer, Chore, EPOCH, StoreAnswer, StoreRequest, World};

/// The environment of one process on the stage.
#[derive(Clone, Debug)]
pub struct SimEnv {
    access: Access,
    schedule: Arc<Schedule>,
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

impl SimEnv {
    pub(crate) fn new(access: Access, schedule: Arc<Schedule>, me: Process) -> Self {
        let (clock, port) = (SimClock(access), SimPort(access));
        SimEnv {
            me,
            network: SimNetwork(access),
            store: SimStore(access),
            broker: KafkaBroker::new(port.clone(), clock.clone(), options_of(&schedule)),
            clock,
            port,
            access,
            schedule,
        }
    }

    /// The way to the broker below the client: for subjects that bring a client of their own.
    pub fn port(&self) -> &SimPort {
        &self.port
    }

    /// The options of the client that [`Env::broker`] is: for a client of one's own.
    pub fn kafka_options(&self) -> KafkaOptions {
        options_of(&self.schedule)
    }

    /// What this history is: for subjects that depend on its protocol or naming.
    pub fn schedule(&self) -> Arc<Schedule> {
        self.schedule.clone()
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

// What nearly every poll of a process asks for can be inlined into the crate whose process it is: hence the hints, here and in
// `env/`.
impl Env for SimEnv {
    type Clock = SimClock;
    type Network = SimNetwork;
    type Broker = KafkaBroker<SimPort, SimClock>;
    type Store = SimStore;
    type Source = SimSource;

    #[inline]
    fn clock(&self) -> &SimClock {
        &self.clock
    }

    #[inline]
    fn network(&self) -> &SimNetwork {
        &self.network
    }

    #[inline]
    fn broker(&self) -> &Self::Broker {
        &self.broker
    }

    #[inline]
    fn store(&self) -> &SimStore {
        &self.store
    }

    fn source(&self, split: Split) -> SimSource {
        SimSource::new(self.access, split)
    }

    #[inline]
    fn me(&self) -> &Process {
        &self.me
    }

    fn identify(&self, me: Process) -> Self {
        SimEnv { me, ..self.clone() }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // If the world does not take it, because its process is dead, it is dropped here, as it may do anything then.
        let mut chore = Some(Chore::Spawn(self.access.pid, Box::pin(task)));
        self.access.alive(|world| world.chores.extend(chore.take()));
    }

    #[inline]
    fn stopped(&self) -> impl Future<Output = ()> + Send {
        Stopped::new(self.access)
    }

    fn note(&self, fact: Fact) {
        self.access.alive(|world| world.note(self.access.pid, &fact));
    }
}

impl Clock for SimClock {
    #[inline]
    fn now(&self) -> Timestamp {
        self.0.world(|world| world.clock(self.0.pid)).unwrap_or(Timestamp(EPOCH))
    }

    #[inline]
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send {
        Wait::begin(self.0, |world, pid| world.sleep(pid, micros(span), Call::Sleep), |_| ())
    }
}

impl Network for SimNetwork {
    fn send(&self, to: Address, label: &'static str, body: ShortBytes) -> impl Future<Output = ()> + Send {
        let sent = match self.0.enter() {
            Some(mut world) => world.send(self.0.pid, to, label, body),
            None => false,
        };
        poll_fn(move |_| if sent { Poll::Ready(()) } else { Poll::Pending })
    }

    #[inline]
    fn receive(&self) -> impl Future<Output = Envelope> + Send {
        Receive::new(self.0)
    }
}

impl Port for SimPort {
    fn call(&self, request: &Arc<Request>) -> impl Future<Output = Result<Response, Unanswered>> + Send {
        let ask = |world: &mut World, pid| world.ask(pid, request.clone());
        Wait::begin(self.0, ask, |answer| match answer {
            Some(answer) => answer.take_response(),
            None => Err(Unanswered),
        })
    }
}

impl CheckpointStore for SimStore {
    async fn read(&self, key: &Key) -> Result<Option<(Version, Value)>, Failure> {
        match self.ask(StoreRequest::Read(key.clone())).await? {
            StoreAnswer::Read(stored) => Ok(stored.map(|stored| *stored)),
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
        let ask = |world: &mut World, pid| world.ask(pid, Box::new(request));
        Wait::begin(self.0, ask, |answer| {
            let stored = answer.and_then(Answer::take_stored);
            stored.ok_or_else(|| Failure::new(Next::OutcomeUnknown, Unanswered))
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
