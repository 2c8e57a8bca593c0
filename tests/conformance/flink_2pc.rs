//! Plays schedules of the real `TwoPhaseCommitSinkFunction` on [`TwoPhase`].
//!
//! Nothing here knows when a hook is called: `op.rs` is what a schedule can ask for, `world.rs` its clock, rules
//! and trace, `recorder.rs` the hooks that write themselves down, `log.rs` what the sink logs, `java.rs` the
//! recorded names of errors, `show.rs` the recorded form of states and views. This file hands each line to the sink it is about.

mod java;
mod log;
mod op;
mod recorder;
mod rules;
mod show;
mod world;

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU16;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use twophase::two_phase::TwoPhase;
use twophase::{CheckpointId, Failure, Sink, redistribute};

use self::op::Op;
use self::recorder::Recorder;
use self::world::{Shared, WorldClock};
use crate::recordings::NotCovered;

type Instance = TwoPhase<Recorder, WorldClock>;

pub(crate) fn play(schedule: &[Value]) -> Result<Vec<Value>, NotCovered> {
    let world = Shared::default();
    let mut job = Job { world: world.clone(), instances: BTreeMap::new(), snapshots: BTreeMap::new() };
    tracing::subscriber::with_default(log::Log(world.clone()), || {
        schedule.iter().zip(1..).try_for_each(|(line, step)| {
            world.with(|world| world.step = step);
            job.play(line)
        })
    })?;
    Ok(world.with(|world| std::mem::take(&mut world.trace)))
}

/// The live instances and the snapshots that were kept.
struct Job {
    world: Shared,
    instances: BTreeMap<u64, Instance>,
    snapshots: BTreeMap<String, Vec<u8>>,
}

impl Job {
    fn play(&mut self, line: &Value) -> Result<(), NotCovered> {
        match serde_json::from_value(line.clone()).unwrap_or_else(|why| panic!("{why} in {line}")) {
            Op::Note => {}
            Op::Set(change) => self.set(&change),
            Op::Open { subtask, restored } => self.open(subtask, &show::encode_all(restored)),
            Op::Restore { from, parallelism } => self.restore(&from, parallelism),
            Op::Write { subtask, value } => {
                self.run(subtask, |sink| now(sink.write(recorder::record(value))))
            }
            Op::Snapshot { subtask, checkpoint, name } => self.snapshot(subtask, checkpoint, name),
            Op::NotifyComplete { checkpoint, subtask } => {
                self.run_each(subtask, |sink| now(sink.complete(CheckpointId(checkpoint))));
            }
            Op::NotifyAborted { checkpoint, subtask } => {
                self.run_each(subtask, |sink| now(sink.aborted(CheckpointId(checkpoint))));
            }
            Op::Finish { subtask } => self.run(subtask, |sink| now(sink.finish())),
            Op::Close { subtask } => self.run(subtask, |sink| now(sink.close())),
            Op::Crash { subtask: Some(subtask) } => drop(self.instances.remove(&subtask)),
            Op::Crash { subtask: None } => self.instances.clear(),
            Op::AdvanceClock { ms } => self.world.with(|world| world.now += ms),
            Op::FailNext { filter, thrown } => self.world.with(|world| world.failures.add(filter, thrown)),
            Op::SlowNext { filter, ms } => self.world.with(|world| world.delays.add(filter, ms)),
            Op::ClearRules => self.world.with(world::World::clear_rules),
            Op::Unknown => panic!("{} is no operation of these recordings", line["op"]),
        }
        Ok(())
    }

    fn set(&mut self, change: &op::Change) {
        self.world.with(|world| match change.applied_to(&world.settings) {
            Ok(settings) => {
                world.settings = settings;
                world.tell(None, json!({"result": "ok"}));
            }
            Err(refused) => world.tell(None, json!({"result": "error", "error": java::refused(refused)})),
        });
    }

    fn open(&mut self, subtask: u64, restored: &[Vec<u8>]) {
        let settings = self.world.with(|world| world.settings.clone());
        let options = settings.options;
        let recorder = Recorder::new(self.world.clone(), subtask, settings);
        self.instances.insert(subtask, TwoPhase::new(recorder, WorldClock(self.world.clone()), options));
        let restored: Vec<&[u8]> = restored.iter().map(Vec::as_slice).collect();
        self.run(subtask, |sink| now(sink.open(None, &restored)));
    }

    fn restore(&mut self, from: &[String], parallelism: NonZeroU16) {
        self.instances.clear();
        let snapshots = from.iter().map(|name| match self.snapshots.get(name) {
            Some(bytes) => bytes.clone(),
            None => panic!("no snapshot is named {name}"),
        });
        let assigned = redistribute(snapshots, parallelism);
        let states: Vec<_> = assigned.iter().map(|share| show::states(share)).collect();
        self.world.with(|world| world.tell(None, json!({"assigned": states})));
        for (subtask, share) in (0..).zip(&assigned) {
            self.open(subtask, share);
        }
    }

    fn snapshot(&mut self, subtask: u64, checkpoint: u64, name: Option<String>) {
        if let Some(bytes) = self.drive(subtask, |sink| now(sink.snapshot(CheckpointId(checkpoint)))) {
            let name = name.unwrap_or_else(|| format!("c{checkpoint}.s{subtask}"));
            let states = show::states(std::slice::from_ref(&bytes));
            self.world.with(|world| world.tell(Some(subtask), json!({"snapshot": name, "states": states})));
            self.snapshots.insert(name, bytes);
        }
        self.show(subtask);
    }

    fn run_each(&mut self, subtask: Option<u64>, act: impl Fn(&mut Instance) -> Result<(), Failure>) {
        let all = self.instances.keys().copied().collect();
        for subtask in subtask.map_or(all, |one| vec![one]) {
            self.run(subtask, &act);
        }
    }

    fn run(&mut self, subtask: u64, act: impl FnOnce(&mut Instance) -> Result<(), Failure>) {
        self.drive(subtask, act);
        self.show(subtask);
    }

    /// Has an instance do something, tells how it ended, and returns what came of it.
    fn drive<T>(&mut self, subtask: u64, act: impl FnOnce(&mut Instance) -> Result<T, Failure>) -> Option<T> {
        let Some(instance) = self.instances.get_mut(&subtask) else {
            self.tell_missing(subtask);
            return None;
        };
        self.world.with(|world| world.acting = Some(subtask));
        let done = act(instance);
        let result = match &done {
            Ok(_) => json!({"result": "ok"}),
            Err(failure) => json!({"result": "error", "error": java::error(failure.cause())}),
        };
        self.world.with(|world| world.tell(Some(subtask), result));
        done.ok()
    }

    fn show(&self, subtask: u64) {
        if let Some(instance) = self.instances.get(&subtask) {
            let view = show::view(&instance.view());
            self.world.with(|world| world.tell(Some(subtask), json!({"view": view})));
        }
    }

    fn tell_missing(&self, subtask: u64) {
        self.world.with(|world| world.tell(Some(subtask), json!({"result": "no_such_subtask"})));
    }
}

/// The recorder never waits, so the first poll is the last.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the sink waits for something that no schedule can bring"),
    }
}
