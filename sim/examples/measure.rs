//! scratch
use std::collections::BTreeMap;
use std::sync::Arc;
use twophase_sim::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u64 = args[1].parse().unwrap();
    let calm = args.get(2).is_some_and(|a| a == "calm");
    let only: Vec<_> = args[2..].iter().filter(|a| *a != "calm").collect();
    for subject in subjects::all() {
        if !only.is_empty() && !only.iter().any(|o| **o == subject.name) {
            continue;
        }
        let generator = Generator {
            protocol: subject.protocol,
            naming: subject.naming,
            calm,
            ..Default::default()
        };
        let mut found: BTreeMap<String, (u32, u64, String)> = BTreeMap::new();
        let t = std::time::Instant::now();
        for seed in 0..n {
            let schedule = Arc::new(generator.schedule(Seed(seed)).unwrap());
            let outcome = play(&subject, &schedule, Keep::default());
            let key = match &outcome.verdict {
                Verdict::Failed(f) => {
                    format!("{} {}", f.anomaly, f.window.map_or("-".into(), |w| w.to_string()))
                }
                v => format!("{v:?}").chars().take(20).collect(),
            };
            let e = found.entry(key).or_insert((
                0,
                seed,
                outcome
                    .finding()
                    .map_or(String::new(), |f| f.detail.chars().take(110).collect()),
            ));
            e.0 += 1;
        }
        println!("== {} ({}) {:?}", subject.name, subject.expected, t.elapsed());
        let mut rows: Vec<_> = found.into_iter().collect();
        rows.sort_by_key(|r| std::cmp::Reverse(r.1.0));
        for (k, (c, s, d)) in rows {
            println!("   {c:6} {k:24} first {s:6} {d}");
        }
    }
}
