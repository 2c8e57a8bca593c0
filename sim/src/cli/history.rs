//! One history: what it drew, its trace, and the verdict.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::Pictures;
use super::out::Out;
use super::{Trouble, json};
use crate::drawn::Drawn;
use crate::exit::Exit;
use crate::file::{Expectation, Saved, create, must_not_exist};
use crate::outcome::{Outcome, Verdict};
use crate::reach::missed;
use crate::report::{Failure, Figures, Smallest, allowed_by, sandbox_note};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::Shrunk;
use crate::subject::Subject;
use crate::sweep::play_alone;
use crate::timeline::Timeline;
use crate::twice::{Difference, play_twice};
use crate::watch::Keep;
use crate::why::{Explain, NEAREST_BUDGET, Why};

/// A history to be played and shown.
pub(crate) struct Play<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) schedule: Arc<Schedule>,
    /// `seed 41`, or the file it comes from.
    pub(crate) of: String,
    pub(crate) seed: Option<Seed>,
    pub(crate) replay: String,
    pub(crate) twice: bool,
    pub(crate) hang_timeout: Duration,
    pub(crate) json: bool,
    /// The file it comes from, if it comes from one.
    pub(crate) saved: Option<&'a Saved>,
    pub(crate) output: Option<Target<'a>>,
    pub(crate) save: Option<&'a Path>,
    pub(crate) pictures: &'a Pictures,
    /// What it was shrunk from, and how, if it was.
    pub(crate) shrunk: Option<(Arc<Schedule>, Shrunk)>,
}

impl Play<'_> {
    fn shrunk_from(&self) -> Option<Smallest<'_>> {
        self.shrunk.as_ref().map(|(found, shrunk)| Smallest { found, shrunk })
    }
}

impl Play<'_> {
    fn explain(&self, outcome: &Outcome) -> Option<Why> {
        let (subject, schedule, hang_timeout) = (self.subject, &self.schedule, self.hang_timeout);
        Explain { subject, schedule, hang_timeout, budget: NEAREST_BUDGET }.outcome(outcome)
    }
}

/// Where the committed output goes.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a Path,
    /// The input's last record had no newline behind it, so the output's has none: as many bytes come out as
    /// went in.
    pub(crate) lacks_newline: bool,
}

/// Nothing is played for a result that could not be written: each of these is a file of its own, and new.
pub(crate) fn check_new(targets: &[(&str, Option<&Path>)]) -> Result<(), String> {
    let given: Vec<_> = targets.iter().filter_map(|(flag, path)| Some((flag, (*path)?))).collect();
    for (index, (flag, path)) in given.iter().enumerate() {
        if let Some((before, _)) = given[..index].iter().find(|(_, before)| before == path) {
            let name = path.display();
            return Err(format!(
                "{name}: is given to both {before} and {flag}; expected two files: give one another name"
            ));
        }
        must_not_exist(path)?;
    }
    Ok(())
}

/// Plays it, shows it, and writes what was asked for.
pub(crate) fn play(play: &Play<'_>, out: &mut Out) -> Result<Exit, Trouble> {
    let Pictures { timeline, chrome } = play.pictures;
    let history = !play.json || timeline.is_some() || chrome.is_some(); // beside --save too: never with --json
    let keep = Keep { history, output: play.output.is_some(), digests: false };
    let (outcome, difference) = match play.twice {
        true => play_twice(play.subject, &play.schedule, keep, play.hang_timeout),
        false => play_alone(play.subject, &play.schedule, keep, play.hang_timeout).map(|one| (one, None)),
    }
    .map_err(|error| error.to_string())?;
    write_files(play, &outcome)?;
    let drawn = draw_beside(play, &outcome);
    let exit = match difference {
        Some(_) => Exit::NotDeterministic,
        None => Exit::of_history(&outcome.verdict),
    };
    let why = if difference.is_none() { play.explain(&outcome) } else { None };
    match play.json {
        true => json::history(play, &outcome, difference.as_ref(), why, exit, out)?,
        false => {
            print(play, &outcome, difference.as_ref(), why.as_ref(), out)?;
            drawn.iter().try_for_each(|line| writeln!(out, "     {line}"))?;
        }
    }
    Ok(exit)
}

fn write_files(play: &Play<'_>, outcome: &Outcome) -> Result<(), String> {
    if let Some(path) = play.save {
        Saved::of(play.subject, &play.schedule, outcome).write(path)?;
    }
    write_pictures(play, outcome)?;
    match (&play.output, &outcome.output) {
        (Some(target), Some(output)) => create(target.path, |file| {
            for (index, (_, payload)) in output.iter().enumerate() {
                file.write_all(payload)?;
                if index + 1 < output.len() || !target.lacks_newline {
                    file.write_all(b"\n")?;
                }
            }
            Ok(())
        }),
        _ => Ok(()),
    }
}

fn write_pictures(play: &Play<'_>, outcome: &Outcome) -> Result<(), String> {
    let Pictures { timeline: page, chrome } = play.pictures;
    if page.is_none() && chrome.is_none() {
        return Ok(());
    }
    let timeline = Timeline::new(&play.subject.name, &play.of, Some(&play.replay), &play.schedule, outcome)
        .ok_or_else(|| {
        format!(
            "{}: it did not come back, so there is no history to draw; leave --timeline and --chrome out",
            play.of
        )
    })?;
    page.iter().try_for_each(|path| timeline.write_page(path))?;
    chrome.iter().try_for_each(|path| timeline.write_chrome(path))
}

/// A failure that is saved is drawn beside it, unless a picture was asked for. Returns where it is, or why not: the
/// schedule is saved, and whatever stands in the way of its picture is somebody's.
fn draw_beside(play: &Play<'_>, outcome: &Outcome) -> Option<String> {
    let path = play.save.filter(|_| play.pictures.timeline.is_none() && !play.json)?;
    outcome.finding()?;
    let timeline = Timeline::new(&play.subject.name, &play.of, Some(&play.replay), &play.schedule, outcome)?;
    Some(match timeline.write_page_beside(path) {
        Ok(page) => format!("timeline {}", page.display()),
        Err(why) => format!("no timeline: {why}"),
    })
}

fn print(
    play: &Play<'_>,
    outcome: &Outcome,
    difference: Option<&Difference>,
    why: Option<&Why>,
    out: &mut Out,
) -> Result<(), Trouble> {
    writeln!(out, "{} of {} ({})", play.of, play.subject.name, play.subject.expected)?;
    writeln!(out, "{}", Drawn(&play.schedule))?;
    if let Some(history) = &outcome.history {
        writeln!(out, "{history}")?;
    }
    print_verdict(play, outcome, why, out)?;
    write!(out, "{}", Figures { outcome, faults: play.schedule.faults.len() })?;
    match (play.twice, difference) {
        (true, None) => writeln!(out, "     played twice: it was the same both times")?,
        (_, Some(difference)) => writeln!(out, "\nFAIL  not deterministic  {}\n\n  {difference}", play.of)?,
        (false, None) => {}
    }
    print_expectation(play, outcome, out)?;
    write!(out, "{}", sandbox_note())?;
    Ok(())
}

fn print_verdict(
    play: &Play<'_>,
    outcome: &Outcome,
    why: Option<&Why>,
    out: &mut Out,
) -> Result<(), Trouble> {
    match &outcome.verdict {
        Verdict::Held => {
            writeln!(out, "ok   held: committed output equals input, exactly once   {}", play.of)?
        }
        Verdict::Vacuous => {
            writeln!(out, "ok   vacuous: it held, but no crash window was entered   {}", play.of)?
        }
        Verdict::FailStop(said) => {
            writeln!(out, "ok   fail-stop: the job gave up, saying: {said}   {}", play.of)?
        }
        Verdict::Failed(finding) => writeln!(
            out,
            "{}",
            Failure {
                of: play.of.clone(),
                finding,
                among: None,
                allowed_by: allowed_by(finding, &play.schedule),
                smallest: play.shrunk_from(),
                why,
                replay: &play.replay,
                more: &[],
            }
        )?,
    }
    Ok(())
}

fn print_expectation(play: &Play<'_>, outcome: &Outcome, out: &mut Out) -> Result<(), Trouble> {
    let Some(saved) = play.saved else { return Ok(()) };
    let (expected, found) = (saved.expected, Expectation::from(&outcome.verdict));
    if expected == found {
        writeln!(out, "     as the file expects: {expected}")?;
        return Ok(());
    }
    writeln!(out, "     the file expects {expected}; found {found}")?;
    // In the schedule of a test every fault strikes; in one that was drawn, most of them need not.
    if let Some(missed) = missed(saved, outcome).filter(|_| saved.test.is_some()) {
        write!(out, "\n  stale: it no longer gets where it was made for\n{missed}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use twophase::{Env, Fact};

    use super::*;
    use crate::generate::Generator;
    use crate::wall::HANG_TIMEOUT;

    /// What was printed.
    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);

    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics here").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn played_twice_a_static_is_found_and_the_event_is_named_that_it_changed() {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let remembers = Subject::sink("remembers", |env| {
            env.note(Fact::GaveUp(format!("number {}", MADE.fetch_add(1, Ordering::Relaxed))));
            crate::subjects::exactly_once(env)
        });
        let schedule = Generator::default().schedule(Seed(1)).expect("made-up records can always be read");
        let played = Play {
            subject: &remembers,
            schedule: Arc::new(schedule),
            of: "seed 1".to_owned(),
            seed: Some(Seed(1)),
            replay: "again".to_owned(),
            twice: true,
            hang_timeout: HANG_TIMEOUT,
            json: false,
            saved: None,
            shrunk: None,
            output: None,
            save: None,
            pictures: &Pictures::default(),
        };
        let printed = Printed::default();
        let mut out = Out::to(printed.clone());
        assert_eq!(play(&played, &mut out).expect("it can be printed"), Exit::NotDeterministic);
        out.flush().expect("it can be printed");
        let printed = printed.0.lock().expect("nobody panics here").clone();
        let printed = String::from_utf8(printed).expect("it is text");
        // The trace is that of the first play; the first sink that is made in it is number 0.
        let line = printed.lines().find(|line| line.ends_with("gives up: number 0")).expect("it is said");
        let step = line.split_whitespace().next().expect("a step");
        assert!(printed.contains(&format!("first at step {step}:\n  first   {line}\n")), "{printed}");
        assert!(!printed.contains("  second  (already over)"), "{printed}");
    }
}
