//! Schedules as strategies of [proptest](https://docs.rs/proptest), whole and in parts (feature `proptest`).
//!
//! A whole schedule is built of its parts and then [made safe](Schedule::make_safe): none is ever rejected, and inside the
//! safe rule a correct sink has no excuse. What proptest shrinks are the parts: faults are left out first, then
//! each is made simpler, then come the input, the shape of the job, and the times. The seed of the delays stays.
//!
//! ```
//! use proptest::prelude::*;
//! use twophase_sim::{strategies, subjects};
//!
//! proptest! {
//!     #![proptest_config(strategies::config(64))]
//!
//!     # /*
//!     #[test]
//!     # */
//!     fn the_sink_commits_exactly_once(schedule in strategies::schedules()) {
//!         strategies::check(&subjects::named("kafka").unwrap(), &schedule)?;
//!     }
//! }
//! # the_sink_commits_exactly_once();
//! ```
//!
//! proptest finds with fewer schedules less than a sweep of [`Simulation`](crate::Simulation) does: it aims no
//! worse, but plays one history at a time, and shrinks without knowing what a schedule is. It is for who has
//! properties already, and for schedules with parts of their own.

mod faults;
mod job;
mod sites;
mod whole;

use std::sync::Arc;

use proptest::test_runner::{Config, TestCaseError};

pub use faults::{fault, faults};
pub use job::{broker, payloads, settings, timing};
pub use sites::{call_sites, sites};
pub use whole::{schedules, schedules_for};

use crate::outcome::Verdict;
use crate::report::allowed_by;
use crate::schedule::Schedule;
use crate::subject::Subject;
use crate::sweep::play_alone;
use crate::wall::HANG_TIMEOUT;
use crate::watch::Keep;
use crate::why;

/// proptest's configuration for so many schedules. Failures are not written to a file of seeds: such a seed means
/// something to one build only, and proptest warns where it finds no place for the file. What lasts is the schedule.
///
/// ```
/// let config = twophase_sim::strategies::config(64);
/// assert_eq!(config.cases, 64);
/// ```
pub fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Plays `schedule` with `subject`, for a `?` in a property. It holds also where nothing dangerous happened: proptest
/// shrinks to such schedules, and only a sweep can tell that all of them were.
///
/// # Errors
/// The anomaly, if there is one, and why; or what makes the schedule one that cannot be played.
///
/// ```
/// use twophase_sim::{Schedule, strategies, subjects};
///
/// let checked = strategies::check(&subjects::named("kafka").unwrap(), &Schedule::calm());
/// assert!(checked.is_ok());
/// ```
pub fn check(subject: &Subject, schedule: &Schedule) -> Result<(), TestCaseError> {
    schedule.check().map_err(|what| TestCaseError::fail(format!("the schedule cannot be played: {what}")))?;
    let schedule = Arc::new(schedule.clone());
    let keep = Keep { history: true, ..Keep::default() };
    let played = play_alone(subject, &schedule, keep, HANG_TIMEOUT);
    let outcome = played.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let Verdict::Failed(finding) = &outcome.verdict else {
        return Ok(());
    };
    let window = finding.window.map(|window| format!(" in {window}: {}", window.meaning()));
    let head = format!("{}: {}{}", subject.name, finding.anomaly, window.unwrap_or_default());
    let allowed_by = allowed_by(finding, &schedule).map(|setting| format!("\n  {setting}"));
    let why = outcome.history.as_ref().map(|history| why::why(history, &schedule, finding));
    Err(TestCaseError::fail(format!(
        "{head}\n  {}{}\n\n  why\n{}",
        finding.detail,
        allowed_by.unwrap_or_default(),
        why.map_or_else(String::new, |why| why.to_string())
    )))
}
