//! What a run tests: a sink, coordinator, client, broker or whole job.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::{BoxError, BoxFuture, Job, Record, Sink, StandardJob};

use crate::anomaly::Anomaly;
use crate::coverage::Window;
use crate::env::SimEnv;
use crate::generate::{Generator, Input, Safety};
use crate::log::{self, AnyLog, ClusterSettings, Log, TransactionalLog};
use crate::outputs::{ByKey, Output, Promise};
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
    pub(crate) promise: Promise,
    /// Whether there is no coordinator.
    pub(crate) alone: bool,
    /// Whether it commits only what a durable checkpoint covers.
    pub(crate) bound: bool,
    input: Option<Arc<dyn Input>>,
    /// The settings that what is expected of it is said for.
    pub safety: Safety,
    /// What it is, or which part of a job is wrong in it.
    pub part: Part,
    /// Where its mistake was made before: an entry of the catalogue of known bugs, and the ticket. May be empty.
    pub seen_in: String,
    job: Arc<MakeJob>,
    /// Makes its log, if that is not the correct one.
    log: Option<Arc<MakeLog>>,
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
            promise: Promise::default(),
            alone: false,
            bound: true,
            input: None,
            safety: Safety::Safe,
            part: Part::Job,
            seen_in: String::new(),
            job: Arc::new(make),
            log: None,
        }
    }

    /// An opaque process: one future, which talks to the traits however it likes. As many of it run as the job
    /// has sinks, with nobody to coordinate them; [`Env::me`](twophase::Env::me) says which one it is. A call is one
    /// life of one process. It ends with `Ok` when its part of the input is committed, and is started again when it
    /// ends otherwise.
    ///
    /// The checks are the same, but that its commits are not bound to checkpoints, unless it
    /// [says so](Self::commits_at_checkpoints). It need not note anything: the report says which checks and which
    /// crash windows could not be told then. What the generator aims at a coordinator strikes these processes, where
    /// they read and write the checkpoint store.
    ///
    /// ```
    /// use twophase::{BoxError, Env};
    /// use twophase_sim::{SimEnv, Subject};
    ///
    /// /// Yours: reads, writes and commits.
    /// async fn transfer<E: Env>(_env: E) -> Result<(), BoxError> {
    ///     Ok(())
    /// }
    ///
    /// let subject = Subject::process("transfer", |env: SimEnv| transfer(env));
    /// ```
    pub fn process<F>(name: &str, run: impl Fn(SimEnv) -> F + Send + Sync + Clone + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let job = move |_: &Schedule| -> Box<dyn Job<SimEnv>> { Box::new(Alone(run.clone())) };
        Subject { alone: true, bound: false, ..Subject::job(name, job) }
    }

    /// Its commits are bound to checkpoints: a record that is visible before a checkpoint in
    /// [`Key::Head`](twophase::env::Key::Head) covers it is [`Premature`](Anomaly::Premature). So it is for sinks and
    /// jobs; not for processes, unless this is said.
    pub fn commits_at_checkpoints(mut self) -> Self {
        self.bound = true;
        self
    }

    /// Its commits are not bound to checkpoints, as where progress is committed with the data.
    pub fn commits_freely(mut self) -> Self {
        self.bound = false;
        self
    }

    /// Over another broker.
    pub fn with_log(
        mut self,
        make: impl Fn(&ClusterSettings) -> Box<dyn Log> + Send + Sync + 'static,
    ) -> Self {
        self.log = Some(Arc::new(make));
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

    /// What is to come out of each record, where that is not the record itself: for sinks that transform, filter
    /// or fan out. Each output is to be there exactly once; which of them one is, its place in this list tells:
    /// its identity is (split, offset, nth output).
    ///
    /// ```
    /// use twophase::{Partition, Record};
    /// use twophase_sim::{Output, Subject, subjects};
    ///
    /// /// An order as it is, and once more on the partition of the audit; nothing of an empty line.
    /// fn outputs(record: &Record) -> Vec<Output> {
    ///     let order = Output::from(record.payload.clone());
    ///     let audit = order.clone().on(Partition(1));
    ///     if record.payload.is_empty() { vec![] } else { vec![order.on(Partition(0)), audit] }
    /// }
    ///
    /// let subject = Subject::sink("orders", subjects::exactly_once).expect(outputs); // or your own sink
    /// ```
    ///
    /// What may be relied on:
    /// - It is asked once for each record of a history, before anything happens; its answer has to follow from the
    ///   record alone. So sums over several records cannot be judged.
    /// - A visible record belongs to the record of the input that its header names; [`identify`](Self::identify)
    ///   takes the place of the header. It is the output with its payload and, if one was said, its partition.
    ///   One that is none of them is [`Invented`](Anomaly::Invented).
    /// - Outputs of one record that are alike count by their number: the third of two is a
    ///   [`Duplicate`](Anomaly::Duplicate), and one of two missing is [`Lost`](Anomaly::Lost). Whatever else is
    ///   there twice can make up for none of them.
    /// - The order of the outputs of one record is free; between two records of one split it is judged as ever.
    /// - A record of which nothing is expected may be dropped, and must not come out. A history of which nothing at
    ///   all is expected is vacuous.
    /// - If it panics, that is what is found: [`Panicked`](Anomaly::Panicked), with its line.
    pub fn expect<I>(mut self, outputs: impl Fn(&Record) -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Output>,
    {
        let all = move |record: &Record| outputs(record).into_iter().map(Into::into).collect();
        self.promise.expect = Some(Arc::new(all));
        self
    }

    /// How an output is known again by its payload, for targets that cannot carry the header of the framework. What
    /// stands in the header of a visible record is not looked at then.
    ///
    /// The identity may be of any type with an order: the number of an order, a name, the payload itself. It is asked
    /// of each expected output (each record, or what [`expect`](Self::expect) says) and later of each visible one;
    /// they belong together if it is the same. One that has none (`None`), or one that nothing expected has, is
    /// [`Invented`](Anomaly::Invented); so is one whose payload is not the one that was expected under it.
    ///
    /// ```
    /// use twophase_sim::{Subject, subjects};
    ///
    /// /// The number before the first comma.
    /// fn number(payload: &[u8]) -> Option<u64> {
    ///     let number = payload.split(|byte| *byte == b',').next()?;
    ///     std::str::from_utf8(number).ok()?.parse().ok()
    /// }
    ///
    /// let subject = Subject::sink("orders", subjects::exactly_once).identify(number); // or your own sink
    /// ```
    ///
    /// Two expected outputs with one identity are an error, which names both: a loss of one could be cancelled
    /// by a duplicate of the other. Made-up records all differ; in a file equal lines do not. If it panics, that is
    /// what is found: [`Panicked`](Anomaly::Panicked), with its line.
    pub fn identify<K>(mut self, identity: impl Fn(&[u8]) -> Option<K> + Send + Sync + 'static) -> Self
    where
        K: Ord + fmt::Debug + Send + 'static,
    {
        self.promise.identify = Some(Arc::new(ByKey(Arc::new(identity))));
        self
    }

    /// Where its records come from, if a run does not say: for subjects that can do nothing with made-up ones. See
    /// [`Simulation::input`](crate::Simulation::input).
    pub fn input(mut self, input: impl Input + 'static) -> Self {
        self.input = Some(Arc::new(input));
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

    /// The generator of what this subject is to be judged by: the default one, with what the subject always runs
    /// with, and inside the safe rule or outside as its [`safety`](Self::safety) says.
    ///
    /// ```
    /// use twophase_sim::{Keep, Seed, play, subjects};
    ///
    /// let subject = subjects::named("flushes-on-close").unwrap();
    /// let schedule = subject.generator().schedule(Seed(7)).unwrap();
    /// let outcome = play(&subject, &schedule.into(), Keep::default());
    /// ```
    pub fn generator(&self) -> Generator {
        self.pin(Generator { safety: self.safety, ..Generator::default() })
    }

    /// The generator, with what this subject always runs with.
    pub(crate) fn pin(&self, generator: Generator) -> Generator {
        Generator {
            protocol: self.protocol.or(generator.protocol),
            naming: self.naming.or(generator.naming),
            input: generator.input.or_else(|| self.input.clone()),
            alone: self.alone,
            ..generator
        }
    }

    pub(crate) fn job_for(&self, schedule: &Schedule) -> Box<dyn Job<SimEnv>> {
        (self.job)(schedule)
    }

    pub(crate) fn log_for(&self, schedule: &Schedule, rooms: log::Rooms) -> AnyLog {
        let defaults = ClusterSettings::default();
        let settings = ClusterSettings {
            partitions: schedule.settings.partitions,
            protocol: schedule.protocol,
            verification: schedule.broker.verification,
            // An operator who lets clients wait that long has raised the limit too.
            timeout_max: schedule.settings.transaction_timeout.max(defaults.timeout_max),
            ..defaults
        };
        match &self.log {
            None => AnyLog::Correct(TransactionalLog::within(&settings, rooms)),
            Some(make) => AnyLog::Brought(make(&settings)),
        }
    }
}

/// A job of processes that are all alike, and nobody else.
struct Alone<R>(R);

impl<R, F> Job<SimEnv> for Alone<R>
where
    R: Fn(SimEnv) -> F + Send + Sync,
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    fn start(&self, env: SimEnv) -> BoxFuture<Result<(), BoxError>> {
        Box::pin((self.0)(env))
    }
}

/// One is a list of one: wherever subjects are wanted, one will do.
impl From<Subject> for Vec<Subject> {
    fn from(one: Subject) -> Self {
        vec![one]
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
