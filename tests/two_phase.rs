//! The V1 sink over a target in memory, dropped at every await there is.
//!
//! Small enough to be complete: one sink, six records, a checkpoint after every two. The stage does the same over
//! a real protocol and with more than one process.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use twophase::two_phase::{Begun, Misuse, Options, State};
use twophase::{
    CheckpointId, Clock, Failure, Next, Participant, Record, RecordId, Sink, SourceOffset, Split, Timestamp,
    TwoPhase,
};

const INPUT: u64 = 6;

/// What a crash of the sink cannot take.
#[derive(Default)]
struct Durable {
    begun: u32,
    staged: BTreeMap<u32, Vec<u64>>,
    aborted: BTreeSet<u32>,
    committed: Vec<u64>,
    triggered: u64,
    completed: Option<Checkpoint>,
}

#[derive(Clone)]
struct Checkpoint {
    id: CheckpointId,
    sink: Vec<u8>,
    resume_at: u64,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<Durable>>);

impl World {
    fn durable(&self) -> MutexGuard<'_, Durable> {
        self.0.lock().expect("no test panics while it holds the world")
    }
}

/// A place to die.
async fn gap() {
    let mut passed = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut passed, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// One hook: a request that may die on its way, and an answer that may.
async fn request<T>(world: &World, apply: impl FnOnce(&mut Durable) -> T) -> T {
    gap().await;
    let answer = apply(&mut world.durable());
    gap().await;
    answer
}

impl Participant for World {
    type Handle = u32;
    type Context = ();

    async fn begin(&mut self) -> Result<u32, Failure> {
        request(self, |durable| {
            durable.begun += 1;
            durable.staged.insert(durable.begun, Vec::new());
            Ok(durable.begun)
        })
        .await
    }

    async fn write(&mut self, open: &mut u32, record: Record) -> Result<(), Failure> {
        request(self, |durable| {
            let staged = durable.staged.get_mut(open);
            let staged = staged.ok_or(Failure::new(Next::Fatal, "written to what has ended"))?;
            staged.push(record.id.offset.0);
            Ok(())
        })
        .await
    }

    async fn pre_commit(&mut self, _: CheckpointId, _: &mut u32) -> Result<(), Failure> {
        gap().await;
        Ok(())
    }

    async fn commit(&mut self, promised: &u32) -> Result<(), Failure> {
        request(self, |durable| {
            if durable.aborted.contains(promised) {
                return Err(Failure::new(Next::AlreadyEnded, "promised, but aborted"));
            }
            let staged = durable.staged.remove(promised).unwrap_or_default(); // nothing the second time
            durable.committed.extend(staged);
            Ok(())
        })
        .await
    }

    async fn abort(&mut self, open: &u32) -> Result<(), Failure> {
        request(self, |durable| {
            durable.staged.remove(open);
            durable.aborted.insert(*open);
            Ok(())
        })
        .await
    }
}

#[derive(Clone)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    async fn sleep(&self, _: Duration) {}
}

fn sink(world: &World) -> TwoPhase<World, Stopped> {
    TwoPhase::new(world.clone(), Stopped, Options::default())
}

fn record(offset: u64) -> Record {
    let id = RecordId { split: Split(0), offset: SourceOffset(offset) };
    Record { id, payload: "".into() }
}

/// One life of a job: from its newest checkpoint to the end of the input. The notice of every second checkpoint
/// is lost.
async fn live(world: World) -> Result<(), Failure> {
    let from = world.durable().completed.clone();
    let mut sink = sink(&world);
    let restored: Vec<&[u8]> = from.iter().map(|checkpoint| &checkpoint.sink[..]).collect();
    sink.open(from.as_ref().map(|checkpoint| checkpoint.id), &restored).await?;
    for offset in from.as_ref().map_or(0, |checkpoint| checkpoint.resume_at)..INPUT {
        sink.write(record(offset)).await?;
        if offset % 2 == 1 {
            let id = checkpoint(&world, &mut sink, offset + 1).await?;
            if id.0 % 2 == 1 {
                sink.complete(id).await?;
            }
        }
    }
    sink.finish().await?;
    let last = checkpoint(&world, &mut sink, INPUT).await?;
    sink.complete(last).await?;
    sink.close().await
}

async fn checkpoint(
    world: &World,
    sink: &mut TwoPhase<World, Stopped>,
    resume_at: u64,
) -> Result<CheckpointId, Failure> {
    world.durable().triggered += 1;
    let id = CheckpointId(world.durable().triggered);
    let sink = sink.snapshot(id).await?;
    let checkpoint = Checkpoint { id, sink, resume_at };
    request(world, |durable| durable.completed = Some(checkpoint)).await;
    Ok(id)
}

/// Polls so often, then drops. Engines move sinks between threads, so the future must be `Send`.
fn crash_after<T>(polls: usize, future: impl Future<Output = T> + Send) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn to_the_end<T>(future: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Failure> {
    crash_after(usize::MAX, future).expect("nothing but gaps is waited for")
}

/// Crashes after these numbers of polls, one life after the other, and then lets one live. Whether all of them
/// struck before the job was done.
fn survives(crashes: &[usize]) -> bool {
    let world = World::default();
    let struck = crashes.iter().all(|&polls| match crash_after(polls, live(world.clone())) {
        Some(done) => done.map(|()| false).unwrap_or_else(|why| panic!("{crashes:?}: {why}")),
        None => true,
    });
    if struck {
        to_the_end(live(world.clone())).unwrap_or_else(|why| panic!("{crashes:?}: {why}"));
    }
    let durable = world.durable();
    assert!(durable.committed.iter().copied().eq(0..INPUT), "{crashes:?}: {:?}", durable.committed);
    struck
}

#[test]
fn a_crash_at_any_await_loses_and_duplicates_nothing() {
    let awaits = (0..).take_while(|&polls| survives(&[polls])).count();
    assert!(awaits > 40, "only {awaits} places to die were found");
}

#[test]
fn a_second_crash_at_any_await_of_the_restored_life_neither() {
    for first in (0..).take_while(|&polls| survives(&[polls])) {
        (0..).take_while(|&second| survives(&[first, second])).for_each(drop);
    }
}

#[test]
fn unreadable_bytes_are_refused_before_anything_is_settled() {
    let world = World::default();
    to_the_end(async { sink(&world).open(None, &[]).await }).unwrap();
    let good = State::<u32, ()> {
        current: None,
        pending: vec![Begun { handle: 1, start: Timestamp(0) }],
        context: None,
    };

    let mut sink = sink(&world);
    let failure = to_the_end(sink.open(None, &[&good.encode().unwrap(), &[7]])).unwrap_err();

    assert_eq!(failure.to_string(), "the sink's state has format 7, expected 1");
    assert!(world.durable().staged.contains_key(&1), "the first state was touched");
}

#[test]
fn a_sink_out_of_order_says_so() {
    let world = World::default();
    let mut sink = sink(&world);
    let misuse = |failure: Failure| failure.cause().downcast_ref().copied();

    let unopened = to_the_end(sink.write(record(0))).unwrap_err();
    assert_eq!(misuse(unopened), Some(Misuse::NoTransaction));
    let unopened = to_the_end(sink.snapshot(CheckpointId(1))).unwrap_err();
    assert_eq!(misuse(unopened), Some(Misuse::NotOpened));
}
