//! The command.
use std::sync::Arc;
use twophase_sim::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let subject = subjects::named(&args[1]).unwrap();
    let (a, b): (u64, u64) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let generator = Generator {
        protocol: subject.protocol,
        naming: subject.naming,
        safety: if std::env::var("U").is_ok() {
            Safety::Unsafe
        } else {
            Safety::Safe
        },
        ..Default::default()
    };
    let mut verdicts = std::collections::BTreeMap::new();
    let mut windows = [0; 8];
    let mut events = 0;
    let mut to = 0;
    let mut cp = (0, 0);
    let mut st = [0u32; 13];
    let mut un = 0;
    let mut w8 = None;
    for seed in a..b {
        let schedule = Arc::new(generator.schedule(Seed(seed)).unwrap());
        let outcome = play(
            &subject,
            &schedule,
            Keep {
                history: b - a == 1,
                ..Keep::default()
            },
        );
        if let Some(h) = &outcome.history {
            println!("{:#?}\n{h}", schedule.faults);
            println!("{:?} {:x} {:?}", outcome.verdict, outcome.digest, outcome.windows);
        }
        events += outcome.events;
        to += (outcome.timed_out > 0) as u32;
        cp.0 += outcome.checkpoints.0;
        cp.1 += outcome.checkpoints.1;
        for i in 0..13 {
            st[i] += outcome.struck[i];
        }
        un += outcome.unstruck;
        if outcome.windows.has(Window::W8) && w8.is_none() {
            w8 = Some(seed);
            println!("W8 {seed}");
        }
        for (i, w) in Window::ALL.iter().enumerate() {
            windows[i] += outcome.windows.has(*w) as u32;
        }
        if std::env::var("V").is_ok() && matches!(outcome.verdict, Verdict::Vacuous) {
            if let Some(f) = schedule.faults.first() {
                println!(
                    "VAC {} u{} {}",
                    f.site().map_or(format!("{:?}", f.kind()), |s| format!(
                        "{}.{}",
                        s.operation, s.phase
                    )),
                    outcome.unstruck == schedule.faults.len() as u32,
                    seed
                );
            } else {
                println!("VAC none");
            }
        }
        let key = match &outcome.verdict {
            Verdict::Failed(f) => format!("{:?} {:?}", f.anomaly, f.window),
            v => format!("{v:?}").chars().take(30).collect(),
        };
        let e = verdicts.entry(key).or_insert((0, seed, String::new()));
        e.0 += 1;
        if e.2.is_empty() {
            e.2 = outcome.finding().map_or(String::new(), |f| f.detail.clone());
        }
    }
    println!("{verdicts:#?} {windows:?} events {events} timedout {to} cp {cp:?} struck {st:?} un {un}");
}
