//! What comes with the framework to be tested: the correct jobs, and broken ones that are one mistake away
//! from correct.

mod aborts_on_close;
mod altered;
mod asserts_something_pends;
mod commits_at_barrier;
mod commits_by_name;
mod commits_only_the_notified;
mod completes_with_one_missing;
mod discards_when_aborted;
mod drops_markers_on_failover;
mod ends_whatever_is_open;
mod ends_with_a_footer;
mod fences_before_committing;
mod flushes_backwards;
mod flushes_on_close;
mod flushes_when_full;
mod forgets_failed_commits;
mod forgets_savepoints;
mod forgets_to_fence;
mod forgets_unanswered_batches;
mod forgives_timeouts;
mod keeps_the_epoch_on_timeout;
mod leaders_ask_nobody;
mod new_sequence_on_retry;
mod notifies_before_storing;
mod overwrites_the_head;
mod polls_the_clock;
mod reads_past_open;
mod remembers_one_abort;
mod reuses_producers;
mod sends_again;
mod shares_names_with_a_copy;
mod shares_names_with_zombies;
mod takes_committed_for_failure;
mod takes_silence_for_failure;
mod without_fencing;

use twophase::kafka::protocol::Protocol;
use twophase::kafka::{KafkaBroker, KafkaOptions};
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

/// The same over a client that says at once when nobody has answered, which is no mistake.
fn impatient_hooks_for(env: &SimEnv) -> Hooks {
    let options = KafkaOptions { attempts: 1, ..env.kafka_options() };
    let client = KafkaBroker::new(env.port().clone(), env.clock().clone(), options);
    Transactional::new(env.clone(), client, options_for(env))
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

/// By the part that is wrong, and within that in the order of the windows; those without one last.
fn broken() -> [Subject; 32] {
    [
        forgets_to_fence::subject(),
        commits_at_barrier::subject(),
        discards_when_aborted::subject(),
        fences_before_committing::subject(),
        aborts_on_close::subject(),
        commits_only_the_notified::subject(),
        forgets_failed_commits::subject(),
        shares_names_with_a_copy::subject(),
        takes_silence_for_failure::subject(),
        ends_with_a_footer::subject(),
        flushes_backwards::subject(),
        shares_names_with_zombies::subject(),
        forgives_timeouts::subject(),
        flushes_when_full::subject(),
        flushes_on_close::subject(),
        asserts_something_pends::subject(),
        polls_the_clock::subject(),
        new_sequence_on_retry::subject(),
        reuses_producers::subject(),
        takes_committed_for_failure::subject(),
        forgets_unanswered_batches::subject(),
        notifies_before_storing::subject(),
        overwrites_the_head::subject(),
        forgets_savepoints::subject(),
        completes_with_one_missing::subject(),
        commits_by_name::subject(),
        ends_whatever_is_open::subject(),
        keeps_the_epoch_on_timeout::subject(),
        leaders_ask_nobody::subject(),
        reads_past_open::subject(),
        remembers_one_abort::subject(),
        drops_markers_on_failover::subject(),
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
        Subject::sink("sends-again", sends_again::sends_again)
            .about("a sink that aborts and sends again what was not answered, in place of a restart"),
    ]
}

/// The sink that ends what it finds open without shutting out whoever has opened it.
///
/// It is in no list: where partition leaders verify, as under everything that the generator draws, it is correct;
/// under the older protocol and without verification it is not.
pub fn without_fencing() -> Subject {
    without_fencing::subject()
}

/// The subject with this name.
pub fn named(name: &str) -> Option<Subject> {
    all().into_iter().find(|subject| subject.name == name)
}
