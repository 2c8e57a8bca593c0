//! What comes with the framework to be tested: the correct jobs, and broken ones that are one mistake away
//! from correct.

mod aborts_on_close;
mod altered;
mod commits_at_barrier;
mod commits_by_name;
mod commits_only_the_notified;
mod discards_when_aborted;
mod fences_before_committing;
mod forgets_to_fence;
mod new_sequence_on_retry;
mod notifies_before_storing;
mod overwrites_the_head;
mod reads_past_open;
mod shares_names_with_zombies;
mod takes_committed_for_failure;
mod takes_silence_for_failure;

use twophase::kafka::protocol::Protocol;
use twophase::naming::Naming;
use twophase::ownership::Author;
use twophase::two_phase::Options;
use twophase::{Env, Transactional, TransactionalOptions, TwoPhase};

use crate::env::{SimClock, SimEnv};
use crate::subject::Subject;

/// The hooks of the sink that does everything right.
pub type Hooks = Transactional<SimEnv>;

/// The sink that does everything right.
pub type ExactlyOnce = TwoPhase<Hooks, SimClock>;

/// The options of the schedule, for a sink on the stage.
pub fn options_for(env: &SimEnv) -> TransactionalOptions {
    let schedule = env.schedule();
    TransactionalOptions {
        naming: schedule.naming,
        partitions: schedule.settings.partitions,
        ..TransactionalOptions::default()
    }
}

/// Makes the hooks of the sink that does everything right.
pub fn hooks_for(env: &SimEnv) -> Hooks {
    Transactional::new(env.clone(), env.broker().clone(), options_for(env))
}

/// Makes the sink that does everything right.
pub fn exactly_once(env: SimEnv) -> ExactlyOnce {
    TwoPhase::new(hooks_for(&env), env.clock().clone(), Options::default())
}

/// All subjects that come with the framework, the correct ones first.
pub fn all() -> Vec<Subject> {
    let mut all = correct();
    all.extend(broken());
    all
}

/// In the order of the windows.
fn broken() -> [Subject; 14] {
    [
        forgets_to_fence::subject(),
        new_sequence_on_retry::subject(),
        reads_past_open::subject(),
        commits_at_barrier::subject(),
        notifies_before_storing::subject(),
        discards_when_aborted::subject(),
        overwrites_the_head::subject(),
        fences_before_committing::subject(),
        aborts_on_close::subject(),
        commits_only_the_notified::subject(),
        takes_committed_for_failure::subject(),
        takes_silence_for_failure::subject(),
        shares_names_with_zombies::subject(),
        commits_by_name::subject(),
    ]
}

fn correct() -> Vec<Subject> {
    let correct = |name: &str, protocol, naming, about: &str| {
        Subject::sink(name, exactly_once).pinned(protocol, naming).about(about)
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
        correct("kafka-v1", v1, each, "the older protocol, one transactional id for each transaction"),
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
        correct("kafka-v2-pool", v2, pool, "epoch per transaction (KIP-890), a pool of transactional ids"),
    ]
}

/// The subject with this name.
pub fn named(name: &str) -> Option<Subject> {
    all().into_iter().find(|subject| subject.name == name)
}
