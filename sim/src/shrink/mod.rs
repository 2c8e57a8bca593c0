//! From a schedule that fails to the smallest one that still fails in the same way.
//!
//! Shrinking is a search downhill. A list of edits is made for the best schedule so far; each gives a candidate; the
//! first one in the list that is lighter ([`weight`]) and fails in the same way ([`way`]) becomes the best. It goes on
//! until no edit helps any more.
//!
//! The order is that in which a person is helped most. First the faults: each that is left out is one thing less to
//! think about, and every sub-list is a legal schedule. Then a leap into a tiny world, in which all that follows is
//! cheap; then a plain timing, because delays that are drawn hide what waits for what; then a smaller job and fewer
//! records; then simpler faults, at simpler places; then plain settings and round numbers. When nothing of this helps
//! any longer, larger steps are tried: a smaller job together with faults at nearby places.

mod edit;
mod faults;
mod follow;
mod plain;
mod race;
mod settle;
mod shape;
mod way;
mod weight;
pub(crate) mod within;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::anomaly::Finding;
use crate::digest;
use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::subject::Subject;
use crate::sweep::{Threads, cores};
use crate::wall::{HANG_TIMEOUT, Stopwatch};
use edit::{Edit, Place};
use race::{Course, Raced};
use way::Way;
use weight::Weight;
pub(crate) use within::{site_mut, time_mut};

/// How long shrinking may take, unless something else is said.
pub const SHRINK_BUDGET: Duration = Duration::from_secs(10);

/// Makes schedules that fail smaller.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicBool;
/// use twophase_sim::{Generator, Keep, Seed, Shrink, play, subjects};
///
/// let subject = subjects::named("commits-at-barrier").unwrap();
/// let schedule = Arc::new(Generator::default().schedule(Seed(1)).unwrap());
/// let outcome = play(&subject, &schedule, Keep::default());
/// let finding = outcome.finding().expect("nearly every seed finds it");
///
/// let shrunk = Shrink::new(&subject).run(&schedule, finding, &AtomicBool::new(false), &|_| {})?;
/// let shrunk = shrunk.expect("it fails again");
/// assert_eq!(shrunk.outcome.finding().unwrap().anomaly, finding.anomaly);
/// assert!(shrunk.schedule.faults.len() <= schedule.faults.len());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shrink<'a> {
    /// What is tested.
    pub subject: &'a Subject,
    /// No candidate is begun once this much time has passed by the wall clock.
    pub budget: Duration,
    /// Nor once this many were tried: a bound that is the same on every machine.
    pub tries: u64,
    /// On how many threads.
    pub jobs: usize,
    /// On which thread each candidate is played.
    pub threads: Threads,
    /// How long one poll may last by the wall clock, before shrinking ends with what it has.
    pub hang_timeout: Duration,
}

/// The smallest schedule that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It fails in the same way as the one that it comes from.
    pub schedule: Arc<Schedule>,
    /// What came of it when it was played once more, at the end.
    pub outcome: Outcome,
    /// How many candidates were tried.
    pub tried: u64,
    /// Why no more were.
    pub stopped_by: StoppedBy,
}

/// Why shrinking has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedBy {
    /// Nothing that could be tried is smaller and still fails in the same way.
    Nothing,
    /// The time was up.
    Budget,
    /// As many were tried as were allowed.
    Tries,
    /// Somebody did not want to wait any longer.
    Interrupt,
    /// A candidate did not come back; its thread is left behind.
    Hang,
}

/// How far shrinking is.
#[derive(Clone, Copy, Debug)]
pub struct Shrinking<'a> {
    /// The smallest schedule so far.
    pub best: &'a Schedule,
    /// How many candidates were tried.
    pub tried: u64,
    /// How much time has passed by the wall clock.
    pub elapsed: Duration,
}

type Pass = fn(&Schedule) -> Vec<Edit>;

/// Small steps, in the order in which they help.
const SMALL_STEPS: [Pass; 10] = [
    faults::leave_out,
    follow::leap,
    settle::make_plain,
    shape::fewer_sinks,
    shape::fewer_partitions,
    shape::fewer_splits,
    shape::fewer_records,
    faults::simplify,
    faults::move_forward,
    faults::round,
];

/// For when no small one is left.
const LARGE_STEPS: [Pass; 2] = [follow::follow, follow::elsewhere];

impl<'a> Shrink<'a> {
    /// Ten seconds, on all cores, on fresh threads.
    pub fn new(subject: &'a Subject) -> Self {
        Shrink {
            subject,
            budget: SHRINK_BUDGET,
            tries: u64::MAX,
            jobs: cores(),
            threads: Threads::Fresh,
            hang_timeout: HANG_TIMEOUT,
        }
    }

    /// The smallest schedule that fails as `finding` says `schedule` does: with the same anomaly, in the same window
    /// if in one, and inside the safe rule if it lies there. None, if `schedule` does not fail like this when it is
    /// played again: then there is nothing that could be relied on.
    ///
    /// What comes of it depends on the budget and on `stop` only where they end it early, and never on the number
    /// of cores. `progress` hears now and then how far it is.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn run(
        &self,
        schedule: &Arc<Schedule>,
        finding: &Finding,
        stop: &AtomicBool,
        progress: &dyn Fn(Shrinking<'_>),
    ) -> io::Result<Option<Shrunk>> {
        let course = Course {
            subject: self.subject.clone(),
            threads: self.threads,
            jobs: self.jobs,
            hang_timeout: self.hang_timeout,
            clock: Stopwatch::start(),
            budget: self.budget,
        };
        let way = Way::of(schedule, finding);
        let again = course.once(schedule, &way)?;
        if let Some(stuck) = again.stuck {
            // Each candidate would take as long, and leave one more thread behind.
            let outcome = Outcome::hung(stuck, self.hang_timeout);
            let (schedule, stopped_by) = (schedule.clone(), StoppedBy::Hang);
            let hangs = way.is_of(&outcome);
            return Ok(hangs.then_some(Shrunk { schedule, outcome, tried: 0, stopped_by }));
        }
        if again.first.is_none() {
            return Ok(None);
        }
        let mut descent = Descent {
            course,
            way,
            stop,
            progress,
            tries: self.tries,
            tried: 0,
            weight: Weight::of(schedule),
            steps: vec![schedule.clone()],
            seen: BTreeSet::new(),
            stopped_by: None,
        };
        descent.descend()?;
        descent.land()
    }
}

/// One search downhill.
struct Descent<'a> {
    course: Course,
    way: Way,
    stop: &'a AtomicBool,
    progress: &'a dyn Fn(Shrinking<'_>),
    tries: u64,
    tried: u64,
    weight: Weight,
    /// From the first schedule to the best.
    steps: Vec<Arc<Schedule>>,
    /// What was tried, as hashes: what two passes propose is played once.
    seen: BTreeSet<u64>,
    stopped_by: Option<StoppedBy>,
}

impl Descent<'_> {
    fn best(&self) -> &Arc<Schedule> {
        self.steps.last().expect("the first step is there from the beginning")
    }

    /// Small steps as long as they lead down, then a large one; until nothing does.
    fn descend(&mut self) -> io::Result<()> {
        loop {
            let before = self.steps.len();
            for pass in SMALL_STEPS {
                self.exhaust(pass)?;
            }
            for pass in LARGE_STEPS {
                if self.steps.len() == before {
                    self.exhaust(pass)?;
                }
            }
            if self.stopped_by.is_some() || self.steps.len() == before {
                return Ok(());
            }
        }
    }

    /// Goes on with one list until nothing in it helps.
    fn exhaust(&mut self, pass: Pass) -> io::Result<()> {
        let mut from = Place::default();
        while self.stopped_by.is_none() {
            let mut edits = pass(self.best());
            edits.retain(|edit| edit.place >= from);
            match self.first(edits)? {
                Some(place) => from = place,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes the first of these that helps. They are played some at a time: most lists are not needed to their end.
    fn first(&mut self, edits: Vec<Edit>) -> io::Result<Option<Place>> {
        let mut edits = edits.into_iter();
        loop {
            let field = self.course.field();
            let mut candidates: Vec<(Place, Weight, Arc<Schedule>)> = Vec::with_capacity(field);
            while candidates.len() < field {
                let Some(edit) = edits.next() else { break };
                let candidate = edit.of(self.best());
                let weight = Weight::of(&candidate);
                if weight < self.weight && self.way.allows(&candidate) && self.is_new(&candidate) {
                    candidates.push((edit.place, weight, Arc::new(candidate)));
                }
            }
            if candidates.is_empty() {
                return Ok(None);
            }
            if let Some(first) = self.race(&candidates)? {
                let (place, weight, best) = candidates.swap_remove(first);
                self.weight = weight;
                self.steps.push(best);
                self.tell();
                return Ok(Some(place));
            }
            self.tell();
            if self.stopped_by.is_some() {
                return Ok(None);
            }
        }
    }

    fn is_new(&mut self, candidate: &Schedule) -> bool {
        let bytes = serde_json::to_vec(candidate).expect("a schedule can be written");
        self.seen.insert(digest::of(&bytes))
    }

    fn race(&mut self, candidates: &[(Place, Weight, Arc<Schedule>)]) -> io::Result<Option<usize>> {
        let left = usize::try_from(self.tries - self.tried).unwrap_or(usize::MAX);
        let field: Vec<_> = candidates.iter().take(left).map(|(.., schedule)| schedule.clone()).collect();
        let Raced { first, stuck } = self.course.race(&field, &self.way, self.stop)?;
        let first = first.map(|(first, _)| first);
        // Those behind the first would not have been tried one by one.
        self.tried += first.map_or(field.len(), |first| first + 1) as u64;
        self.stopped_by = match stuck.is_some() {
            true => Some(StoppedBy::Hang),
            false if self.stop.load(Ordering::Relaxed) => Some(StoppedBy::Interrupt),
            false if self.course.is_over() => Some(StoppedBy::Budget),
            false if self.tried >= self.tries => Some(StoppedBy::Tries),
            false => None,
        };
        Ok(first)
    }

    fn tell(&self) {
        let elapsed = self.course.clock.elapsed();
        (self.progress)(Shrinking { best: self.best(), tried: self.tried, elapsed });
    }

    /// Plays the best once more: what is handed out fails. If code under test is not deterministic, and the best does
    /// not fail again, the one before it may.
    fn land(mut self) -> io::Result<Option<Shrunk>> {
        while let Some(schedule) = self.steps.pop() {
            let again = self.course.once(&schedule, &self.way)?;
            if let Some((_, outcome)) = again.first {
                let stopped_by = self.stopped_by.unwrap_or(StoppedBy::Nothing);
                return Ok(Some(Shrunk { schedule, outcome, tried: self.tried, stopped_by }));
            }
            if again.stuck.is_some() {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
