//! `show`: a saved schedule, played, and its history as lanes in the terminal.

use std::io::Write;
use std::sync::Arc;

use console::Term;

use super::args::{Pictures, Show};
use super::history::check_new;
use super::out::Out;
use super::replay::subject_of;
use super::{Context, Trouble};
use crate::exit::Exit;
use crate::file::Saved;
use crate::shell::quoted;
use crate::sweep::play_alone;
use crate::timeline::{Look, Timeline};
use crate::watch::Keep;

pub(crate) fn show(context: &Context<'_>, args: &Show, out: &mut Out) -> Result<Exit, Trouble> {
    let Pictures { timeline: page, chrome } = &args.pictures;
    check_new(&[("--timeline", page.as_deref()), ("--chrome", chrome.as_deref())])?;
    let saved = Saved::read(&args.file)?;
    let name = args.file.to_string_lossy();
    let subject = subject_of(context, &saved, &name)?;
    let schedule = Arc::new(saved.schedule);
    let keep = Keep { history: true, ..Keep::default() };
    let outcome = play_alone(subject, &schedule, keep, args.hang_timeout.timeout())
        .map_err(|error| error.to_string())?;
    let replay = format!("{} replay {}", context.called, quoted(&name));
    let timeline = Timeline::new(&subject.name, &name, Some(&replay), &schedule, &outcome);
    let Some(timeline) = timeline else {
        return Err(format!("{name}: it did not come back, so there is no history to show").into());
    };
    let look = Look {
        width: args.width.map_or_else(width, usize::from),
        around: args.around.map(|step| step as usize),
        record: args.record.clone(),
        transaction: args.transaction.clone(),
        all: args.all,
    };
    let text = timeline.text(&look).map_err(|what| format!("{name}: {what}"))?;
    page.iter().try_for_each(|path| timeline.write_page(path))?;
    chrome.iter().try_for_each(|path| timeline.write_chrome(path))?;
    write!(out, "{}{text}", timeline.heading())?;
    Ok(Exit::of_history(&outcome.verdict))
}

/// What the terminal has, or what COLUMNS says; enough for a wide line where neither is known.
fn width() -> usize {
    let of_terminal = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    of_terminal.or_else(said).unwrap_or(Look::default().width)
}
