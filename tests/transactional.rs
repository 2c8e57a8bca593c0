//! The participant over a broker, and the order of what it does at a restore.

mod support;

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};

use support::{Naps, now};
use twophase::env::{Envelope, Finish, Key, Outcomes, Scope, Value, Version};
use twophase::naming::Naming;
use twophase::*;

/// What is open at the broker, by name; the number tells the transactions under one name apart.
#[derive(Clone, Debug, Default)]
struct Target {
    open: Arc<Mutex<BTreeMap<TransactionalId, u8>>>,
    calls: Arc<Mutex<Vec<String>>>,
    silent_begins: Arc<Mutex<u32>>,
    commits: Arc<Mutex<Vec<Result<Ended, Next>>>>,
}

#[derive(Debug)]
struct Open {
    target: Target,
    handle: Handle,
}

fn handle(name: &str, which: u8) -> Handle {
    Handle { id: TransactionalId::new(name), format: 1, bytes: [which].into() }
}

impl Target {
    fn call(&self, what: &str, id: &TransactionalId) {
        self.calls.lock().unwrap().push(format!("{what} {id}"));
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn has_open(self, name: &str, which: u8) -> Self {
        self.open.lock().unwrap().insert(TransactionalId::new(name), which);
        self
    }

    /// The next commit is answered so.
    fn answers(&self, ended: Result<Ended, Next>) {
        self.commits.lock().unwrap().push(ended);
    }
}

impl Broker for Target {
    type Transaction = Open;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            finish: Finish::ByHandle,
            commit: Scope::Transaction,
            expires_after: None,
            epoch_per_transaction: false,
            fences: true,
            tells_fate: false,
            lists: true,
            progress: false,
        }
    }

    async fn begin(&self, id: &TransactionalId) -> Result<Open, Failure> {
        self.call("begin", id);
        let mut silent = self.silent_begins.lock().unwrap();
        if *silent > 0 {
            *silent -= 1;
            return Err(Failure::new(Next::OutcomeUnknown, "no answer"));
        }
        self.open.lock().unwrap().insert(id.clone(), 0);
        Ok(Open { target: self.clone(), handle: handle(id.as_str(), 0) })
    }

    async fn commit(&self, all: &[Handle], _token: &[u8]) -> Outcomes {
        let one = |handle: &Handle| {
            self.call("commit", &handle.id);
            let answer = self.commits.lock().unwrap().pop().unwrap_or(Ok(Ended::Now));
            if answer == Ok(Ended::Now) {
                self.open.lock().unwrap().remove(&handle.id);
            }
            answer.map_err(|next| Failure::new(next, "as the test says"))
        };
        all.iter().map(one).collect()
    }

    async fn abort(&self, one: &Handle) -> Result<Ended, Failure> {
        self.call("abort", &one.id);
        self.open.lock().unwrap().remove(&one.id);
        Ok(Ended::Now)
    }

    async fn fence(&self, id: &TransactionalId) -> Result<(), Failure> {
        self.call("fence", id);
        self.open.lock().unwrap().remove(id);
        Ok(())
    }

    async fn lingering(&self, prefix: &str) -> Result<Vec<Handle>, Failure> {
        let open = self.open.lock().unwrap();
        let ours = open.iter().filter(|(id, _)| id.as_str().starts_with(prefix));
        Ok(ours.map(|(id, which)| handle(id.as_str(), *which)).collect())
    }

    async fn progress(&self, _id: &TransactionalId) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }
}

impl Transaction for Open {
    fn handle(&self) -> &Handle {
        &self.handle
    }

    async fn append(&mut self, to: Partition, record: Record) -> Result<(), Failure> {
        self.target.call(&format!("append {} to {to} of", record.id), &self.handle.id);
        Ok(())
    }

    async fn pre_commit(&mut self) -> Result<Handle, Failure> {
        self.handle.bytes = [100].into(); // not the bytes it had when it was opened
        Ok(self.handle.clone())
    }
}

/// A process with nothing but a name, a broker, and a pocket for facts.
#[derive(Clone)]
struct World {
    me: Process,
    target: Target,
    facts: Arc<Mutex<Vec<Fact>>>,
    clock: Naps,
}

struct Nothing;

impl Network for Nothing {
    async fn send(&self, _to: Address, _label: &'static str, _body: ShortBytes) {}
    async fn receive(&self) -> Envelope {
        pending().await
    }
}

impl CheckpointStore for Nothing {
    async fn read(&self, _key: &Key) -> Result<Option<(Version, Value)>, Failure> {
        Ok(None)
    }
    async fn put(&self, _: &Key, _: Option<Version>, _: Value) -> Result<Version, Failure> {
        Err(Failure::new(Next::Fatal, "there is no store here"))
    }
}

impl Source for Nothing {
    fn seek(&mut self, _offset: SourceOffset) {}
    async fn next(&mut self) -> Result<Option<Record>, Failure> {
        Ok(None)
    }
}

impl Env for World {
    type Clock = Naps;
    type Network = Nothing;
    type Broker = Target;
    type Store = Nothing;
    type Source = Nothing;

    fn clock(&self) -> &Naps {
        &self.clock
    }
    fn network(&self) -> &Nothing {
        &Nothing
    }
    fn broker(&self) -> &Target {
        &self.target
    }
    fn store(&self) -> &Nothing {
        &Nothing
    }
    fn source(&self, _split: Split) -> Nothing {
        Nothing
    }
    fn me(&self) -> &Process {
        &self.me
    }
    fn identify(&self, me: Process) -> Self {
        World { me, ..self.clone() }
    }
    fn spawn(&self, _task: impl Future<Output = ()> + Send + 'static) {}
    async fn stopped(&self) {
        pending().await
    }
    fn note(&self, fact: Fact) {
        self.facts.lock().unwrap().push(fact);
    }
}

/// Sink `index` of `parallelism`, in incarnation 3.
fn sink(index: u16, parallelism: u16, target: &Target) -> World {
    World {
        me: Process { role: Role::Sink, index, life: Life(0), parallelism, incarnation: Incarnation(3) },
        target: target.clone(),
        facts: Arc::default(),
        clock: Naps::default(),
    }
}

fn participant(world: &World) -> Transactional<World> {
    Transactional::new(world.clone(), world.target.clone(), TransactionalOptions::default())
}

fn pooling(world: &World) -> Transactional<World> {
    let options = TransactionalOptions { naming: Naming::Pool, ..TransactionalOptions::default() };
    Transactional::new(world.clone(), world.target.clone(), options)
}

/// The context that sink `index` of `of` stored.
fn context(index: u16, of: u16) -> ownership::Author {
    ownership::Author { sink: index, of }
}

#[test]
fn what_was_promised_is_committed_before_anything_is_fenced() {
    let target = Target::default().has_open("t0-i2-4", 100).has_open("t0-i2-5", 0).has_open("t0-i2-6", 0);
    let world = sink(0, 1, &target);
    let mut sink = participant(&world);
    now(async {
        sink.recover_and_commit(&handle("t0-i2-4", 100)).await.unwrap();
        sink.recover_and_abort(&handle("t0-i2-5", 0)).await.unwrap();
        sink.finish_recovering(&mut context(0, 1), &[]).await.unwrap();
        sink.begin().await.unwrap();
    });
    let order = ["commit t0-i2-4", "fence t0-i2-5", "fence t0-i2-6", "begin t0-i3-1"];
    assert_eq!(target.calls(), order);
    let id = TransactionalId::new;
    let facts = [
        Fact::Committed(id("t0-i2-4")),
        Fact::Aborted(id("t0-i2-5")),
        Fact::Aborted(id("t0-i2-6")),
        Fact::Began(id("t0-i3-1")),
        Fact::Restored,
    ];
    assert_eq!(*world.facts.lock().unwrap(), facts);
}

#[test]
fn only_what_lower_incarnations_of_owned_sinks_left_is_ended() {
    let target = Target::default()
        .has_open("t0-i2-9", 0) // ours
        .has_open("t1-i2-9", 0) // of the other sink
        .has_open("t2-i1-9", 0) // of a sink that no longer exists, ours
        .has_open("t3-i1-9", 0) // likewise, the other's
        .has_open("t0-i3-9", 0) // of this incarnation
        .has_open("t0-i4-9", 0) // of a newer one: we are the zombie
        .has_open("t0-x2-9", 0); // not one of our names
    let world = sink(0, 2, &target);
    now(participant(&world).begin()).unwrap();
    assert_eq!(target.calls(), ["fence t0-i2-9", "fence t2-i1-9", "begin t0-i3-1"]);
}

/// T-08: the name was promised, but this transaction under it was not.
#[test]
fn a_newer_transaction_under_a_promised_name_is_ended_and_the_promised_one_is_not() {
    let target = Target::default().has_open("t0-i2-1", 7).has_open("t0-i2-2", 100);
    target.answers(Ok(Ended::Indistinct));
    target.answers(Ok(Ended::Indistinct));
    let world = sink(0, 1, &target);
    let mut sink = pooling(&world);
    now(async {
        sink.recover_and_commit(&handle("t0-i2-1", 6)).await.unwrap();
        sink.recover_and_commit(&handle("t0-i2-2", 100)).await.unwrap();
        sink.finish_recovering(&mut context(0, 1), &[]).await.unwrap();
        sink.begin().await.unwrap();
    });
    let calls = target.calls();
    assert_eq!(calls[2..], ["fence t0-i2-1", "begin t0-i3-1"]);
    let indistinct = Fact::Indistinct(TransactionalId::new("t0-i2-1"));
    assert!(world.facts.lock().unwrap().contains(&indistinct));
}

#[test]
fn a_sink_that_took_over_states_ends_what_their_authors_left() {
    let target = Target::default().has_open("t0-i2-1", 0).has_open("t1-i2-1", 0).has_open("t2-i2-1", 0);
    let world = sink(1, 2, &target);
    let mut sink = participant(&world);
    let mut stored = context(2, 3);
    now(sink.finish_recovering(&mut stored, &[])).unwrap();
    now(sink.begin()).unwrap();
    assert_eq!(target.calls(), ["fence t2-i2-1", "begin t1-i3-1"]);
    assert_eq!(stored, context(1, 2), "the next state is this sink's own");
}

#[test]
fn a_state_that_belongs_to_another_sink_stops_the_restore_before_any_harm() {
    let target = Target::default().has_open("t1-i2-1", 0);
    let world = sink(0, 2, &target);
    let mut sink = participant(&world);
    now(sink.finish_recovering(&mut context(1, 2), &[])).unwrap();
    assert_eq!(now(sink.begin()).unwrap_err().next(), Next::Fatal);
    assert_eq!(target.calls(), [""; 0]);
}

#[test]
fn the_clean_up_happens_once() {
    let target = Target::default();
    let world = sink(0, 1, &target);
    let mut sink = participant(&world);
    now(sink.begin()).unwrap();
    let target = target.has_open("t0-i2-1", 0);
    now(sink.begin()).unwrap();
    assert_eq!(target.calls(), ["begin t0-i3-1", "begin t0-i3-2"]);
    let restored = world.facts.lock().unwrap().iter().filter(|fact| **fact == Fact::Restored).count();
    assert_eq!(restored, 1);
}

#[test]
fn a_begin_without_an_answer_is_tried_under_another_name_and_its_own_is_never_used() {
    for naming in [Naming::PerTransaction, Naming::Pool] {
        let target = Target::default();
        *target.silent_begins.lock().unwrap() = 1;
        let world = sink(0, 1, &target);
        let mut sink = if naming == Naming::Pool { pooling(&world) } else { participant(&world) };
        let first = now(sink.begin()).unwrap();
        assert_eq!(first.id.as_str(), "t0-i3-2");
        now(sink.abort(&first)).unwrap();
        let second = now(sink.begin()).unwrap();
        assert_ne!(second.id.as_str(), "t0-i3-1");
    }
}

#[test]
fn a_broker_that_stays_silent_ends_the_begin() {
    let target = Target::default();
    *target.silent_begins.lock().unwrap() = u32::MAX;
    let failure = now(participant(&sink(0, 1, &target)).begin()).unwrap_err();
    assert!(failure.may_have_happened());
    assert_eq!(target.calls().len(), 5);
}

/// To begin under a name aborts what is open there.
#[test]
fn a_pooled_name_stays_taken_while_the_outcome_of_its_commit_is_unknown() {
    let target = Target::default();
    let world = sink(0, 1, &target);
    let mut sink = pooling(&world);
    let mut first = now(sink.begin()).unwrap();
    now(sink.pre_commit(CheckpointId(1), &mut first)).unwrap();
    target.answers(Err(Next::OutcomeUnknown));
    assert!(now(sink.commit(&first)).unwrap_err().may_have_happened());
    assert_eq!(now(sink.begin()).unwrap().id.as_str(), "t0-i3-2");
    now(sink.commit(&first)).unwrap();
    assert_eq!(now(sink.begin()).unwrap().id.as_str(), "t0-i3-1");
}

#[test]
fn the_handle_that_is_stored_is_that_of_the_pre_commit() {
    let world = sink(0, 1, &Target::default());
    let mut sink = participant(&world);
    let mut transaction = now(sink.begin()).unwrap();
    now(sink.pre_commit(CheckpointId(4), &mut transaction)).unwrap();
    assert_eq!(transaction, handle("t0-i3-1", 100));
    let fact = Fact::PreCommitted(CheckpointId(4), transaction.id);
    assert_eq!(world.facts.lock().unwrap().last(), Some(&fact));
}

#[test]
fn a_split_is_spread_over_all_partitions_and_a_record_always_goes_to_the_same() {
    let to = |split, offset| {
        let id = RecordId { split: Split(split), offset: SourceOffset(offset) };
        let payload = Payload::default();
        spread(&Record { id, payload }, 3).0
    };
    assert_eq!([to(0, 0), to(0, 1), to(0, 2), to(0, 3)], [0, 1, 2, 0]);
    assert_eq!([to(1, 0), to(1, 1), to(1, 0)], [1, 2, 1]);
}
