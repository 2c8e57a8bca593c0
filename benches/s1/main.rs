//! Scenario S1 on this framework, and on madsim alone, in turn: how many times as fast is it?
//!
//! ```text
//! cargo bench                          all in turn, and the ratios
//! cargo bench --bench s1 -- plain 100  only that, so many histories: for callgrind
//! ```

#[cfg(madsim)]
mod plain;
#[cfg(madsim)]
mod toy;

use std::ops::Range;
use std::process::Command;
use std::time::Duration;

use twophase_sim::bench::{Cost, play_s1};
use twophase_sim::subjects::exactly_once;
use twophase_sim::{Subject, Threads};

/// How a round is played, and how many histories of it: about half a second each.
type Version = (&'static str, u64, fn(Range<u64>) -> Cost);

const VERSIONS: &[Version] = &[
    #[cfg(madsim)]
    ("plain", 600, play_plain),
    ("ours", 4_800, |seeds| play_ours(Threads::Shared, seeds)),
    ("ours-fresh-threads", 2_600, |seeds| play_ours(Threads::Fresh, seeds)),
];

/// Odd, so that one of them is in the middle.
const ROUNDS: usize = 15;

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
    let cost = play(0..histories);
    println!("{name:<20}{:>6.0} {}", cost.rate(), work(&cost));
}

/// In turn, because the speed of a shared machine drifts: a ratio is taken within a round, and the one in the middle is told.
/// Each in a process of its own, because what one leaves behind in the heap another would have to search.
fn compare() {
    println!("{ROUNDS} rounds, all versions in turn: the slowest, the one in the middle and the fastest\n");
    let mut rates = vec![Vec::new(); VERSIONS.len()];
    let mut works = vec![String::new(); VERSIONS.len()];
    for _ in 0..ROUNDS {
        for ((version, rates), work) in VERSIONS.iter().zip(&mut rates).zip(&mut works) {
            let told = in_a_process(version);
            let mut words = told.split_whitespace();
            let rate = words.nth(1).and_then(|rate| rate.parse::<f64>().ok());
            rates.push(rate.unwrap_or_else(|| panic!("expected a rate, found {told:?}")));
            *work = words.collect::<Vec<_>>().join(" ");
        }
    }
    for (((name, _, _), rates), work) in VERSIONS.iter().zip(&rates).zip(&works) {
        let [least, middle, most] = spread(rates);
        println!("{name:<20}{least:>6.0} {middle:>6.0} {most:>6.0} {work}");
    }
    for ((name, _, _), of) in VERSIONS.iter().zip(&rates).skip(1) {
        let ratios: Vec<f64> = of.iter().zip(&rates[0]).map(|(rate, plain)| rate / plain).collect();
        let [least, middle, most] = spread(&ratios);
        println!("{name:<20}{least:>6.2} {middle:>6.2} {most:>6.2} times as fast as {}", VERSIONS[0].0);
    }
}

/// What this program says of a round of one version.
fn in_a_process((name, histories, _): &Version) -> String {
    let this = std::env::current_exe().expect("a running program has a file");
    let round = Command::new(this).args([name, &*histories.to_string()]).output();
    let round = round.expect("what runs can be started once more");
    assert!(round.status.success(), "{name}: {}", String::from_utf8_lossy(&round.stderr));
    String::from_utf8(round.stdout).expect("it says what it costs")
}

/// The least of them, the one in the middle, and the most.
fn spread(all: &[f64]) -> [f64; 3] {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    [all[0], all[all.len() / 2], all[all.len() - 1]]
}

fn work(cost: &Cost) -> String {
    format!(
        "histories/s, each {:.0} messages, {:.0} virtual ms",
        cost.each(cost.messages as f64),
        cost.each(cost.lasted.as_secs_f64() * 1_000.0),
    )
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
