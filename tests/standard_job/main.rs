//! The standard job as a whole, in a world small enough to read: coordinator, workers and sources meet, lose
//! messages and processes, and every record is committed once.

mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use twophase::coordinator::{Coordinator, Decide, Effect, Input};
use twophase::message::ToWorker;
use twophase::{
    CheckpointId, Env, Fact, Failure, Job, Record, RecordId, Role, Settings, Sink, StandardJob, Timestamp,
};
use world::{Crash, Here, World, play};

/// Where sinks write: transactions by name, which are there once they are committed, however often.
type Target = Arc<Mutex<BTreeMap<Name, Vec<RecordId>>>>;

/// Sink, incarnation, and which of its transactions.
type Name = (u16, u32, u64);

/// A sink whose snapshots hold its prepared transactions whole.
struct Staging {
    here: Here,
    target: Target,
    open: Vec<RecordId>,
    prepared: BTreeMap<u64, (Name, Vec<RecordId>)>,
}

impl Staging {
    fn new(here: Here, target: Target) -> Self {
        Staging {
            here,
            target,
            open: Vec::new(),
            prepared: BTreeMap::new(),
        }
    }

    fn commit(&self, name: Name, records: Vec<RecordId>) {
        self.target
            .lock()
            .expect("nothing panics under this lock")
            .insert(name, records);
    }
}

impl Sink for Staging {
    async fn open(&mut self, _from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        for bytes in restored {
            let all: Vec<(Name, Vec<RecordId>)> =
                postcard::from_bytes(bytes).expect("a snapshot of this sink");
            all.into_iter()
                .for_each(|(name, records)| self.commit(name, records));
        }
        Ok(())
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        self.open.push(record.id);
        Ok(())
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        let me = self.here.me();
        let name = (me.index, me.incarnation.0, id.0);
        self.prepared.insert(id.0, (name, std::mem::take(&mut self.open)));
        let all: Vec<_> = self.prepared.values().collect();
        Ok(postcard::to_stdvec(&all).expect("plain values"))
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        let later = self.prepared.split_off(&(id.0 + 1));
        for (name, records) in std::mem::replace(&mut self.prepared, later).into_values() {
            self.commit(name, records);
        }
        Ok(())
    }
}

fn settings(chained: bool) -> Settings {
    Settings {
        checkpoint_interval: Duration::from_millis(20),
        checkpoint_timeout: Duration::from_millis(100),
        heartbeat_interval: Duration::from_millis(20),
        heartbeat_timeout: Duration::from_millis(150),
        restart_delay: Duration::from_millis(10),
        restart_delay_max: Duration::from_millis(100),
        retry_backoff: Duration::from_millis(5),
        checkpoints_in_flight: 2,
        queue: 4,
        chained,
        ..Settings::default()
    }
}

const RECORDS: u64 = 600;

/// Plays the job. Whether its output is its input, and what was noted.
fn play_out(
    seed: u64,
    job: &impl Job<Here>,
    target: &Target,
    loss: u64,
    crashes: &[Crash],
) -> (bool, Vec<Fact>) {
    let world = World::new(seed, RECORDS, loss);
    play(job, &world, 2, crashes.iter().copied().collect());
    let target = target.lock().expect("all is over");
    let mut committed: Vec<_> = target
        .values()
        .flatten()
        .map(|id| (id.split.0, id.offset.0))
        .collect();
    committed.sort();
    let expected = (0..4).flat_map(|split| (0..RECORDS).map(move |offset| (split, offset)));
    (committed.into_iter().eq(expected), world.facts())
}

fn job(target: &Target, chained: bool) -> StandardJob<impl Fn(Here) -> Staging + Send + Sync + 'static> {
    let target = target.clone();
    StandardJob::new(settings(chained), move |here| Staging::new(here, target.clone()))
}

fn exactly_once(seed: u64, loss: u64, crashes: &[Crash]) -> Vec<Fact> {
    let target = Target::default();
    let job = job(&target, seed % 2 == 0);
    let (held, facts) = play_out(seed, &job, &target, loss, crashes);
    assert!(held, "seed {seed}: {facts:?}");
    facts
}

/// Three crashes, of each process one, somewhere in the run.
fn crashes(seed: u64) -> Vec<Crash> {
    let at = |n: u64| 5_000 + (seed * 7_919 + n * 50_021) % 170_000;
    let processes = [(Role::Sink, 0), (Role::Coordinator, 0), (Role::Sink, 1)];
    let mut crashes: Vec<Crash> = (0..)
        .zip(processes)
        .map(|(n, (role, index))| (at(n), role, index))
        .collect();
    crashes.sort();
    crashes
}

#[test]
fn a_job_without_faults_commits_every_record_once_and_ends() {
    for seed in 0..2 {
        let facts = exactly_once(seed, 0, &[]);
        assert!(facts.contains(&Fact::Finished));
        let trouble = |fact: &Fact| matches!(fact, Fact::Restarting(_) | Fact::Expired(_));
        assert!(!facts.iter().any(trouble), "{facts:?}");
    }
}

#[test]
fn lost_and_repeated_messages_neither_lose_nor_repeat_a_record() {
    let mut expired = false;
    for seed in 0..40 {
        let facts = exactly_once(seed, 10, &[]);
        expired |= facts.iter().any(|fact| matches!(fact, Fact::Expired(_)));
    }
    assert!(expired, "no message that mattered was lost");
}

#[test]
fn crashes_of_every_process_neither_lose_nor_repeat_a_record() {
    for seed in 0..60 {
        let facts = exactly_once(seed, seed % 8, &crashes(seed));
        assert!(facts.iter().any(|fact| matches!(fact, Fact::Restarting(_))));
    }
}

/// Says that a checkpoint is complete when it is only triggered. It wraps the correct coordinator, as every
/// broken one does.
struct Hasty(Coordinator);

impl Decide for Hasty {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        self.0.handle(now, input, effects);
        let hasty: Vec<Effect> = effects.iter().filter_map(complete_at_once).collect();
        effects.extend(hasty);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.0.next_deadline()
    }
}

fn complete_at_once(effect: &Effect) -> Option<Effect> {
    match *effect {
        Effect::Send(
            to,
            ToWorker::Trigger {
                incarnation,
                checkpoint,
            },
        ) => Some(Effect::Send(
            to,
            ToWorker::Complete {
                incarnation,
                checkpoint,
            },
        )),
        _ => None,
    }
}

#[test]
fn a_coordinator_that_says_complete_too_early_is_found_out() {
    let caught = (0..60).filter(|&seed| {
        let target = Target::default();
        let job = job(&target, seed % 2 == 0)
            .with_coordinator(|settings, me| Hasty(Coordinator::new(settings, me)));
        !play_out(seed, &job, &target, 0, &crashes(seed)).0
    });
    assert_ne!(caught.count(), 0);
}
