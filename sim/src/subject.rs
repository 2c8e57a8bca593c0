//! What a run tests: a sink, coordinator, client, broker or whole job.

use std::fmt;
use std::sync::Arc;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{Job, Sink, StandardJob};

use crate::anomaly::Anomaly;
use crate::coverage::Window;
use crate::env::SimEnv;
use crate::generate::{Generator, Safety};
use crate::log::{ClusterSettings, Log, TransactionalLog};
use crate::schedule::Schedule;

type MakeJob = dyn Fn(&Schedule) -> Box<dyn Job<SimEnv>> + Send + Sync;
type MakeLog = dyn Fn(&ClusterSettings) -> Box<dyn Log> + Send + Sync;

/// A subject under test: what is made anew for each history.
#[derive(Clone)]
pub struct Subject {
    /// How it is called.
    pub name: String,
    /// One sentence about it.
    pub about: String,
    /// What is expected of it.
    pub expected: Expected,
    /// The protocol it always runs with; drawn, if there is none.
    pub protocol: Option<Protocol>,
    /// How it always names its transactions; drawn, if there is none.
    pub naming: Option<Naming>,
    /// The settings that what is expected of it is said for.
    pub safety: Safety,
    /// What it is, or which part of a job is wrong in it.
    pub part: Part,
    /// Where its mistake was made before: an entry of the catalogue of known bugs, and the ticket. May be empty.
    pub seen_in: String,
    job: Arc<MakeJob>,
    log: Arc<MakeLog>,
}

/// The parts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // each is what it is called
pub enum Part {
    Sink,
    Client,
    Coordinator,
    Broker,
    Job,
}

/// What is expected of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It never shows an anomaly inside the safe rule.
    Correct,
    /// It is one mistake away from correct, and is found like this: in a window, or in none.
    Broken(Anomaly, Option<Window>),
}

impl Subject {
    /// A sink under the standard coordinator, workers and broker.
    pub fn sink<S: Sink>(name: &str, make: impl Fn(SimEnv) -> S + Send + Sync + Clone + 'static) -> Self {
        let job = move |schedule: &Schedule| -> Box<dyn Job<SimEnv>> {
            Box::new(StandardJob::new(schedule.settings.clone(), make.clone()))
        };
        Subject::job(name, job).part(Part::Sink)
    }

    /// A whole job.
    pub fn job(name: &str, make: impl Fn(&Schedule) -> Box<dyn Job<SimEnv>> + Send + Sync + 'static) -> Self {
        Subject {
            name: name.to_owned(),
            about: String::new(),
            expected: Expected::Correct,
            protocol: None,
            naming: None,
            safety: Safety::Safe,
            part: Part::Job,
            seen_in: String::new(),
            job: Arc::new(make),
            log: Arc::new(|settings| Box::new(TransactionalLog::new(settings))),
        }
    }

    /// Over another broker.
    pub fn with_log(
        mut self,
        make: impl Fn(&ClusterSettings) -> Box<dyn Log> + Send + Sync + 'static,
    ) -> Self {
        self.log = Arc::new(make);
        self.part(Part::Broker)
    }

    /// With this sentence about it.
    pub fn about(mut self, sentence: &str) -> Self {
        sentence.clone_into(&mut self.about);
        self
    }

    /// Expected to fail like this.
    pub fn broken(mut self, anomaly: Anomaly, window: impl Into<Option<Window>>) -> Self {
        self.expected = Expected::Broken(anomaly, window.into());
        self
    }

    /// Expected so outside the safe rule only.
    pub fn outside_the_safe_rule(mut self) -> Self {
        self.safety = Safety::Unsafe;
        self
    }

    /// Wrong in this part of the job.
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// With a mistake that was made before, here.
    pub fn seen_in(mut self, entry: &str) -> Self {
        entry.clone_into(&mut self.seen_in);
        self
    }

    /// Always with this protocol and this way of naming.
    pub fn pinned(mut self, protocol: Option<Protocol>, naming: Option<Naming>) -> Self {
        self.protocol = protocol;
        self.naming = naming;
        self
    }

    /// The generator, with what this subject always runs with.
    pub(crate) fn pin(&self, generator: Generator) -> Generator {
        Generator {
            protocol: self.protocol.or(generator.protocol),
            naming: self.naming.or(generator.naming),
            ..generator
        }
    }

    pub(crate) fn job_for(&self, schedule: &Schedule) -> Box<dyn Job<SimEnv>> {
        (self.job)(schedule)
    }

    pub(crate) fn log_for(&self, schedule: &Schedule) -> Box<dyn Log> {
        let defaults = ClusterSettings::default();
        (self.log)(&ClusterSettings {
            partitions: schedule.settings.partitions,
            protocol: schedule.protocol,
            verification: schedule.broker.verification,
            // An operator who lets clients wait that long has raised the limit too.
            timeout_max: schedule.settings.transaction_timeout.max(defaults.timeout_max),
            ..defaults
        })
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Sink => "sink",
            Part::Client => "client",
            Part::Coordinator => "coordinator",
            Part::Broker => "broker",
            Part::Job => "job",
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Correct => f.write_str("correct"),
            Expected::Broken(anomaly, Some(window)) => write!(f, "broken {anomaly} {window}"),
            Expected::Broken(anomaly, None) => write!(f, "broken {anomaly}"),
        }
    }
}
