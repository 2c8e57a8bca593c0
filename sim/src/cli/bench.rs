//! How many histories a second, on one core, of the scenario by which frameworks are compared.

use std::io::Write;

use super::args::{Bench, On};
use super::out::Out;
use super::{Context, Trouble};
use crate::bench::{Cost, play_s1};
use crate::exit::Exit;
use crate::runtime::SANDBOXED;
use crate::subjects;
use crate::sweep::Threads;

/// How many histories are played at a time; between two batches Ctrl-C is heard.
const BATCH: u64 = 256;

pub(crate) fn bench(context: &Context<'_>, args: &Bench, out: &mut Out) -> Result<Exit, Trouble> {
    let sandbox = if SANDBOXED { "inside the sandbox" } else { "bare" };
    writeln!(out, "scenario S1, {} histories, one core, {sandbox}", args.histories)?;
    writeln!(out, "{:<24}{:>12}{:>10}{:>10}{:>12}", "", "histories/s", "events", "messages", "virtual ms")?;
    for (name, on, threads) in [
        ("one thread for all", On::Shared, Threads::Shared),
        ("a fresh thread for each", On::Fresh, Threads::Fresh),
    ] {
        if args.threads.is_some_and(|only| only != on) {
            continue;
        }
        let cost = play(context, threads, u64::from(args.histories));
        if context.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        line(out, name, &cost)?;
    }
    Ok(Exit::Held)
}

fn play(context: &Context<'_>, threads: Threads, histories: u64) -> Cost {
    let subject = subjects::named("kafka").expect("the correct subject comes along");
    let mut all = Cost::default();
    while all.histories < histories && !context.is_stopped() {
        let to = (all.histories + BATCH).min(histories);
        all += play_s1(&subject, threads, all.histories..to);
    }
    all
}

fn line(out: &mut Out, name: &str, cost: &Cost) -> std::io::Result<()> {
    writeln!(
        out,
        "{name:<24}{:>12.0}{:>10.0}{:>10.0}{:>12.0}",
        cost.rate(),
        cost.each(cost.events as f64),
        cost.each(cost.messages as f64),
        cost.each(cost.lasted.as_secs_f64() * 1_000.0)
    )?;
    out.flush()
}
