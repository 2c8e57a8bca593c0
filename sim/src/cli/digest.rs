//! One line `seed digest` for each seed, so that machines and builds can be compared.

use std::io::{self, Write};

use super::args::Digest;
use super::out::Out;
use super::{Context, Trouble};
use crate::exit::Exit;
use crate::generate::Generator;
use crate::sweep::Sweep;

/// How many seeds each thread plays before their lines are printed, in order. Bounds what is held back.
const BATCH: u64 = 256;

pub(crate) fn digest(context: &Context<'_>, args: &Digest, out: &mut Out) -> Result<Exit, Trouble> {
    let subject = context.chosen(args.subject.as_deref())?;
    let mut sweep = Sweep::new(subject, Generator::default(), args.seeds.0.clone());
    sweep.threads = context.threads;
    sweep.hang_timeout = args.hang_timeout.timeout();
    sweep.jobs = args.jobs.map_or(sweep.jobs, usize::from);
    let batch = BATCH * sweep.jobs as u64;
    let mut from = args.seeds.0.start;
    while from < args.seeds.0.end && !out.is_gone() {
        let to = from.saturating_add(batch).min(args.seeds.0.end);
        sweep.seeds = from..to;
        let digests = match sweep.digests(&context.stop) {
            Err(hung) if hung.kind() == io::ErrorKind::TimedOut => {
                // Whoever compares digests gets none that stand for half a history.
                let _ = writeln!(io::stderr(), "error: {hung}");
                return Ok(Exit::Stuck);
            }
            digests => digests.map_err(|error| error.to_string())?,
        };
        // What an interrupted batch holds has gaps; a list of digests must have none.
        if context.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        for (seed, digest) in digests {
            writeln!(out, "{seed} {digest:016x}")?;
        }
        out.flush()?;
        from = to;
    }
    Ok(Exit::Held)
}
