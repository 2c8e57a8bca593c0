//! A client that takes "fenced" in answer to a commit for a failure.
//!
//! - **Window** W5, after commit and before the sink knows. **Found as** stuck.
//! - **Seen in** FLINK-8086.
//!
//! With a pool of names the next transaction raises the epoch of the one before. If the job then fails before
//! another checkpoint completes, it restores the same one, and repeats a commit that the broker refuses, because
//! it has happened and the world has moved on. Whoever fails now fails after every restart, for ever.

use twophase::env::Outcomes;
use twophase::kafka::KafkaBroker;
use twophase::naming::Naming;
use twophase::{Broker, Ended, Env, Failure, Handle, Next};

use super::altered::{AlterBroker, Altered, sink_through};
use crate::env::{SimClock, SimPort};
use crate::{Anomaly, Part, Subject, Window};

#[derive(Clone, Debug)]
struct TakesCommittedForFailure(KafkaBroker<SimPort, SimClock>);

impl AlterBroker for TakesCommittedForFailure {
    fn correct(&self) -> &KafkaBroker<SimPort, SimClock> {
        &self.0
    }

    async fn commit(&self, all: &[Handle], token: &[u8]) -> Outcomes {
        let results = self.0.commit(all, token).await;
        results.into_iter().map(|result| result.and_then(strict)).collect()
    }
}

/// The mistake.
fn strict(ended: Ended) -> Result<Ended, Failure> {
    match ended {
        Ended::Indistinct => Err(Failure::new(Next::Fenced, "fenced")),
        ended => Ok(ended),
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("takes-committed-for-failure", |env| {
        let broker = Altered(TakesCommittedForFailure(env.broker().clone()));
        sink_through(env, broker)
    })
    .pinned(None, Some(Naming::Pool))
    .broken(Anomaly::Stuck, Window::W5)
    .part(Part::Client)
    .seen_in("S-05: FLINK-8086")
    .about("a client that fails when a commit that has happened before is answered \"fenced\"")
}
