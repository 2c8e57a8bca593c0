//! `shrink`: a saved schedule, made smaller; and how every other command makes one smaller.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::args::Shrink as Args;
use super::out::Out;
use super::progress::ShrinkProgress;
use super::replay::subject_of;
use super::{Context, Trouble};
use crate::anomaly::Finding;
use crate::exit::Exit;
use crate::file::{Expectation, Saved, must_not_exist};
use crate::report::{Failure, Smallest, allowed_by, sandbox_note};
use crate::schedule::Schedule;
use crate::shell::quoted;
use crate::shrink::{Shrink, Shrunk, StoppedBy};
use crate::subject::Subject;
use crate::sweep::play_alone;
use crate::timeline::Timeline;
use crate::watch::Keep;
use crate::why::{Explain, NEAREST_BUDGET};

pub(crate) fn shrink(context: &Context<'_>, args: &Args, out: &mut Out) -> Result<Exit, Trouble> {
    let saved = Saved::read(&args.file)?;
    let name = args.file.to_string_lossy();
    let subject = subject_of(context, &saved, &name)?;
    let target = args.save.clone().unwrap_or_else(|| beside(&args.file));
    must_not_exist(&target)?;
    let (schedule, hang_timeout) = (Arc::new(saved.schedule), args.hang_timeout.timeout());
    let outcome = play_alone(subject, &schedule, Keep::default(), hang_timeout);
    let outcome = outcome.map_err(|error| error.to_string())?;
    let Some(finding) = outcome.finding() else {
        let found = Expectation::from(&outcome.verdict);
        let what = format!(
            "{name}: does not fail ({found}); expected a schedule that does: there is nothing to shrink"
        );
        return Err(what.into());
    };
    let jobs = args.jobs.map(usize::from);
    let task = Task { subject, schedule: &schedule, finding, what: &name, hang_timeout, jobs };
    let shrunk = task.run(context, args.shrink_budget.budget())?.ok_or_else(|| {
        format!("{name}: failed once, and then did not; expected a subject that is deterministic: play it with --twice")
    })?;
    let smaller = Saved { test: saved.test, ..Saved::of(subject, &shrunk.schedule, &shrunk.outcome) };
    smaller.write(&target)?;
    let replay = format!("{} replay {}", context.called, quoted(&target.to_string_lossy()));
    let timeline = draw_beside(subject, &shrunk, &target, &replay, hang_timeout);
    let explain = Explain { subject, schedule: &shrunk.schedule, hang_timeout, budget: NEAREST_BUDGET };
    // What did not come back once is not played again.
    let why = if shrunk.stopped_by == StoppedBy::Hang { None } else { explain.again() };
    let failure = Failure {
        of: name.to_string(),
        finding: shrunk.outcome.finding().expect("what is shrunk fails"),
        among: None,
        allowed_by: allowed_by(finding, &shrunk.schedule),
        smallest: Some(Smallest { found: &schedule, shrunk: &shrunk }),
        why: why.as_ref(),
        replay: &replay,
        more: timeline.as_slice(),
    };
    write!(out, "{failure}{}", sandbox_note())?;
    Ok(match shrunk.stopped_by {
        StoppedBy::Interrupt => Exit::Interrupted,
        _ => Exit::of_history(&shrunk.outcome.verdict),
    })
}

/// The picture of the smallest. What did not come back has none.
fn draw_beside(
    subject: &Subject,
    shrunk: &Shrunk,
    target: &Path,
    replay: &str,
    hang_timeout: Duration,
) -> Option<String> {
    if shrunk.stopped_by == StoppedBy::Hang {
        return None;
    }
    let keep = Keep { history: true, ..Keep::default() };
    let outcome = play_alone(subject, &shrunk.schedule, keep, hang_timeout).ok()?;
    let of = target.to_string_lossy();
    let timeline = Timeline::new(&subject.name, &of, Some(replay), &shrunk.schedule, &outcome)?;
    Some(match timeline.write_page_beside(target) {
        Ok(page) => format!("timeline {}", quoted(&page.to_string_lossy())),
        Err(why) => format!("no timeline: {why}"),
    })
}

/// `41.json` becomes `41.shrunk.json`.
fn beside(file: &Path) -> PathBuf {
    match file.extension() {
        Some(extension) if extension == "json" => file.with_extension("shrunk.json"),
        _ => {
            let mut name = file.as_os_str().to_owned();
            name.push(".shrunk.json");
            name.into()
        }
    }
}

/// A schedule that fails, to be made smaller while a person looks on.
pub(crate) struct Task<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) schedule: &'a Arc<Schedule>,
    pub(crate) finding: &'a Finding,
    /// `seed 41`, or a file.
    pub(crate) what: &'a str,
    pub(crate) hang_timeout: Duration,
    pub(crate) jobs: Option<usize>,
}

impl Task<'_> {
    /// Until Ctrl-C, or the budget is spent; then it is the smallest so far. Nothing, if nobody wants any.
    pub(crate) fn run(&self, context: &Context<'_>, budget: Duration) -> Result<Option<Shrunk>, String> {
        let mut shrink = Shrink { budget, threads: context.threads, ..Shrink::new(self.subject) };
        shrink.hang_timeout = self.hang_timeout;
        shrink.jobs = self.jobs.unwrap_or(shrink.jobs);
        let progress = ShrinkProgress::start(self.what, self.schedule, budget);
        let shrunk = shrink.run(self.schedule, self.finding, &context.stop, &|so_far| progress.show(so_far));
        progress.end();
        shrunk.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_one_stands_beside_the_other() {
        for (file, smaller) in [
            ("41.json", "41.shrunk.json"),
            ("target/twophase/a-41.json", "target/twophase/a-41.shrunk.json"),
            ("schedule", "schedule.shrunk.json"),
            ("a.41", "a.41.shrunk.json"),
        ] {
            assert_eq!(beside(Path::new(file)), Path::new(smaller));
        }
    }
}
