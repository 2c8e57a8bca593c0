//! `replay`: a saved schedule, played again.

use std::sync::Arc;

use super::args::Replay;
use super::history::{self, Play};
use super::out::Out;
use super::{Context, Trouble, quoted};
use crate::exit::Exit;
use crate::file::Saved;

pub(crate) fn replay(context: &Context<'_>, args: &Replay, out: &mut Out) -> Result<Exit, Trouble> {
    let saved = Saved::read(&args.file)?;
    let name = args.file.to_string_lossy();
    let of_test = saved.test.map(|test| format!(" (it belongs to the test {test})"));
    let subject = context
        .subject(&saved.subject)
        .map_err(|what| format!("{name}{}: {what}", of_test.unwrap_or_default()))?;
    let play = Play {
        subject,
        of: name.to_string(),
        seed: None,
        replay: format!("{} replay {}", context.called, quoted(&name)),
        schedule: Arc::new(saved.schedule),
        twice: args.twice,
        hang_timeout: args.hang_timeout.timeout(),
        json: args.json,
        expected: Some(saved.expected),
        output: None,
        save: None,
        shrunk: None,
    };
    history::play(&play, out)
}
