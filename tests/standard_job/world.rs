//! The smallest world a job can run in: virtual time, one thread, and a network that loses, delays and repeats.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, pending, poll_fn, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use twophase::env::{Envelope, Head, Key, Value, Version};
use twophase::{
    Address, BoxError, BoxFuture, Broker, Capabilities, CheckpointStore, Clock, Ended, Env, Fact, Failure,
    Handle, Incarnation, Job, Life, Network, Next, Partition, Process, Record, RecordId, Role, Source,
    SourceOffset, Split, Timestamp, Transaction, TransactionalId,
};

/// All that outlives a process.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: u64,
    /// Wakers by time; the second number breaks ties.
    timers: BTreeMap<(u64, u64), Timer>,
    sequence: u64,
    inboxes: BTreeMap<(Role, u16, Life), Inbox>,
    lives: BTreeMap<(Role, u16), Life>,
    head: Option<(Version, Head)>,
    spawned: Vec<(Process, BoxFuture<()>)>,
    /// How many in a hundred messages are lost, and as many repeated.
    loss: u64,
    random: u64,
    input: u64,
    pub(crate) facts: Vec<Fact>,
}

enum Timer {
    Wake(Waker),
    Deliver(Address, Envelope),
    /// A write that nobody waits for any more.
    Write(Option<Version>, Head),
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Envelope>,
    waker: Option<Waker>,
}

/// One process's view of it.
#[derive(Clone)]
pub(crate) struct Here {
    world: World,
    me: Process,
}

struct Running {
    process: Process,
    future: BoxFuture<Option<Result<(), BoxError>>>,
    ready: Arc<Ready>,
}

struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// At which time which process dies.
pub(crate) type Crash = (u64, Role, u16);

/// Plays a job until its coordinator ends; the processes named die at their times and are back 100 ms later.
pub(crate) fn play(job: &impl Job<Here>, world: &World, parallelism: u16, mut crashes: VecDeque<Crash>) {
    let mut running = Vec::new();
    let roles =
        std::iter::once((Role::Coordinator, 0)).chain((0..parallelism).map(|index| (Role::Sink, index)));
    let mut starts: VecDeque<Crash> = roles.map(|(role, index)| (0, role, index)).collect();
    loop {
        let now = world.state().now;
        while let Some(&(_, role, index)) = starts.front().filter(|start| start.0 <= now) {
            starts.pop_front();
            running.push(start(job, world, role, index, parallelism));
        }
        while let Some(&(_, role, index)) = crashes.front().filter(|crash| crash.0 <= now) {
            crashes.pop_front();
            running
                .retain(|running: &Running| (running.process.role, running.process.index) != (role, index));
            starts.push_back((now + 100_000, role, index));
        }
        if poll_all(&mut running, world) {
            return;
        }
        if running
            .iter()
            .all(|running| !running.ready.0.load(Ordering::Relaxed))
        {
            let due = starts.iter().chain(&crashes).map(|due| due.0).min();
            world.advance(due);
        }
        assert!(
            world.state().now < 600_000_000,
            "stuck after {:?}",
            world.state().facts
        );
    }
}

fn start(job: &impl Job<Here>, world: &World, role: Role, index: u16, parallelism: u16) -> Running {
    let life = {
        let mut state = world.state();
        let life = state.lives.entry((role, index)).or_default();
        life.0 += 1;
        *life
    };
    let process = Process {
        role,
        index,
        life,
        parallelism,
        incarnation: Incarnation(0),
    };
    let main = job.start(Here {
        world: world.clone(),
        me: process,
    });
    let future = Box::pin(async move { Some(main.await) });
    let ready = Arc::new(Ready(AtomicBool::new(true)));
    Running {
        process,
        future,
        ready,
    }
}

/// Polls whoever is ready. Whether the job has ended. (A process that is killed twice within 100 ms comes back
/// twice, so there may be two coordinators, or a zombie beside its successor.)
fn poll_all(running: &mut Vec<Running>, world: &World) -> bool {
    let mut index = 0;
    while index < running.len() {
        let one = &mut running[index];
        index += 1;
        if !one.ready.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        let waker = Waker::from(one.ready.clone());
        if let Poll::Ready(end) = one.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            index -= 1;
            let ended = running.remove(index);
            if let Some(result) = end {
                result.expect("no process gives up");
                if world.state().facts.contains(&Fact::Finished) {
                    return true;
                }
                // As in a crash, what the process had spawned dies with it.
                let gone = |other: &Running| other.process.address() == ended.process.address();
                running.retain(|other| !gone(other));
                index = 0;
            }
        }
        for (process, task) in std::mem::take(&mut world.state().spawned) {
            let future = Box::pin(async move {
                task.await;
                None
            });
            let ready = Arc::new(Ready(AtomicBool::new(true)));
            running.push(Running {
                process,
                future,
                ready,
            });
        }
    }
    false
}

impl World {
    /// With this many records in each split, and this share of messages lost.
    pub(crate) fn new(seed: u64, input: u64, loss: u64) -> Self {
        let world = World::default();
        let mut state = world.state();
        (state.random, state.input, state.loss) = (seed, input, loss);
        drop(state);
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics under this lock")
    }

    /// What processes have noted.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        self.state().facts.clone()
    }

    /// Time goes on to whatever is next.
    fn advance(&self, due: Option<u64>) {
        let mut state = self.state();
        let timer = state.timers.first_key_value().map(|(&(at, _), _)| at);
        state.now = timer
            .into_iter()
            .chain(due)
            .min()
            .expect("somebody waits for something");
        let later = state.now;
        let rest = state.timers.split_off(&(later + 1, 0));
        let due = std::mem::replace(&mut state.timers, rest);
        for timer in due.into_values() {
            match timer {
                Timer::Wake(waker) => waker.wake(),
                Timer::Deliver(to, envelope) => state.deliver(to, envelope),
                Timer::Write(expected, head) => drop(state.write(expected, head)),
            }
        }
    }
}

impl State {
    fn at(&mut self, at: u64, timer: Timer) {
        self.sequence += 1;
        self.timers.insert((at, self.sequence), timer);
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn write(&mut self, expected: Option<Version>, head: Head) -> Result<Version, Failure> {
        let newest = self.head.as_ref().map(|(version, _)| *version);
        if newest != expected {
            return Err(Failure::new(Next::Fenced, "another version"));
        }
        let version = Version(newest.map_or(1, |version| version.0 + 1));
        self.head = Some((version, head));
        Ok(version)
    }

    fn deliver(&mut self, to: Address, envelope: Envelope) {
        let newest = self.lives.get(&(to.role, to.index)).copied().unwrap_or_default();
        let inbox = self
            .inboxes
            .entry((to.role, to.index, to.life.unwrap_or(newest)))
            .or_default();
        inbox.messages.push_back(envelope);
        if let Some(waker) = inbox.waker.take() {
            waker.wake();
        }
    }
}

impl Env for Here {
    type Clock = Here;
    type Network = Here;
    type Broker = Here;
    type Store = Here;
    type Source = Rows;

    fn clock(&self) -> &Here {
        self
    }
    fn network(&self) -> &Here {
        self
    }
    fn broker(&self) -> &Here {
        self
    }
    fn store(&self) -> &Here {
        self
    }
    fn source(&self, split: Split) -> Rows {
        Rows {
            here: self.clone(),
            next: RecordId {
                split,
                offset: SourceOffset(0),
            },
        }
    }
    fn me(&self) -> &Process {
        &self.me
    }
    fn identify(&self, me: Process) -> Self {
        Here { me, ..self.clone() }
    }
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.world.state().spawned.push((self.me, Box::pin(task)));
    }
    fn stopped(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
    fn note(&self, fact: Fact) {
        self.world.state().facts.push(fact);
    }
}

impl Clock for Here {
    fn now(&self) -> Timestamp {
        Timestamp(self.world.state().now)
    }

    async fn sleep(&self, span: Duration) {
        let until = self.now().after(span).0;
        let mut armed = false;
        poll_fn(|cx| {
            let mut state = self.world.state();
            if state.now >= until {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut armed, true) {
                state.at(until, Timer::Wake(cx.waker().clone()));
            }
            Poll::Pending
        })
        .await
    }
}

impl Network for Here {
    async fn send(&self, to: Address, _label: &'static str, body: Bytes) {
        let mut state = self.world.state();
        let copies = match state.draw(100) {
            n if n < state.loss => 0,
            n if n < 2 * state.loss => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let at = state.now + 200 + state.draw(2_000);
            let from = self.me.address();
            let body = body.clone();
            state.at(at, Timer::Deliver(to, Envelope { from, body }));
        }
    }

    async fn receive(&self) -> Envelope {
        poll_fn(|cx| {
            let mut state = self.world.state();
            let inbox = state
                .inboxes
                .entry((self.me.role, self.me.index, self.me.life))
                .or_default();
            match inbox.messages.pop_front() {
                Some(envelope) => Poll::Ready(envelope),
                None => {
                    inbox.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl CheckpointStore for Here {
    async fn read(&self, _key: &Key) -> Result<Option<(Version, Value)>, Failure> {
        self.sleep(Duration::from_micros(500)).await;
        let head = self.world.state().head.clone();
        Ok(head.map(|(version, head)| (version, Value::Head(head))))
    }

    async fn put(&self, _key: &Key, expected: Option<Version>, value: Value) -> Result<Version, Failure> {
        self.sleep(Duration::from_micros(500)).await;
        let Value::Head(head) = value else {
            return Err(Failure::new(Next::Fatal, "only the head is kept here"));
        };
        let answer = {
            let mut state = self.world.state();
            let unknown = || Err(Failure::new(Next::OutcomeUnknown, "no answer"));
            match state.draw(100) {
                n if n < state.loss => state.write(expected, head).and_then(|_| unknown()),
                n if n < 2 * state.loss => {
                    let late = state.now + state.draw(150_000);
                    state.at(late, Timer::Write(expected, head));
                    unknown()
                }
                _ => state.write(expected, head),
            }
        };
        self.sleep(Duration::from_micros(500)).await;
        answer
    }
}

/// A split that gives a record every now and then.
pub(crate) struct Rows {
    here: Here,
    next: RecordId,
}

impl Source for Rows {
    fn seek(&mut self, offset: SourceOffset) {
        self.next.offset = offset;
    }

    async fn next(&mut self) -> Result<Option<Record>, Failure> {
        if self.next.offset.0 >= self.here.world.state().input {
            return Ok(None);
        }
        self.here.sleep(Duration::from_micros(300)).await;
        let id = self.next;
        self.next.offset = id.offset.next();
        let payload = Bytes::new();
        Ok(Some(Record { id, payload }))
    }
}

/// The sinks of this test bring their own target; nobody asks this one for anything.
impl Broker for Here {
    type Transaction = Here;

    fn capabilities(&self) -> Capabilities {
        unreachable!("no sink here uses the broker")
    }
    fn begin(&self, _: &TransactionalId) -> impl Future<Output = Result<Here, Failure>> + Send {
        ready(Err(no_broker()))
    }
    fn commit(&self, all: &[Handle], _: &[u8]) -> impl Future<Output = Vec<Result<Ended, Failure>>> + Send {
        ready(all.iter().map(|_| Err(no_broker())).collect())
    }
    fn abort(&self, _: &Handle) -> impl Future<Output = Result<Ended, Failure>> + Send {
        ready(Err(no_broker()))
    }
    fn fence(&self, _: &TransactionalId) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Err(no_broker()))
    }
    fn lingering(&self, _: &str) -> impl Future<Output = Result<Vec<Handle>, Failure>> + Send {
        ready(Err(no_broker()))
    }
    fn progress(&self, _: &TransactionalId) -> impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send {
        ready(Err(no_broker()))
    }
}

impl Transaction for Here {
    fn handle(&self) -> Handle {
        unreachable!("no transaction was ever begun")
    }
    fn append(&mut self, _: Partition, _: Record) -> impl Future<Output = Result<(), Failure>> + Send {
        ready(Err(no_broker()))
    }
    fn pre_commit(&mut self) -> impl Future<Output = Result<Handle, Failure>> + Send {
        ready(Err(no_broker()))
    }
}

fn no_broker() -> Failure {
    Failure::new(Next::Fatal, "there is no broker here")
}
