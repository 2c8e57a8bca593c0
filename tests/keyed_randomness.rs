//! Leaving a fault out changes what follows from it, and nothing else: every random draw is keyed by what it decides.
//! Without this nothing shrinks: a message less here would be other delays everywhere.
//!
//! Two plays of one schedule are compared, with and without one of its faults. From the moment at which it strikes, the
//! processes it strikes are *tainted* in both plays: they may do something else. Whoever gets a message from a tainted
//! process in one of the plays is tainted from then on in both, for in the other one it does without; so is the broker
//! with the first request of a tainted process, and whoever a tainted broker answers otherwise than in the other play.
//! Until it is tainted, everybody must do the same in both plays, at the same times. What is tainted may well do the
//! same; nobody asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use twophase_sim::fault::{End, Fault};
use twophase_sim::{Generator, Keep, Outcome, Schedule, Seed, play, subjects};

/// One event, as it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: String,
    who: String,
    what: String,
}

impl Seen {
    /// Who sent the message that arrives.
    fn sender(&self) -> Option<&str> {
        self.what.strip_prefix("gets ").and_then(|rest| rest.rsplit_once(" from ")).map(|(_, from)| from)
    }

    /// A request that reached the broker, and its answer.
    fn answered(&self) -> Option<(&str, &str)> {
        self.what.split_once(" -> ").filter(|_| !self.what.starts_with("puts head"))
    }
}

/// `  91   1.204000s  sink-0                  sends ack to coord-0 (17 bytes)`.
fn events(outcome: &Outcome) -> Vec<Seen> {
    let history = outcome.history.as_ref().expect("it was kept");
    let lines = (0..history.len()).filter_map(|index| history.line(index));
    let parse = |line: String| {
        let (_, line) = line.trim_start().split_once(' ')?;
        let (at, line) = line.trim_start().split_once(' ')?;
        let (who, what) = line.trim_start().split_once(' ')?;
        // A zombie and its replacement are one process here.
        let what = match what.strip_prefix("(zombie") {
            Some(zombie) => zombie.split_once(')')?.1,
            None => what,
        };
        // Where a record was written, no client cares: it depends on what others wrote there.
        let what = what.trim_start();
        let what =
            what.split_once(" -> ok, at ").map_or(what.to_owned(), |(asked, _)| format!("{asked} -> ok"));
        Some(Seen { at: at.to_owned(), who: who.to_owned(), what })
    };
    lines
        .map(|line| parse(line.clone()).unwrap_or_else(|| panic!("an event reads otherwise: {line}")))
        .collect()
}

/// Times print with six digits behind the point.
fn micros(at: &str) -> u64 {
    let digits: String = at.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("it is a time")
}

/// Whom a fault strikes.
fn struck(fault: &Fault) -> Vec<String> {
    let end = |end: &End| match end {
        End::Broker => "broker".to_owned(),
        End::Store => "coord-0".to_owned(), // nobody else has to do with it
        End::Process(name) => name.to_string(),
    };
    match fault {
        Fault::Partition { from, to, .. } => vec![end(from), end(to)],
        Fault::BrokerRestart { .. }
        | Fault::CoordinatorFailover { .. }
        | Fault::SlowMarkers { .. }
        | Fault::RepeatMarkers { .. } => {
            vec!["broker".to_owned()]
        }
        Fault::Stop { process, .. } | Fault::CrashAt { process, .. } | Fault::ClockJump { process, .. } => {
            vec![process.to_string()]
        }
        sited => sited.site().map(|site| site.process.to_string()).into_iter().collect(),
    }
}

/// From when on each may do something else.
type Tainted = BTreeMap<String, u64>;

/// How each request was answered, by when it arrived.
type Answers<'a> = BTreeMap<(&'a str, &'a str, &'a str), &'a str>;

fn answers(events: &[Seen]) -> Answers<'_> {
    let asks = events.iter().filter_map(|seen| Some((seen, seen.answered()?)));
    asks.map(|(seen, (asked, answer))| ((&*seen.at, &*seen.who, asked), answer)).collect()
}

/// Follows it through the events of one play. `elsewhere` are the answers in the other one; in one of them the broker may
/// be out of reach. Returns whether anybody
/// became tainted, or earlier so.
fn spread(events: &[Seen], elsewhere: &Answers<'_>, broker_away: bool, since: &mut Tainted) -> bool {
    let before = since.clone();
    for seen in events {
        let (at, who) = (micros(&seen.at), seen.who.as_str());
        let is_tainted = |name: &str| since.get(name).is_some_and(|since| *since <= at);
        let next = match (seen.sender(), seen.answered()) {
            (Some(sender), _) => is_tainted(sender).then_some(who),
            (None, Some(_)) if is_tainted(who) => Some("broker"),
            (None, Some((asked, answer))) if is_tainted("broker") => {
                match elsewhere.get(&(&*seen.at, who, asked)) {
                    Some(same) => (*same != answer).then_some(who),
                    // A broker that is away answers nobody. Otherwise who is not tainted asks the same in both plays.
                    None => broker_away.then_some(who),
                }
            }
            _ => None,
        };
        if let Some(next) = next {
            let known = since.entry(next.to_owned()).or_insert(at);
            *known = (*known).min(at);
        }
    }
    *since != before
}

/// What each does before this, in order.
fn by_whom(events: &[Seen], until: &Tainted) -> BTreeMap<String, Vec<Seen>> {
    let mut all: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for seen in events {
        let limit = until.get(&seen.who).copied().unwrap_or(u64::MAX);
        if micros(&seen.at) < limit {
            all.entry(seen.who.clone()).or_default().push(seen.clone());
        }
    }
    all
}

/// How many events were compared that come after the fault.
fn compare(schedule: &Schedule, left_out: usize) -> usize {
    let subject = subjects::named("kafka").expect("the correct job is there");
    let keep = Keep { history: true, ..Keep::default() };
    let fault = schedule.faults[left_out].clone();
    if schedule
        .faults
        .iter()
        .filter(|other| other.site() == fault.site() && other.time() == fault.time())
        .count()
        > 1
    {
        return 0; // of two at one place the trace does not say which has struck
    }
    let mut without = schedule.clone();
    without.faults.remove(left_out);
    let with = events(&play(&subject, &Arc::new(schedule.clone()), keep));
    let without = events(&play(&subject, &Arc::new(without), keep));
    let Some(strikes) = first_difference(&with, &without) else {
        return 0; // it never struck
    };
    assert!(
        with[strikes].what.starts_with("fault strikes: "),
        "seed {}: the first difference is no fault: {:?} and {:?}",
        schedule.timing.seed,
        with[strikes],
        without.get(strikes)
    );
    let from = micros(&with[strikes].at);
    let mut until: Tainted = struck(&fault).into_iter().map(|who| (who, from)).collect();
    // Who gets a message in one play and not in the other is tainted in both, and so is what he says then.
    let answers = (answers(&with), answers(&without));
    let away = fault.time().is_some();
    while spread(&with, &answers.1, away, &mut until) | spread(&without, &answers.0, away, &mut until) {}
    // A play that is over says nothing more about anybody.
    let last = |events: &[Seen]| events.last().map_or(0, |seen| micros(&seen.at));
    let over = last(&with).min(last(&without));
    let everybody: BTreeSet<_> = with.iter().chain(&without).map(|seen| seen.who.clone()).collect();
    for who in everybody {
        let known = until.entry(who).or_insert(over);
        *known = (*known).min(over);
    }
    // The world itself says when faults strike and heal.
    let without_world = |mut all: BTreeMap<String, Vec<Seen>>| {
        all.remove("world");
        all
    };
    let (one, other) = (without_world(by_whom(&with, &until)), without_world(by_whom(&without, &until)));
    let everybody: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    for who in everybody {
        let (one, other) = (one.get(who), other.get(who));
        assert_eq!(one, other, "seed {}: {who} does something else without {fault}", schedule.timing.seed);
    }
    one.values().flatten().filter(|seen| micros(&seen.at) > from).count()
}

fn first_difference(one: &[Seen], other: &[Seen]) -> Option<usize> {
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    (same < one.len().max(other.len())).then_some(same)
}

#[test]
fn leaving_a_fault_out_changes_nothing_but_what_follows_from_it() {
    let mut compared = 0;
    for seed in 0..60 {
        let schedule = Generator::default().schedule(Seed(seed)).expect("made-up records can always be read");
        compared += (0..schedule.faults.len()).map(|fault| compare(&schedule, fault)).sum::<usize>();
    }
    assert!(
        compared > 2_000,
        "only {compared} events lie outside the future of a fault: too few to show anything"
    );
}
