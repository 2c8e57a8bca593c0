//! `run`: seeds of a subject; many for a summary, or one for its trace.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use twophase::Payload;

use super::args::{Run, Settings, Switch};
use super::history::{self, Play, Target, check_new};
use super::out::Out;
use super::progress::Progress;
use super::shrink::Task;
use super::{Context, Trouble, json};
use crate::exit::Exit;
use crate::generate::{Generator, Input};
use crate::input::LineFile;
use crate::report::{Failure, Grouped, Missed, NotDeterministic, Smallest, Totals, allowed_by, sandbox_note};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::seeds::Extent;
use crate::shell::quoted;
use crate::shrink::{Shrunk, StoppedBy};
use crate::subject::{Expected, Subject};
use crate::summary::{Group, Summary};
use crate::sweep::{Sweep, play_alone};
use crate::twice::play_twice;
use crate::wall::Stopwatch;
use crate::watch::Keep;
use crate::why::{Explain, NEAREST_BUDGET, Why};

pub(crate) fn run(context: &Context<'_>, args: &Run, out: &mut Out) -> Result<Exit, Trouble> {
    let subject = context.chosen(args.subject.as_deref())?;
    check_targets(args)?;
    let input = args.input.as_deref().map(Window::open).transpose()?.map(Arc::new);
    let generator = subject.pin(Generator {
        safety: args.settings.into(),
        records: args.records.map(|records| records as usize),
        input: input.clone().map(|input| input as Arc<dyn Input>),
        calm: args.faults == Switch::Off,
        ..Generator::default()
    });
    match args.extent()? {
        Extent::One(seed) => one(context, args, subject, &generator, input.as_deref(), seed, out),
        Extent::Many(seeds) => many(context, args, Sweep::new(subject, generator, seeds), out),
    }
}

/// Nothing is played for a result that could not be written.
fn check_targets(args: &Run) -> Result<(), String> {
    check_new(&[
        ("--output", args.output.as_deref()),
        ("--save", args.save.as_deref()),
        ("--timeline", args.pictures.timeline.as_deref()),
        ("--chrome", args.pictures.chrome.as_deref()),
    ])
}

/// The input file, and whether the window that was drawn last ends with a record that lacks its newline.
struct Window {
    file: LineFile,
    lacks_newline: AtomicBool,
}

impl Window {
    fn open(path: &Path) -> Result<Self, String> {
        Ok(Window { file: LineFile::open(path)?, lacks_newline: AtomicBool::new(false) })
    }
}

impl Input for Window {
    fn window(&self, place: u64, count: usize) -> std::io::Result<Vec<Payload>> {
        let window = self.file.window_at(place, count)?;
        self.lacks_newline.store(window.lacks_newline, Ordering::Relaxed);
        Ok(window.records)
    }
}

fn one(
    context: &Context<'_>,
    args: &Run,
    subject: &Subject,
    generator: &Generator,
    input: Option<&Window>,
    seed: Seed,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let schedule = Arc::new(generator.schedule(seed).map_err(|error| error.to_string())?);
    let mut of = format!("seed {seed}");
    let mut replay = replay_line(context, args, subject, seed);
    let shrunk = if args.shrink { smaller(context, args, subject, &schedule, &of)? } else { None };
    if shrunk.is_some() {
        of += ", shrunk,";
        replay += " --shrink";
    }
    let play = Play {
        subject,
        schedule: shrunk.as_ref().map_or(schedule.clone(), |shrunk| shrunk.schedule.clone()),
        of,
        seed: Some(seed),
        replay,
        twice: args.twice,
        hang_timeout: args.hang_timeout.timeout(),
        json: args.json,
        saved: None,
        output: args.output.as_deref().map(|path| Target {
            path,
            lacks_newline: input.is_some_and(|input| input.lacks_newline.load(Ordering::Relaxed)),
        }),
        save: args.save.as_deref(),
        pictures: &args.pictures,
        shrunk: shrunk.map(|shrunk| (schedule, shrunk)),
    };
    history::play(&play, out)
}

/// The smallest schedule that still fails, if this one does.
fn smaller(
    context: &Context<'_>,
    args: &Run,
    subject: &Subject,
    schedule: &Arc<Schedule>,
    what: &str,
) -> Result<Option<Shrunk>, String> {
    let hang_timeout = args.hang_timeout.timeout();
    let outcome = play_alone(subject, schedule, Keep::default(), hang_timeout);
    let outcome = outcome.map_err(|error| error.to_string())?;
    let Some(finding) = outcome.finding() else {
        return Ok(None);
    };
    let jobs = args.jobs.map(usize::from);
    let task = Task { subject, schedule, finding, what, hang_timeout, jobs };
    task.run(context, args.shrink_budget.budget())
}

fn many(context: &Context<'_>, args: &Run, mut sweep: Sweep<'_>, out: &mut Out) -> Result<Exit, Trouble> {
    sweep.threads = context.threads;
    sweep.jobs = args.jobs.map_or(sweep.jobs, usize::from);
    sweep.hang_timeout = args.hang_timeout.timeout();
    if args.twice {
        sweep.replay_every = 1;
    }
    let what = format!(
        "seeds {}..{} of {} ({}) on {} threads",
        sweep.seeds.start, sweep.seeds.end, sweep.subject.name, sweep.subject.expected, sweep.jobs
    );
    let progress = Progress::start(&what, sweep.seeds.end - sweep.seeds.start);
    let swept = sweep.run(&context.stop, &|more| progress.add(more));
    let elapsed = progress.end();
    let summary = swept.map_err(|error| error.to_string())?;
    let interrupted = context.is_stopped() && summary.seeds < sweep.seeds.end - sweep.seeds.start;
    let exit = match interrupted {
        true => Exit::Interrupted,
        false => Exit::of_sweep(&summary, args.faults == Switch::Off),
    };
    let mut told = Told {
        context,
        args,
        sweep: &sweep,
        summary: &summary,
        elapsed,
        exit,
        shrunk: BTreeMap::new(),
        whys: BTreeMap::new(),
    };
    told.shrink()?;
    told.explain()?;
    match args.json {
        true => json::sweep(&told, out)?,
        false => told.print(out)?,
    }
    Ok(exit)
}

/// A sweep that is over, to be told.
pub(crate) struct Told<'a> {
    context: &'a Context<'a>,
    args: &'a Run,
    pub(crate) sweep: &'a Sweep<'a>,
    pub(crate) summary: &'a Summary,
    pub(crate) elapsed: Duration,
    pub(crate) exit: Exit,
    /// By the seeds they come from: each as it was found, and the smallest that still fails.
    shrunk: BTreeMap<Seed, (Arc<Schedule>, Shrunk)>,
    /// Why each of them failed; of the smallest, where there is one.
    whys: BTreeMap<Seed, Why>,
}

impl Told<'_> {
    /// The line that plays this seed again.
    pub(crate) fn replay(&self, seed: Seed) -> String {
        replay_line(self.context, self.args, self.sweep.subject, seed)
    }

    /// Which setting let this group of failures happen. The schedule is drawn anew: a sweep keeps none.
    pub(crate) fn allowed_by(&self, group: &Group) -> Option<String> {
        let schedule = self.sweep.generator.schedule(group.seed).ok()?;
        allowed_by(&group.finding, &schedule)
    }

    /// Makes the first failure of each group smaller. They share the budget: each may take its part of what those
    /// before it have left.
    fn shrink(&mut self) -> Result<(), String> {
        if self.summary.unequal.is_some() {
            return Ok(()); // no play can be relied on
        }
        let mut left = self.args.shrink_budget.budget();
        let groups: Vec<_> = self.groups().into_iter().cloned().collect();
        for (index, group) in groups.iter().enumerate() {
            let part = left / (groups.len() - index) as u32;
            if part.is_zero() || self.context.is_stopped() || self.summary.hung == Some(group.seed) {
                continue;
            }
            let clock = Stopwatch::start();
            self.shrink_group(group, part)?;
            left = left.saturating_sub(clock.elapsed());
        }
        Ok(())
    }

    fn shrink_group(&mut self, group: &Group, budget: Duration) -> Result<(), String> {
        let schedule = self.sweep.generator.schedule(group.seed);
        let schedule = Arc::new(schedule.map_err(|error| error.to_string())?);
        let task = Task {
            subject: self.sweep.subject,
            schedule: &schedule,
            finding: &group.finding,
            what: &format!("seed {}", group.seed),
            hang_timeout: self.sweep.hang_timeout,
            jobs: Some(self.sweep.jobs),
        };
        if let Some(shrunk) = task.run(self.context, budget)? {
            self.shrunk.insert(group.seed, (schedule, shrunk));
        }
        Ok(())
    }

    /// Plays what failed once more. What cannot be relied on, or does not come back, explains nothing.
    fn explain(&mut self) -> Result<(), String> {
        if self.summary.unequal.is_some() {
            return Ok(());
        }
        for group in self.summary.groups.values().filter(|group| self.summary.hung != Some(group.seed)) {
            let schedule = match self.shrunk.get(&group.seed) {
                Some((_, shrunk)) if shrunk.stopped_by == StoppedBy::Hang => continue,
                Some((_, shrunk)) => shrunk.schedule.clone(),
                None => {
                    Arc::new(self.sweep.generator.schedule(group.seed).map_err(|error| error.to_string())?)
                }
            };
            let (subject, hang_timeout) = (self.sweep.subject, self.sweep.hang_timeout);
            let explain = Explain { subject, schedule: &schedule, hang_timeout, budget: NEAREST_BUDGET };
            self.whys.extend(explain.again().map(|why| (group.seed, why)));
        }
        Ok(())
    }

    /// Why this group's first failure failed.
    pub(crate) fn why(&self, group: &Group) -> Option<&Why> {
        self.whys.get(&group.seed)
    }

    /// What this group's first failure was shrunk to.
    pub(crate) fn smallest(&self, group: &Group) -> Option<Smallest<'_>> {
        self.shrunk.get(&group.seed).map(|(found, shrunk)| Smallest { found, shrunk })
    }

    fn print(&self, out: &mut Out) -> Result<(), Trouble> {
        self.print_difference(out)?;
        for group in self.groups() {
            let failure = Failure {
                of: format!("seed {}", group.seed),
                finding: &group.finding,
                among: Some((group.count, self.summary.seeds, self.elapsed)),
                allowed_by: self.allowed_by(group),
                smallest: self.smallest(group),
                why: self.why(group),
                replay: &self.replay(group.seed),
                more: &[],
            };
            writeln!(out, "{failure}")?;
        }
        let totals = Totals { summary: self.summary, elapsed: self.elapsed, word: self.word() };
        write!(out, "{totals}")?;
        if let Expected::Broken(anomaly, window) = self.sweep.subject.expected {
            let found = self.summary.groups.get(&(anomaly, window));
            let count = found.map_or(0, |group| group.count);
            let window = window.map_or(String::new(), |window| format!(" in {window}"));
            writeln!(out, "     expected     {anomaly}{window}: found in {} seeds", Grouped(count))?;
        }
        if self.exit == Exit::Vacuous {
            writeln!(
                out,
                "vacuous: no seed entered any crash window, so nothing was shown; play more seeds\n{}",
                Missed(self.summary)
            )?;
        }
        write!(out, "{}", sandbox_note())?;
        Ok(())
    }

    /// What a broken subject is known for first, then what was found most often.
    fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.summary.groups.iter().collect();
        groups.sort_by_key(|((anomaly, window), group)| {
            let known = Expected::Broken(*anomaly, *window);
            (known != self.sweep.subject.expected, Reverse(group.count))
        });
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn print_difference(&self, out: &mut Out) -> Result<(), Trouble> {
        let Some(unequal) = self.summary.unequal else {
            return Ok(());
        };
        let schedule = self.sweep.generator.schedule(unequal.seed);
        let schedule = Arc::new(schedule.map_err(|error| error.to_string())?);
        let keep = Keep { history: true, ..Keep::default() };
        let twice = play_twice(self.sweep.subject, &schedule, keep, self.sweep.hang_timeout);
        let twice = twice.map_err(|error| error.to_string())?;
        let replay = format!("{} --twice", self.replay(unequal.seed));
        writeln!(out, "{}", NotDeterministic::new(unequal, twice, &replay))?;
        Ok(())
    }

    fn word(&self) -> &'static str {
        match self.exit {
            Exit::Held => "ok",
            Exit::Interrupted => "interrupted",
            Exit::Vacuous => "vacuous",
            _ => "FAIL",
        }
    }
}

/// What to type to play one seed of this run.
fn replay_line(context: &Context<'_>, args: &Run, subject: &Subject, seed: Seed) -> String {
    let mut line = format!("{} run --subject {} --seed {seed}", context.called, quoted(&subject.name));
    if let Some(input) = &args.input {
        line += &format!(" --input {}", quoted(&input.to_string_lossy()));
    }
    if let Some(records) = args.records {
        line += &format!(" --records {records}");
    }
    if args.settings == Settings::Unsafe {
        line += " --settings unsafe";
    }
    if args.faults == Switch::Off {
        line += " --faults off";
    }
    line
}
