//! What a seed drew, for people: the job's shape, its settings, and one line for each fault.

use std::fmt;

use crate::fault::{End, Fault};
use crate::report::Millis;
use crate::safe::safe_rule;
use crate::schedule::{Schedule, Span};

/// A schedule, as it prints before its trace.
pub(crate) struct Drawn<'a>(pub(crate) &'a Schedule);

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.job(f)?;
        self.clocks(f)?;
        self.world(f)?;
        for fault in &self.0.faults {
            writeln!(f, "fault        {}", Line(fault))?;
        }
        if self.0.faults.is_empty() {
            writeln!(f, "fault        none")?;
        }
        Ok(())
    }
}

impl Drawn<'_> {
    fn job(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { settings, .. } = self.0;
        let sources = if settings.chained { "read by the sinks" } else { "each behind a queue" };
        writeln!(
            f,
            "job          records {}, splits {} ({sources}), sinks {}, partitions {}, protocol {:?}, naming {:?}",
            self.0.records(),
            settings.splits,
            settings.parallelism,
            settings.partitions,
            self.0.protocol,
            self.0.naming,
        )?;
        writeln!(
            f,
            "             queue {}, batch {}, checkpoints in flight {}, failed ones before a restart {}",
            settings.queue, settings.batch, settings.checkpoints_in_flight, settings.checkpoint_failures
        )
    }

    fn clocks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
        writeln!(
            f,
            "checkpoints  every {}, timeout {}, pause {}",
            Millis(settings.checkpoint_interval),
            Millis(settings.checkpoint_timeout),
            Millis(settings.checkpoint_pause)
        )?;
        writeln!(
            f,
            "failures     heartbeat {}, timeout {}; restart after {} to {}; retry after {}",
            Millis(settings.heartbeat_interval),
            Millis(settings.heartbeat_timeout),
            Millis(settings.restart_delay),
            Millis(settings.restart_delay_max),
            Millis(settings.retry_backoff)
        )?;
        writeln!(
            f,
            "transaction  timeout {}; the safe rule asks for {}",
            Millis(settings.transaction_timeout),
            Millis(safe_rule(self.0).needed())
        )
    }

    fn world(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { timing, broker, .. } = self.0;
        writeln!(
            f,
            "network      latency {}, request timeout {}; store {}; source {}",
            Range(timing.latency),
            Millis(timing.request_timeout),
            Range(timing.store),
            Range(timing.pace)
        )?;
        writeln!(
            f,
            "broker       markers after {}; sweep every {}, first at {}; all is repaired at {}",
            Range(broker.markers),
            Millis(broker.sweep_interval),
            Millis(broker.sweep_phase),
            Millis(self.0.heal_at)
        )
    }
}

/// `0.2 to 3.1 ms`, as a range prints.
struct Range(Span);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", Millis(self.0.min), Millis(self.0.max))
    }
}

/// A fault, as it prints.
struct Line<'a>(&'a Fault);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.0;
        write!(f, "{}", fault.kind().as_str())?;
        match fault.site() {
            Some(site) => write!(f, " at {site}")?,
            None => write!(f, " at {}", Millis(fault.time().unwrap_or_default()))?,
        }
        match fault {
            Fault::Crash { restart_after, .. } => write!(f, ", restarted after {}", Millis(*restart_after)),
            Fault::CrashAt { process, restart_after, .. } | Fault::Stop { process, restart_after, .. } => {
                write!(f, " of {process}, restarted after {}", Millis(*restart_after))
            }
            Fault::Pause { lasts, .. } => write!(f, " for {}", Millis(*lasts)),
            Fault::Zombie { replaced_after, wakes_after, .. } => write!(
                f,
                ", replaced after {}, wakes {} later",
                Millis(*replaced_after),
                Millis(*wakes_after)
            ),
            Fault::Lose { .. } => Ok(()),
            Fault::Delay { by, .. } => write!(f, " by {}", Millis(*by)),
            Fault::Repeat { after, .. } => write!(f, " after {}", Millis(*after)),
            Fault::Partition { from, to, both_ways, lasts, .. } => {
                let arrow = if *both_ways { "<->" } else { "->" };
                write!(f, " for {}: {} {arrow} {}", Millis(*lasts), Side(from), Side(to))
            }
            Fault::BrokerRestart { lasts, .. } => write!(f, " for {}", Millis(*lasts)),
            Fault::CoordinatorFailover { lasts, clock_ahead, .. } => {
                write!(f, " for {}, clock ahead by {}", Millis(*lasts), Millis(*clock_ahead))
            }
            Fault::SlowMarkers { lasts, by, .. } => write!(f, " for {}, by {}", Millis(*lasts), Millis(*by)),
            Fault::RepeatMarkers { lasts, after, .. } => {
                write!(f, " for {}, {} later", Millis(*lasts), Millis(*after))
            }
            Fault::ClockJump { process, by, backwards, .. } => {
                let where_to = if *backwards { "back" } else { "ahead" };
                write!(f, " of {process}, {where_to} by {}", Millis(*by))
            }
        }
    }
}

struct Side<'a>(&'a End);

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            End::Broker => f.write_str("broker"),
            End::Store => f.write_str("store"),
            End::Process(name) => name.fmt(f),
        }
    }
}
