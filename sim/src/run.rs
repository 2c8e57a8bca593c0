//! One run: harm, heal, demand.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use twophase::message::ToCoordinator;

use crate::anomaly::{Anomaly, Concerned, Said};
use crate::history::Recorder;
use crate::memory::Memory;
use crate::outcome::{Outcome, Verdict};
use crate::quiet::{Panic, guarded};
use crate::runtime::{Sandbox, sandboxed};
use crate::safe;
use crate::schedule::Schedule;
use crate::seed::micros;
use crate::site::Operation;
use crate::stage::{Spins, Stage};
use crate::subject::Subject;
use crate::sweep::Threads;
use crate::wall::Pulse;
use crate::watch::{Keep, Watch};
use crate::world::World;

/// How many things may happen in one history, besides those for each record and heartbeat. The longest legitimate ones
/// need a tenth of it.
const STEP_BUDGET: u64 = 400_000;

/// How many more for each record.
const STEPS_PER_RECORD: u64 = 100;

/// How many more for each heartbeat that was sent: its time comes, it arrives, and so does the answer. Who has lost its
/// coordinator says so with each of them, for as long as its transaction lives, and is not going in circles.
const STEPS_PER_HEARTBEAT: u64 = 3;

/// Plays `schedule` with `subject`. A pure function of both: in the sandbox on a fresh thread, because the standard
/// `HashMap` keeps its keys for each thread, and a second history on the same one would see another order.
///
/// ```
/// use std::sync::Arc;
/// use twophase_sim::{Generator, Keep, Seed, Verdict, play, subjects};
///
/// let subject = subjects::named("kafka-v2").unwrap();
/// let schedule = Arc::new(Generator::default().schedule(Seed(41)).unwrap());
/// let outcome = play(&subject, &schedule, Keep::default());
/// assert!(matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous));
/// assert_eq!(outcome.digest, play(&subject, &schedule, Keep::default()).digest);
/// ```
///
/// # Panics
/// If two outputs that are expected have the same identity, so that nobody could tell whether each is there: see
/// [`Subject::identify`].
pub fn play(subject: &Subject, schedule: &Arc<Schedule>, keep: Keep) -> Outcome {
    let played = Threads::Fresh
        .run(|| play_watched(subject, schedule, keep, &Pulse::default(), &mut Memory::default()));
    played.unwrap_or_else(|line| panic!("{line}"))
}

/// The same, for a watchdog to see where it is, and in the memory that the history before has left. The pulse is written
/// and never read here.
pub(crate) fn play_watched(
    subject: &Subject,
    schedule: &Arc<Schedule>,
    keep: Keep,
    pulse: &Pulse,
    memory: &mut Memory,
) -> Result<Outcome, String> {
    sandboxed(schedule.timing.seed.0, |sandbox| {
        let rooms = std::mem::take(memory);
        let watch = Watch::new(schedule, subject, keep, rooms.watch)?;
        let remarks = watch.history.as_ref().map(|recorder| recorder.remarks.clone());
        let history = || {
            let log = match guarded(|| subject.log_for(schedule, rooms.log)) {
                Ok(log) => log,
                Err(panic) => return Outcome::never_began("the broker", &panic),
            };
            let job = match guarded(|| subject.job_for(schedule)) {
                Ok(job) => job,
                Err(panic) => return Outcome::never_began("the job", &panic),
            };
            let world = World::new(schedule.clone(), subject.alone, log, watch, rooms.world);
            let mut stage = Stage::new(&*job, world, pulse, rooms.stage);
            let end = guarded(|| run_to_end(&mut stage, schedule, sandbox));
            let end = end.unwrap_or_else(|panic| broken_off(&stage, &panic));
            let outcome = judge(&mut stage.world(), schedule, end);
            *memory = stage.leave();
            outcome
        };
        Ok(match remarks {
            Some(remarks) => remarks.listen(history),
            None => history(),
        })
    })
}

/// Why a run ended.
enum End {
    /// An anomaly was found on the way.
    Found,
    /// The job is done, and nothing is open.
    Done,
    /// The coordinator gave up, saying this.
    GaveUp(String),
    /// The time for it is over; this is what is still missing.
    TimeIsUp(Said),
}

fn run_to_end(stage: &mut Stage<'_>, schedule: &Schedule, sandbox: &Sandbox) -> End {
    let deadline = micros(schedule.heal_at + patience(schedule));
    let budget = Budget::new(schedule);
    match stage.play(sandbox, |world| end_of(world, deadline, &budget)) {
        Ok(Some(End::TimeIsUp(open))) => loops(stage, budget.most.get()).unwrap_or(End::TimeIsUp(open)),
        Ok(Some(end)) => end,
        Ok(None) => End::TimeIsUp("nothing will ever happen again".to_owned().into()),
        Err(Spins(process)) => {
            let mut world = stage.world();
            let (now, name) = (world.now(), world.life(process).name);
            let detail = format!("{name} is polled for ever and never waits");
            world.watch.report(now, Anomaly::Hung, Said::of(Concerned::Process(name), detail));
            End::Found
        }
    }
}

/// How many things may happen. It grows with the heartbeats that were sent, which are counted only when it is used up.
struct Budget {
    without_heartbeats: u64,
    most: Cell<u64>,
}

impl Budget {
    fn new(schedule: &Schedule) -> Self {
        let without_heartbeats = STEP_BUDGET + schedule.records() as u64 * STEPS_PER_RECORD;
        Budget { without_heartbeats, most: Cell::new(without_heartbeats) }
    }

    #[inline]
    fn is_used_up(&self, world: &World) -> bool {
        world.steps() > self.most.get() && !self.grows(world)
    }

    #[cold]
    fn grows(&self, world: &World) -> bool {
        let heartbeat = ToCoordinator::Heartbeat(None).label();
        self.most.set(self.without_heartbeats + world.sent(heartbeat) * STEPS_PER_HEARTBEAT);
        world.steps() <= self.most.get()
    }
}

/// Whoever used up most of the budget with one call, over and over, waits for nothing that could happen.
fn loops(stage: &Stage<'_>, budget: u64) -> Option<End> {
    let mut world = stage.world();
    let (name, call, count) = world.most_made()?;
    if world.steps() <= budget || u64::from(count) < budget / 4 {
        return None;
    }
    let (now, call) = (world.now(), Operation::from(call));
    let detail = format!("{name} loops for ever: it has called {call} {count} times in one life");
    world.watch.report(now, Anomaly::Hung, Said::of(Concerned::Process(name), detail));
    Some(End::Found)
}

/// A process's panics end in the process. What comes as far as here is of a broker that is under test, or of the stage.
fn broken_off(stage: &Stage<'_>, panic: &Panic) -> End {
    let mut world = stage.world();
    let now = world.now();
    let who = "no process was being polled: the broker under test, or the stage itself,";
    world.watch.report(now, Anomaly::Panicked, Said::of_panic(who, panic));
    End::Found
}

/// Whether it is over, as things stand.
#[inline]
fn end_of(world: &World, deadline: u64, budget: &Budget) -> Option<End> {
    if world.watch.finding().is_some() {
        return Some(End::Found);
    }
    if world.ends() {
        if let Some(said) = world.gave_up() {
            return Some(End::GaveUp(said.to_owned()));
        }
        if world.is_done() && world.is_quiet() {
            return Some(End::Done);
        }
    }
    (world.now() > deadline || budget.is_used_up(world)).then(|| End::TimeIsUp(world.why_not_quiet()))
}

/// How long a repaired job may take until all is committed and nothing is open: what it has to do, and what
/// the broker needs to clear up after a zombie.
fn patience(schedule: &Schedule) -> Duration {
    let settings = &schedule.settings;
    let once = settings.heartbeat_timeout + settings.restart_delay_max + settings.checkpoint_timeout;
    let longest_split = schedule.input.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let reading = (schedule.timing.pace.max + schedule.timing.latency.max * 4) * longest_split * 4;
    let expiry = settings.transaction_timeout + schedule.broker.sweep_interval * 2;
    once * 8 + reading + expiry * 2 + settings.checkpoint_interval * 20 + Duration::from_secs(10)
}

fn judge(world: &mut World, schedule: &Schedule, end: End) -> Outcome {
    let now = world.now();
    let gave_up = match end {
        End::Found => None,
        End::Done => {
            world.watch.demand(now, None);
            None
        }
        End::TimeIsUp(why_not) => {
            world.watch.demand(now, Some(why_not));
            None
        }
        // A sink that always gives up would pass everything: inside the safe rule it may not.
        End::GaveUp(said) if safe::is_safe(schedule) => {
            let detail = format!("the job gave up, though its settings are safe: {said}");
            world.watch.stuck(now, detail);
            None
        }
        End::GaveUp(said) => Some(said),
    };
    let unstruck = world.struck().iter().filter(|struck| !**struck).count() as u32;
    let (messages, calls, state) = (world.messages(), world.calls(), world.state());
    let watch = &mut world.watch;
    let windows = watch.ledger.windows;
    let verdict = match (watch.finding().cloned(), gave_up) {
        (Some(finding), _) => Verdict::Failed(finding),
        (None, Some(said)) => Verdict::FailStop(said),
        (None, None) if windows.any() && watch.expects_any() => Verdict::Held,
        (None, None) => Verdict::Vacuous,
    };
    let output = watch.take_output();
    let tally = watch.tally;
    let digest = watch.digest.sealed(state);
    let mut digests = watch.digests.take();
    digests.iter_mut().for_each(|digests| digests.push(digest));
    Outcome {
        verdict,
        digest,
        windows,
        sight: watch.ledger.sight,
        crashed_at: watch.crashed_at,
        calls,
        struck: tally.struck,
        unstruck,
        timed_out: tally.timed_out,
        checkpoints: (tally.completed, tally.expired),
        restarts: tally.restarts,
        events: watch.ledger.steps(),
        messages,
        lasted: Duration::from_micros(now),
        history: watch.history.take().map(Recorder::finish),
        output,
        digests,
    }
}
