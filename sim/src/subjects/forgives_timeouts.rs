//! A sink that goes on without a promised transaction if that is older than the transaction timeout.
//!
//! - **Window** W8, the transaction timed out after complete. **Found as** lost.
//! - **Seen in** FLINK-7784, which brought the option.
//!
//! A job that is down for longer than the broker waits finds its promised transaction aborted, and every restart
//! fails over it. The option ends that: it turns a job that does not start into one that has lost records and says so
//! in a log. The mistake is to choose it in place of a timeout that is long enough.
//!
//! Inside the safe rule no promised transaction grows that old, and the sink is as good as the correct one.

use twophase::kafka::protocol::Protocol;
use twophase::two_phase::Options;
use twophase::{Env, TwoPhase};

use super::hooks_for;
use crate::env::SimEnv;
use crate::{Anomaly, Subject, Window};

pub(super) fn subject() -> Subject {
    Subject::sink("forgives-timeouts", |env: SimEnv| {
        let options = Options {
            transaction_timeout: env.schedule().settings.transaction_timeout,
            ignore_failures_after_timeout: true, // the mistake
            ..Options::default()
        };
        TwoPhase::new(hooks_for(&env), env.clock().clone(), options)
    })
    .pinned(Some(Protocol::V2), None)
    .broken(Anomaly::Lost, Window::W8)
    .outside_the_safe_rule()
    .seen_in("S-04: FLINK-7784")
    .about("a sink that goes on without a promised transaction that has timed out")
}
