//! The stage.

pub mod event;
pub mod fault;
pub mod log;
pub mod schedule;
pub mod seed;
pub mod site;
pub mod subjects;

mod checker;
mod coverage;
mod digest;
mod env;
mod executor;
mod generate;
mod history;
mod ledger;
mod outcome;
mod payload;
mod run;
mod runtime;
mod safe;
mod stage;
mod subject;
mod watch;
mod world;

pub use checker::{Anomaly, Finding};
pub use coverage::{Window, Windows};
pub use env::{SimClock, SimEnv, SimNetwork, SimPort, SimSource, SimStore};
pub use generate::{Generator, Safety};
pub use history::History;
pub use outcome::{Outcome, Verdict};
pub use run::play;
pub use runtime::SANDBOXED;
pub use safe::{SafeRule, is_known_unsafe, is_safe, safe_rule};
pub use schedule::Schedule;
pub use seed::Seed;
pub use subject::{Expected, Subject};
pub use watch::Keep;
