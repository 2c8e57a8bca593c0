//! `replay`: a saved schedule, played again.

use std::sync::Arc;

use super::args::{Pictures, Replay};
use super::history::{self, Play, check_new};
use super::out::Out;
use super::{Context, Trouble};
use crate::exit::Exit;
use crate::file::Saved;
use crate::shell::quoted;
use crate::subject::Subject;

pub(crate) fn replay(context: &Context<'_>, args: &Replay, out: &mut Out) -> Result<Exit, Trouble> {
    let Pictures { timeline, chrome } = &args.pictures;
    check_new(&[("--timeline", timeline.as_deref()), ("--chrome", chrome.as_deref())])?;
    let saved = Saved::read(&args.file)?;
    let name = args.file.to_string_lossy();
    let subject = subject_of(context, &saved, &name)?;
    let play = Play {
        subject,
        of: name.to_string(),
        seed: None,
        replay: format!("{} replay {}", context.called, quoted(&name)),
        schedule: Arc::new(saved.schedule.clone()),
        twice: args.twice,
        hang_timeout: args.hang_timeout.timeout(),
        json: args.json,
        saved: Some(&saved),
        output: None,
        save: None,
        pictures: &args.pictures,
        shrunk: None,
    };
    history::play(&play, out)
}

/// The subject that a file names; or whose file it is, and how it is replayed there.
pub(crate) fn subject_of<'a>(
    context: &'a Context<'_>,
    saved: &Saved,
    name: &str,
) -> Result<&'a Subject, String> {
    context.subject(&saved.subject).map_err(|what| match &saved.test {
        Some(test) => format!(
            "{name}: belongs to the test {test}: replay it with TWOPHASE_REPLAY={} cargo test {}; {what}",
            quoted(name),
            quoted(test)
        ),
        None => format!("{name}: {what}"),
    })
}
