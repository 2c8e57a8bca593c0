//! What comes with the framework to be tested: the correct jobs, and broken ones that are one mistake away
//! from correct.

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::two_phase::Options;
use twophase::{Env, Transactional, TransactionalOptions, TwoPhase};

use crate::env::{SimClock, SimEnv};
use crate::subject::Subject;

/// The sink that does everything right.
pub type ExactlyOnce = TwoPhase<Transactional<SimEnv>, SimClock>;

/// The options of the schedule, for a sink on the stage.
pub fn options_for(env: &SimEnv) -> TransactionalOptions {
    let schedule = env.schedule();
    TransactionalOptions {
        naming: schedule.naming,
        partitions: schedule.settings.partitions,
        ..TransactionalOptions::default()
    }
}

/// Makes the sink that does everything right.
pub fn exactly_once(env: SimEnv) -> ExactlyOnce {
    let options = options_for(&env);
    let (clock, broker) = (env.clock().clone(), env.broker().clone());
    TwoPhase::new(
        Transactional::new(env, broker, options),
        clock,
        Options::default(),
    )
}

/// All subjects that come with the framework, the correct ones first.
pub fn all() -> Vec<Subject> {
    let correct = |name: &str, protocol, naming, about: &str| {
        Subject::sink(name, exactly_once)
            .pinned(protocol, naming)
            .about(about)
    };
    let (v1, v2) = (Some(Protocol::V1), Some(Protocol::V2));
    let (each, pool) = (Some(Naming::PerTransaction), Some(Naming::Pool));
    vec![
        correct(
            "kafka",
            None,
            None,
            "Kafka's two-phase-commit sink; protocol and naming are drawn from the seed",
        ),
        correct(
            "kafka-v1",
            v1,
            each,
            "the older protocol, one transactional id for each transaction",
        ),
        correct(
            "kafka-v1-pool",
            v1,
            pool,
            "the older protocol, a pool of transactional ids for each incarnation",
        ),
        correct(
            "kafka-v2",
            v2,
            each,
            "epoch per transaction (KIP-890), one transactional id for each transaction",
        ),
        correct(
            "kafka-v2-pool",
            v2,
            pool,
            "epoch per transaction (KIP-890), a pool of transactional ids",
        ),
    ]
}

/// The subject with this name.
pub fn named(name: &str) -> Option<Subject> {
    all().into_iter().find(|subject| subject.name == name)
}
