//! A sink whose transactional ids do not say which incarnation opened them.
//!
//! - **Window** W7, the old process still runs. **Found as** lost.
//! - **Seen in** FLINK-22452, there between two jobs that were given the same names.
//!
//! Whoever initialises a name aborts what is open under it. That is meant for the past, but here it also works the
//! other way: a zombie that goes on to its next transaction aborts what the new incarnation has pre-committed
//! under that name, and a checkpoint may have promised it.

use twophase::kafka::{KafkaBroker, KafkaTransaction};
use twophase::naming::{Name, Prefix};
use twophase::{Broker, Env, Failure, Incarnation, TransactionalId};

use super::altered::{AlterBroker, Altered, sink_through};
use crate::env::{SimClock, SimPort};
use crate::{Anomaly, Subject, Window};

#[derive(Clone, Debug)]
struct SharesNamesWithZombies(KafkaBroker<SimPort, SimClock>);

/// The mistake: the incarnation is always the same.
fn shared(id: &TransactionalId) -> TransactionalId {
    let prefix = Prefix::default();
    let name = prefix.parse(id.as_str()).expect("the sink draws its ids from this prefix");
    prefix.id(Name { incarnation: Incarnation(0), ..name })
}

impl AlterBroker for SharesNamesWithZombies {
    fn correct(&self) -> &KafkaBroker<SimPort, SimClock> {
        &self.0
    }

    async fn begin(&self, id: &TransactionalId) -> Result<KafkaTransaction<SimPort, SimClock>, Failure> {
        self.0.begin(&shared(id)).await
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("shares-names-with-zombies", |env| {
        let broker = Altered(SharesNamesWithZombies(env.broker().clone()));
        sink_through(env, broker)
    })
    .broken(Anomaly::Lost, Window::W7)
    .seen_in("akin to T-04: FLINK-22452")
    .about("a sink whose transactional ids do not name its incarnation, so that a zombie ends the new one's")
}
