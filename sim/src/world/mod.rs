//! The world of one history: the processes, what dies with them and what outlives them; one step.
//!
//! ```text
//!            ask                    arrive                 apply
//!  process ───────► calls ──► queue ───────► broker, store ──────► events ──► watch
//!     ▲                         │                 │
//!     └───── poll ◄── waits ◄───┴──── answer ◄────┘
//! ```
//!
//! The world holds the processes and the order of steps. The log, the store, the links and the readers own
//! their own state; faults strike on the way between them, never inside.

pub(crate) mod bells;
mod broker;
mod calls;
mod flight;
mod life;
mod links;
mod messages;
mod processes;
mod queue;
mod readers;
mod store;
mod strike;
mod touched;
mod under_way;
mod waits;

use std::collections::BTreeMap;
use std::sync::Arc;

use twophase::{Fact, Payload, Timestamp};

pub(crate) use calls::{Ending, Looked};
pub(crate) use flight::Answer;
pub(crate) use life::{Condition, LifeState, Pid};
pub(crate) use messages::Received;
pub(crate) use store::{StoreAnswer, StoreRequest};
pub(crate) use waits::{Asked, WaitId};

use crate::coverage::Calls;
use crate::digest;
use crate::event::{Actor, Event, Observer, What};
use crate::executor::{TaskFuture, TaskId, WakerId};
use crate::log::{self, AnyLog, Effect, MarkerWrite};
use crate::memory::Room;
use crate::schedule::{Schedule, Span};
use crate::seed::{Purpose, Stream, StreamId, Streams, micros};
use crate::site::{Call, Name};
use crate::watch::{self, Watch};
use broker::BrokerCondition;
use flight::Flight;
use life::Lives;
use links::Cuts;
use messages::Parcel;
use queue::Queue;
use readers::Readers;
use store::Store;
use under_way::{Ticket, UnderWay};
use waits::Waits;

/// What the clocks of all machines show when a history begins, so that none can be set back before zero.
pub(crate) const EPOCH: u64 = 1_000_000_000_000;

/// What will happen. Small, because the queue moves it: what is large waits in a place of its own.
#[derive(Clone, Copy)]
enum Happening {
    /// A request reaches the other side.
    Arrive(Ticket<Flight>),
    /// Its answer reaches the process.
    Answer(Ticket<Flight>),
    /// It is given up.
    GiveUp(Ticket<Flight>),
    /// A wait for the clock is over.
    Wake(Ticket<WaitId>),
    /// A message reaches its receiver.
    Deliver(Ticket<Parcel>),
    /// A process starts again, if it is still down.
    Start(Name),
    /// A process that was taken for dead is replaced.
    Replace(Pid),
    /// A process that stood still goes on.
    Resume(Pid),
    /// A marker reaches its partition.
    Marker(Ticket<MarkerWrite>),
    /// The broker looks for transactions that have timed out.
    Sweep,
    /// The broker has started again.
    BrokerUp,
    /// The transaction coordinator has been found again, and loads.
    CoordinatorMoved,
    /// A fault that has a time strikes.
    Strike(u32),
    /// Everything is repaired.
    Heal,
}

/// The world of one history.
pub(crate) struct World {
    pub(crate) schedule: Arc<Schedule>,
    /// The job has no coordinator: each process ends when its part is done.
    alone: bool,
    pub(crate) watch: Watch,
    /// What the driver has to do before the next step.
    pub(crate) chores: Vec<Chore>,
    /// The tasks whose waits have ended, in that order.
    pub(crate) woken: Vec<TaskId>,
    now: u64,
    steps: u64,
    queue: Queue<Happening>,
    waits: Waits<Ending>,
    sleeps: UnderWay<WaitId>,
    flights: UnderWay<Flight>,
    parcels: UnderWay<Parcel>,
    marker_writes: UnderWay<MarkerWrite>,
    lives: Lives,
    streams: Streams,
    cuts: Cuts,
    /// Nothing can befall what a process sends that is not in danger itself, and nobody writes down how it goes: nearly
    /// always. One question instead of two whenever something sets off.
    ways_are_clear: bool,
    /// How many messages were sent on their way, requests and answers too.
    sent: u64,
    log: AnyLog,
    store: Store,
    readers: Readers,
    pace: Pace,
    paces: BTreeMap<u64, StreamId>,
    markers: Vec<StreamId>,
    effects: Vec<Effect>,
    broker: BrokerCondition,
    /// How far the clock of the broker in charge is ahead, in microseconds.
    broker_clock: u64,
    slow_markers: Option<(u64, u64)>,
    /// Until when markers are written twice, and how much later.
    repeated_markers: Option<(u64, u64)>,
    struck: Vec<bool>,
    healed: bool,
    /// A process has ended, or the job has said that it is done. Before that no job is done, and none has given up.
    ends: bool,
    /// A process has stood still. Before that none does, and nobody needs to look.
    paused: bool,
    gave_up: Option<String>,
    /// What a process said last when it gave up, of a job without a coordinator.
    last_words: Option<String>,
}

/// How long things take, in microseconds.
#[derive(Clone)]
struct Pace {
    latency: (u64, u64),
    store: (u64, u64),
    source: (u64, u64),
    markers: (u64, u64),
    request_timeout: u64,
}

impl Pace {
    fn of(schedule: &Schedule) -> Self {
        let timing = &schedule.timing;
        let span = |span: Span| (micros(span.min), micros(span.max));
        Pace {
            latency: span(timing.latency),
            store: span(timing.store),
            source: span(timing.pace),
            markers: span(schedule.broker.markers),
            request_timeout: micros(timing.request_timeout),
        }
    }
}

/// What a world leaves to that of the next history.
#[derive(Default)]
pub(crate) struct Rooms {
    chores: Room<Chore>,
    woken: Room<TaskId>,
    queue: Room<(u64, Happening)>,
    waits: waits::Rooms<Ending>,
    sleeps: under_way::Rooms<WaitId>,
    flights: under_way::Rooms<Flight>,
    parcels: under_way::Rooms<Parcel>,
    marker_writes: under_way::Rooms<MarkerWrite>,
    lives: Room<LifeState>,
    streams: Room<Stream>,
    struck: Room<bool>,
    markers: Room<StreamId>,
    effects: Room<Effect>,
}

/// What only the driver can do, because it needs the futures or the subject.
pub(crate) enum Chore {
    /// Drop the futures of a life.
    Drop(Pid),
    /// Begin a life.
    Start(Pid),
    /// Add a task that was spawned.
    Spawn(Pid, TaskFuture),
    /// Take up a task that was woken while its process stood still.
    Wake(TaskId),
}

impl Chore {
    /// Of several, those of one kind are done before those of the next.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Chore::Drop(_) => 0,
            Chore::Start(_) => 1,
            Chore::Spawn(..) => 2,
            Chore::Wake(_) => 3,
        }
    }
}

impl World {
    pub(crate) fn new(schedule: Arc<Schedule>, alone: bool, log: AnyLog, watch: Watch, rooms: Rooms) -> Self {
        let mut streams = Streams::new(schedule.timing.seed, rooms.streams);
        let partitions = schedule.settings.partitions;
        let mut markers = rooms.markers.vector(partitions as usize);
        markers.extend((0..partitions).map(|of| streams.begin(Purpose::Marker, of.into())));
        let mut world = World {
            alone,
            ways_are_clear: watch.history.is_none(),
            watch,
            chores: rooms.chores.vector(8),
            woken: rooms.woken.vector(8),
            now: 0,
            steps: 0,
            queue: Queue::new(rooms.queue),
            waits: Waits::new(rooms.waits),
            sleeps: UnderWay::new(rooms.sleeps, 16),
            flights: UnderWay::new(rooms.flights, 16),
            parcels: UnderWay::new(rooms.parcels, 16),
            marker_writes: UnderWay::new(rooms.marker_writes, 8),
            lives: Lives::new(rooms.lives),
            streams,
            cuts: Cuts::default(),
            sent: 0,
            log,
            store: Store::default(),
            readers: Readers::new(partitions),
            pace: Pace::of(&schedule),
            paces: BTreeMap::new(),
            markers,
            effects: rooms.effects.vector(8),
            broker: BrokerCondition::Up,
            broker_clock: 0,
            slow_markers: None,
            repeated_markers: None,
            struck: rooms.struck.filled(schedule.faults.len(), false),
            healed: false,
            ends: false,
            paused: false,
            gave_up: None,
            last_words: None,
            schedule,
        };
        world.plan();
        world
    }

    /// It is over; what it leaves to the next one.
    pub(crate) fn leave(self) -> (Rooms, log::Rooms, watch::Rooms) {
        let rooms = Rooms {
            chores: Room::of(self.chores),
            woken: Room::of(self.woken),
            queue: self.queue.leave(),
            waits: self.waits.leave(),
            lives: self.lives.leave(),
            streams: self.streams.leave(),
            struck: Room::of(self.struck),
            markers: Room::of(self.markers),
            effects: Room::of(self.effects),
            sleeps: self.sleeps.leave(),
            flights: self.flights.leave(),
            parcels: self.parcels.leave(),
            marker_writes: self.marker_writes.leave(),
        };
        (rooms, self.log.leave(), self.watch.leave())
    }

    /// Everything that is known to happen before anything has.
    fn plan(&mut self) {
        let schedule = self.schedule.clone();
        if !self.alone {
            self.queue.push(0, Happening::Start(Name::COORDINATOR));
        }
        for index in 0..schedule.settings.parallelism {
            self.queue.push(0, Happening::Start(Name::sink(index)));
        }
        for (index, fault) in schedule.faults.iter().enumerate() {
            if let Some(time) = fault.time() {
                self.queue.push(micros(time), Happening::Strike(index as u32));
            }
        }
        self.queue.push(micros(schedule.broker.sweep_phase), Happening::Sweep);
        self.queue.push(micros(schedule.heal_at), Happening::Heal);
    }

    /// Microseconds since the history began.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// How many things have happened.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// How many messages were sent, requests and answers too.
    pub(crate) fn messages(&self) -> u64 {
        self.sent
    }

    /// Which faults of the schedule have struck, by index.
    pub(crate) fn struck(&self) -> &[bool] {
        &self.struck
    }

    /// Which calls the processes have made.
    pub(crate) fn calls(&self) -> Calls {
        let mut calls = Calls::default();
        self.lives.iter().flat_map(LifeState::made).for_each(|(call, _)| calls.note(&call.into()));
        calls
    }

    /// The call that one life of a process has made most often.
    pub(crate) fn most_made(&self) -> Option<(Name, Call, u32)> {
        let of = |life: &LifeState| life.made().max_by_key(|(_, count)| *count).map(|made| (life.name, made));
        let most = self.lives.iter().filter_map(of).max_by_key(|(_, (_, count))| *count);
        most.map(|(name, (call, count))| (name, call, count))
    }

    /// How many messages with this label were sent, by all lives together.
    pub(crate) fn sent(&self, label: &str) -> u64 {
        let made = self.lives.iter().flat_map(LifeState::made);
        let sent = made.filter(|(call, _)| matches!(call, Call::Send(sent) if *sent == label));
        sent.map(|(_, count)| u64::from(count)).sum()
    }

    /// A digest of all that outlives the job: what the broker and the checkpoint store hold.
    pub(crate) fn state(&self) -> u64 {
        digest::of(&(touched::all(&self.log), &self.store))
    }

    pub(crate) fn life(&mut self, pid: Pid) -> &mut LifeState {
        &mut self.lives[pid]
    }

    /// Whether what this process asks for still counts.
    #[inline]
    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.lives[pid].is_alive()
    }

    /// Whether this process stands still.
    #[inline(always)]
    pub(crate) fn is_paused(&self, pid: Pid) -> bool {
        self.paused && self.lives[pid].condition == Condition::Paused
    }

    /// From here on this task is polled, or none is.
    #[inline]
    pub(crate) fn polls(&mut self, task: Option<(TaskId, WakerId)>) {
        self.waits.polls(task);
    }

    /// The time on the machine of this process.
    #[inline]
    pub(crate) fn clock(&self, pid: Pid) -> Timestamp {
        Timestamp((EPOCH + self.now).saturating_add_signed(self.lives[pid].clock_off))
    }

    /// The next thing happens. Whether there was one; if not, nothing will ever happen again.
    pub(crate) fn step(&mut self) -> bool {
        if self.queue.is_empty() {
            return false;
        }
        let (time, happening) = self.queue.pop();
        self.now = self.now.max(time);
        self.steps += 1;
        match happening {
            Happening::Arrive(flight) => self.arrive(flight),
            Happening::Answer(flight) => self.answer(flight),
            Happening::GiveUp(flight) => self.give_up(flight),
            Happening::Wake(sleep) => {
                let wait = self.sleeps.take(sleep);
                let _ = self.waits.end(wait, Ending::Woke, &mut self.woken); // who waited may be gone
            }
            Happening::Deliver(parcel) => self.deliver(parcel),
            Happening::Start(name) => self.start(name),
            Happening::Replace(pid) => self.replace(pid),
            Happening::Resume(pid) => self.resume(pid),
            Happening::Marker(write) => self.write_marker(write),
            Happening::Sweep => self.sweep(),
            Happening::BrokerUp => self.broker_up(),
            Happening::CoordinatorMoved => self.coordinator_moved(),
            Happening::Strike(fault) => self.strike_at_time(fault as usize),
            Happening::Heal => self.heal(),
        }
        true
    }

    /// For what happens often there is `watch/often.rs`.
    fn emit(&mut self, who: Actor, what: What<'_>) {
        self.watch.see(&Event { at: self.now, who, what });
    }

    /// A process that lives says something of itself.
    #[inline(always)]
    pub(crate) fn note(&mut self, pid: Pid, fact: &Fact) {
        self.watch.noted(self.now, self.lives[pid].actor(), fact);
        self.ends |= matches!(fact, Fact::Finished);
    }

    /// Harm is over: everything is repaired, and nothing strikes any more.
    #[cold]
    fn heal(&mut self) {
        self.healed = true;
        self.lives.iter_mut().for_each(|life| life.armed.clear());
        self.cuts.clear();
        self.ways_are_clear = self.watch.history.is_none();
        self.slow_markers = None;
        self.repeated_markers = None;
        self.emit(Actor::World, What::Healed);
        self.broker_up();
        for pid in self.lives.pids() {
            self.resume(pid);
            if self.lives[pid].current && self.lives[pid].condition == Condition::Dead {
                self.start(self.lives[pid].name);
            }
        }
    }

    /// The record at this place, if the split has it.
    #[inline(always)]
    pub(crate) fn record(&self, split: usize, offset: u64) -> Option<Payload> {
        self.schedule.input.get(split)?.get(offset as usize).cloned()
    }

    /// How long the source of this split needs, this time.
    #[inline(always)]
    pub(crate) fn source_delay(&mut self, pid: Pid, split: u16) -> u64 {
        match self.pace.source {
            (_, 0) => 0,
            pace => self.drawn_source_delay(pid, split, pace),
        }
    }

    #[cold]
    fn drawn_source_delay(&mut self, pid: Pid, split: u16, (min, max): (u64, u64)) -> u64 {
        let key = u64::from(split) << 16 | u64::from(self.lives[pid].life.0 & 0xffff);
        let stream = *self.paces.entry(key).or_insert_with(|| self.streams.begin(Purpose::Pace, key));
        self.streams.at(stream).delay_within(min..max)
    }

    /// What decides in which order the tasks of this process are polled.
    pub(crate) fn poll_order(&mut self, pid: Pid) -> &mut Stream {
        let LifeState { name, life, poll_order, .. } = &mut self.lives[pid];
        let of = u64::from(name.role as u8) << 32 | u64::from(name.index) << 16 | u64::from(life.0);
        let stream = *poll_order.get_or_insert_with(|| self.streams.begin(Purpose::Poll, of));
        self.streams.at(stream)
    }
}
