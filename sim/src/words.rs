//! Faults in words, for people: `crash sink-0 before its 1st commit request, restart it after 20 ms`.

use std::fmt;
use std::time::Duration;

use twophase::Life;

use crate::fault::{End, Fault};
use crate::report::Millis;
use crate::site::{Ask, Operation, Phase, Site};

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash { at, restart_after } => {
                write!(f, "crash {} {}, restart it {}", at.process, Moment(at), After(*restart_after))
            }
            Fault::Pause { at, lasts } => {
                write!(f, "pause {} {}, for {}", at.process, Moment(at), Millis(*lasts))
            }
            Fault::Zombie { at, replaced_after, wakes_after } => write!(
                f,
                "replace {} {}, {}; it wakes as a zombie {} later",
                at.process,
                Moment(at),
                After(*replaced_after),
                Millis(*wakes_after)
            ),
            Fault::Lose { at } => write!(f, "lose {}", Subject(at)),
            Fault::Delay { at, by } => write!(f, "delay {} by {}", Subject(at), Millis(*by)),
            Fault::Repeat { at, after } => write!(f, "repeat {} {} later", Subject(at), Millis(*after)),
            timed => in_time(timed, f),
        }
    }
}

fn in_time(fault: &Fault, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match fault {
        Fault::CrashAt { process, at, restart_after } => {
            write!(f, "crash {process} at {}, restart it {}", Millis(*at), After(*restart_after))
        }
        Fault::Stop { process, at, restart_after } => {
            write!(f, "stop {process} cleanly at {}, restart it {}", Millis(*at), After(*restart_after))
        }
        Fault::Partition { from, to, both_ways, at, lasts } => {
            let (from, to, back) = (Side(from), Side(to), if *both_ways { " and back" } else { "" });
            write!(f, "cut the way from {from} to {to}{back} at {}, for {}", Millis(*at), Millis(*lasts))
        }
        Fault::BrokerRestart { at, lasts } => {
            write!(f, "restart the broker at {}{}", Millis(*at), Taking(*lasts))
        }
        Fault::CoordinatorFailover { at, lasts, clock_ahead } => {
            write!(f, "move the transaction coordinator at {}{}", Millis(*at), Taking(*lasts))?;
            match clock_ahead.is_zero() {
                true => Ok(()),
                false => write!(f, ", to a machine whose clock is ahead by {}", Millis(*clock_ahead)),
            }
        }
        Fault::SlowMarkers { at, lasts, by } => {
            let (at, lasts, by) = (Millis(*at), Millis(*lasts), Millis(*by));
            write!(f, "write markers {by} late from {at} on, for {lasts}")
        }
        Fault::RepeatMarkers { at, lasts, after } => {
            let (at, lasts, after) = (Millis(*at), Millis(*lasts), Millis(*after));
            write!(f, "write markers again {after} later from {at} on, for {lasts}")
        }
        Fault::ClockJump { process, at, by, backwards } => {
            let where_to = if *backwards { "back" } else { "ahead" };
            write!(f, "set the clock of {process} {where_to} by {} at {}", Millis(*by), Millis(*at))
        }
        _ => unreachable!("what has a site has its words above"),
    }
}

struct After(Duration);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_zero() {
            true => f.write_str("at once"),
            false => write!(f, "after {}", Millis(self.0)),
        }
    }
}

struct Taking(Duration);

impl fmt::Display for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_zero() {
            true => Ok(()),
            false => write!(f, ", which takes {}", Millis(self.0)),
        }
    }
}

/// When a process is struck: `before its 1st commit request`.
struct Moment<'a>(&'a Site);

impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { life, operation, ordinal, phase, .. } = self.0;
        let its = format!("{}{} {}", Whose(*life), Ordinal(*ordinal), Noun(operation));
        match (operation, phase) {
            (Operation::Receive, _) => write!(f, "as it gets {its}"),
            (Operation::Sleep | Operation::Next, Phase::Before) => write!(f, "before {its}"),
            (Operation::Sleep | Operation::Next, _) => write!(f, "after {its}"),
            (_, Phase::Before) => write!(f, "before {its}"),
            (_, Phase::Sent) => write!(f, "right after it has sent {its}"),
            (_, Phase::Applied) => write!(f, "when {its} is applied and not yet answered"),
            (_, Phase::Answered) => write!(f, "while the answer to {its} is on its way"),
            (_, Phase::Received) => write!(f, "as it gets the answer to {its}"),
        }
    }
}

struct Whose(Life);

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Life(1) => f.write_str("its "),
            life => write!(f, "its {} life's ", Ordinal(life.0)),
        }
    }
}

/// What is lost, late or there twice: `the answer to the 1st commit request of sink-0`.
struct Subject<'a>(&'a Site);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { process, life, operation, ordinal, phase } = self.0;
        if *phase == Phase::Answered {
            f.write_str("the answer to ")?;
        }
        write!(f, "the {} {} of {process}", Ordinal(*ordinal), Noun(operation))?;
        match life {
            Life(1) => Ok(()),
            life => write!(f, "'s {} life", Ordinal(life.0)),
        }
    }
}

struct Noun<'a>(&'a Operation);

impl fmt::Display for Noun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Operation::Sleep => "wait",
            Operation::Next => "wait for a record",
            Operation::Receive => "message",
            Operation::Send(label) => return write!(f, "'{label}' message"),
            Operation::Read => "read from the store",
            Operation::Put => "write to the store",
            Operation::Ask(ask) => match ask {
                Ask::Init => "init request",
                Ask::AddPartitions => "add-partitions request",
                Ask::AddOffsets => "add-offsets request",
                Ask::Produce => "produce request",
                Ask::Commit => "commit request",
                Ask::Abort => "abort request",
                Ask::CommitOffsets => "commit-offsets request",
                Ask::Describe => "describe request",
                Ask::List => "list request",
            },
        })
    }
}

struct Side<'a>(&'a End);

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            End::Broker => f.write_str("the broker"),
            End::Store => f.write_str("the store"),
            End::Process(name) => name.fmt(f),
        }
    }
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`.
struct Ordinal(u32);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{suffix}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Name;

    fn at(site: &str) -> Site {
        site.parse().expect("it is a site")
    }

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn faults_at_sites_read_as_sentences() {
        for (fault, words) in [
            (
                Fault::Crash { at: at("sink-0/1/end_txn.commit#1/before"), restart_after: MILLI * 20 },
                "crash sink-0 before its 1st commit request, restart it after 20 ms",
            ),
            (
                Fault::Crash { at: at("coord-0/2/put#3/applied"), restart_after: Duration::ZERO },
                "crash coord-0 when its 2nd life's 3rd write to the store is applied and not yet answered, \
                 restart it at once",
            ),
            (
                Fault::Pause { at: at("sink-1/1/receive#22/received"), lasts: MILLI * 100 },
                "pause sink-1 as it gets its 22nd message, for 100 ms",
            ),
            (
                Fault::Zombie {
                    at: at("sink-0/1/init#2/received"),
                    replaced_after: MILLI,
                    wakes_after: MILLI * 100,
                },
                "replace sink-0 as it gets the answer to its 2nd init request, after 1 ms; \
                 it wakes as a zombie 100 ms later",
            ),
            (
                Fault::Lose { at: at("sink-0/1/end_txn.commit#2/answered") },
                "lose the answer to the 2nd commit request of sink-0",
            ),
            (
                Fault::Delay { at: at("coord-0/3/send.complete#1/sent"), by: MILLI },
                "delay the 1st 'complete' message of coord-0's 3rd life by 1 ms",
            ),
            (
                Fault::Repeat { at: at("sink-0/1/produce#11/sent"), after: MILLI },
                "repeat the 11th produce request of sink-0 1 ms later",
            ),
        ] {
            assert_eq!(fault.to_string(), words);
        }
    }

    #[test]
    fn faults_in_time_read_as_sentences() {
        let (sink, coordinator) = (Name::sink(2), Name::COORDINATOR);
        for (fault, words) in [
            (
                Fault::Stop { process: sink, at: MILLI * 7, restart_after: MILLI },
                "stop sink-2 cleanly at 7 ms, restart it after 1 ms",
            ),
            (
                Fault::Partition {
                    from: End::Process(sink),
                    to: End::Broker,
                    both_ways: true,
                    at: MILLI,
                    lasts: MILLI * 2,
                },
                "cut the way from sink-2 to the broker and back at 1 ms, for 2 ms",
            ),
            (
                Fault::CoordinatorFailover { at: MILLI, lasts: MILLI * 2, clock_ahead: MILLI * 3 },
                "move the transaction coordinator at 1 ms, which takes 2 ms, \
                 to a machine whose clock is ahead by 3 ms",
            ),
            (
                Fault::SlowMarkers { at: MILLI, lasts: MILLI * 2, by: MILLI * 3 },
                "write markers 3 ms late from 1 ms on, for 2 ms",
            ),
            (
                Fault::RepeatMarkers { at: MILLI, lasts: MILLI * 2, after: MILLI * 3 },
                "write markers again 3 ms later from 1 ms on, for 2 ms",
            ),
            (
                Fault::ClockJump { process: coordinator, at: MILLI, by: MILLI * 3, backwards: true },
                "set the clock of coord-0 back by 3 ms at 1 ms",
            ),
        ] {
            assert_eq!(fault.to_string(), words);
        }
    }
}
