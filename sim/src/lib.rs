//! The stage: plays a job that commits in two phases through crashes, lost answers, zombies and timeouts, and
//! checks that **the committed output equals the input, exactly once.**
//!
//! # How a run goes, from schedule to verdict
//!
//! ```text
//!   seed ─────────┐                        ┌─► checker  ─► verdict ─┐
//!   saved file ───┼─►  Schedule ──►  run ──┼─► coverage             ├─► Outcome
//!   by hand ──────┘                 events ├─► digest               │
//!                                          └─► recorder ─► History ─┘
//! ```
//!
//! 1. A [`Schedule`] is data: the job's shape and settings, its input, its timing, and the faults that strike it.
//!    A [`Generator`] draws one from a [`Seed`]; a file holds one; a test writes one by hand.
//! 2. [`play`] is a pure function of a schedule and a [`Subject`]. It goes *harm, heal, demand*: the faults strike,
//!    everything is repaired, and then, within a bounded time, all of the input must have arrived.
//! 3. The run emits typed [events](event), one at a time and in order. Whatever judges or shows is a fold over
//!    them: the checker, which ends the run at the first bad one; the marks of the crash [windows](Window); the
//!    digest; and, if somebody will look at it, the [`History`].
//! 4. Every run returns the same [`Outcome`].
//!
//! # What a green sweep does not show
//!
//! That no schedule fails: it has played those that its seeds draw, and no others. That a real broker does what
//! the [log](mod@log) does: recordings of one say so. That payloads are right in a job that changes
//! them, but for what [`Subject::expect`] says of it. Nor anything
//! about speed, nor about code that was never crashed at. A sweep in which nothing dangerous happened is called
//! *vacuous*, and fails.
//!
//! # The map, in reading order
//!
//! Before a run:
//! - [`schedule`], [`fault`], [`site`], [`seed`]: what is to happen; what goes wrong; where; and what is drawn from
//! - `generate`: from a seed to a schedule; `safe`: the [safe rule](safe_rule) that the settings obey; `undisturbed`: how
//!   long a job needs anyway
//! - `strategies` (feature `proptest`): schedules for properties, whole and in parts
//! - `file`, `input`, `playable`: schedules as files; real records; what may be played of what comes from outside
//! - `subject`, [`subjects`]: what is tested, and what comes along to be tested
//!
//! The run:
//! - `run`: harm, heal, demand; `stage`: polls whoever's turn it is, and `turns`: whose, or that the next thing happens
//! - `world`: the processes, what dies with them and what outlives them; faults strike in it
//! - [`log`](mod@log): the transactional log, pure; Kafka's rules and nothing else
//! - `env`: the traits of `twophase`, backed by the world, and the way into it; `executor`: the futures of all processes
//! - `runtime`: the sandbox around a history (madsim), and its bare twin
//! - `memory`: what one history leaves to the next: room, and nothing that was in it
//!
//! The folds:
//! - [`event`]: what happens; `watch`: everybody who looks on
//! - `ledger`, `checker`: each transaction as one who sees everything knows it, and the judgement
//! - `per_record`: one value for each record of the input
//! - `outputs`: what is to come out of a record, and which output a visible one is, where a subject says so
//! - `coverage`, `digest`, `history`: the windows, one number for all that happened, and the recorder
//! - `sight`: what there was to judge by, and which checks and windows could not be told
//! - `kept`, `trips`: what the recorder keeps: each event, owned; and how each message and request travelled
//! - `remarks`: what the processes say through `tracing`, for the recorder
//! - `outcome`: what comes of it
//!
//! Many runs:
//! - `sweep`, `crew`: many seeds, on all cores, and who looks after the threads
//! - `wall`: the only wall clock: rates for people, and the watchdog for code that never comes back
//! - `shrink`: from a schedule that fails to the smallest that still fails in the same way
//! - `why`: what went wrong in a history that failed, told as a story; and the nearest schedule that holds
//! - `reach`: whether a saved schedule still gets where it was made for
//! - `twice`, `quiet`, `hint`: the same history twice; panics without their noise; what to do about them
//! - [`bench`](mod@bench): the scenario by which frameworks are compared, and what it costs
//! - `summary`, `exit`: what a sweep comes to, for people and for scripts; `shell`: lines to copy
//!
//! Tests:
//! - `simulation`: many seeds in a `#[test]`; a failure that is kept as a file, replayed from then on, and renewed

pub mod bench;
pub mod event;
pub mod fault;
pub mod log;
pub mod schedule;
pub mod seed;
pub mod site;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod subjects;
pub mod timeline;

mod anomaly;
mod checker;
mod cli;
mod coverage;
mod crew;
mod digest;
mod drawn;
mod env;
mod executor;
mod exit;
mod file;
mod generate;
mod hint;
mod history;
mod input;
mod kept;
mod ledger;
mod memory;
mod outcome;
mod outputs;
mod payload;
mod per_record;
mod playable;
mod quiet;
mod ratio;
mod reach;
mod remarks;
mod report;
mod run;
mod runtime;
mod safe;
mod seeds;
mod shell;
mod shrink;
mod sight;
mod simulation;
mod stage;
mod subject;
mod summary;
mod sweep;
mod trips;
mod turns;
mod twice;
mod undisturbed;
mod wall;
mod watch;
mod whereabouts;
mod why;
mod words;
mod world;

pub use anomaly::{Anomaly, Concerned, Finding};
pub use cli::{cli, cli_on};
pub use coverage::{Calls, CrashSites, Window, Windows};
pub use env::{SimClock, SimEnv, SimNetwork, SimPort, SimSource, SimStore};
pub use exit::Exit;
pub use file::{Expectation, FORMAT, Saved};
pub use generate::{Adjust, Generator, Input, Safety};
pub use history::History;
pub use input::{FileWindow, LineFile};
pub use outcome::{Outcome, Verdict};
pub use outputs::Output;
pub use ratio::Ratio;
pub use run::play;
pub use runtime::SANDBOXED;
pub use safe::{SafeRule, is_known_unsafe, is_safe, safe_rule};
pub use schedule::Schedule;
pub use seed::Seed;
pub use shrink::{SHRINK_BUDGET, Shrink, Shrinking, Shrunk, StoppedBy};
pub use sight::Sight;
pub use simulation::{Report, Simulation};
pub use subject::{Expected, Part, Subject};
pub use summary::{Group, Summary, Unequal};
pub use sweep::{REPLAY_EVERY, Sweep, Threads};
pub use twice::{Difference, play_twice};
pub use wall::HANG_TIMEOUT;
pub use watch::Keep;
pub use why::{Step, Why, explain};

/// The README's own test, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
