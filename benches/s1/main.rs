//! Scenario S1 on this framework, and on madsim alone, in turn: how many times as fast is it?
//!
//! ```text
//! cargo bench                          both in turn, five rounds, and the ratio
//! cargo bench --bench s1 -- plain 100  only that, so many histories: for callgrind
//! ```

#[cfg(madsim)]
mod plain;
#[cfg(madsim)]
mod toy;

use std::ops::Range;
use std::time::Duration;

use twophase_sim::bench::{Cost, play_s1};
use twophase_sim::subjects::exactly_once;
use twophase_sim::{Subject, Threads};

/// How a round is played, and how many histories of it: about a second each.
type Version = (&'static str, u64, fn(Range<u64>) -> Cost);

const VERSIONS: &[Version] = &[
    #[cfg(madsim)]
    ("plain", 1_000, play_plain),
    ("ours", 8_000, |seeds| play_ours(Threads::Shared, seeds)),
    ("ours-fresh-threads", 6_000, |seeds| play_ours(Threads::Fresh, seeds)),
];

const ROUNDS: u64 = 5;

fn main() {
    // cargo says `--bench` to every benchmark.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match &words[..] {
        [] => compare(),
        [name, histories] => play_only(name, histories),
        _ => panic!("expected nothing, or the name of a version and a number of histories"),
    }
}

fn play_only(name: &str, histories: &str) {
    let histories = histories.parse().expect("expected a number of histories");
    let found = VERSIONS.iter().find(|(known, _, _)| *known == name);
    let (_, _, play) = found.expect("expected plain (with --cfg madsim), ours or ours-fresh-threads");
    print(name, &play(0..histories));
}

/// In turn, because the speed of a shared machine drifts: a ratio is taken within a round.
fn compare() {
    let mut ratios = vec![Vec::new(); VERSIONS.len()];
    for round in 0..ROUNDS {
        let seeds = |count: u64| round * count..(round + 1) * count;
        let costs: Vec<Cost> = VERSIONS.iter().map(|(_, count, play)| play(seeds(*count))).collect();
        for (((name, _, _), cost), ratios) in VERSIONS.iter().zip(&costs).zip(&mut ratios) {
            print(name, cost);
            ratios.push(cost.rate() / costs[0].rate());
        }
    }
    for ((name, _, _), mut ratios) in VERSIONS.iter().zip(ratios).skip(1) {
        ratios.sort_by(f64::total_cmp);
        println!("{name}: {:.1} times as fast as {}", ratios[ratios.len() / 2], VERSIONS[0].0);
    }
}

fn print(name: &str, cost: &Cost) {
    println!(
        "{name:<20}{:>8.0} histories/s, each {:>5.0} messages, {:>6.0} virtual ms",
        cost.rate(),
        cost.each(cost.messages as f64),
        cost.each(cost.lasted.as_secs_f64() * 1_000.0),
    );
}

/// The correct sink, compiled here as a user's is compiled in a crate of his own: alone, and not beside three dozen subjects
/// that share its functions, few of which are inlined then. (`twophase bench` plays it there.)
fn play_ours(threads: Threads, seeds: Range<u64>) -> Cost {
    play_s1(&Subject::sink("kafka", exactly_once), threads, seeds)
}

/// What the plain version says of a history.
#[cfg(madsim)]
#[derive(Debug)]
struct Played {
    messages: u64,
    lasted: Duration,
}

#[cfg(madsim)]
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn play_plain(seeds: Range<u64>) -> Cost {
    let start = std::time::Instant::now();
    let mut cost = Cost { histories: seeds.end - seeds.start, ..Cost::default() };
    for seed in seeds {
        let played = plain::play(seed);
        cost.messages += played.messages;
        cost.lasted += played.lasted;
    }
    cost.took = start.elapsed();
    cost
}
