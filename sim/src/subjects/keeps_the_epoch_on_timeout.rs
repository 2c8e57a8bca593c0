//! A broker that aborts what has timed out, and leaves its producer the epoch.
//!
//! - **Window** W1, while the transaction is open. **Found as** unfenced.
//! - **Seen in** KAFKA-6119, and seven years later in Redpanda (commit 7b85c81524).
//!
//! Nobody tells the producer that its transaction is gone. With its epoch raised, whatever it does next is refused,
//! and the sink fails and sends the records again. With the old one it goes on: its next partition opens a second
//! transaction, and the commit is of that one only.
//!
//! Inside the safe rule no transaction times out that anybody still uses, so nothing can be seen of it there.

use twophase::Timestamp;
use twophase::kafka::protocol::{Marker, Request};

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, TransactionalLog};
use crate::{Anomaly, Subject, Window};

/// A version of `EndTxn` of the older protocol, whose end raises no epoch.
const RAISES_NOTHING: i16 = 3;

#[derive(Debug)]
struct KeepsTheEpochOnTimeout(TransactionalLog);

impl AlterLog for KeepsTheEpochOnTimeout {
    fn correct(&self) -> &TransactionalLog {
        &self.0
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.0
    }

    /// The mistake: the broker ends them as their producers would.
    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let all = self.0.transactions().iter().filter(|one| one.has_expired(now));
        let expired: Vec<_> = all.map(|one| (one.id().clone(), one.producer())).collect();
        for (id, producer) in expired {
            let end =
                Request::EndTxn { id: id.clone(), producer, marker: Marker::Abort, version: RAISES_NOTHING };
            self.0.apply(now, &end, effects);
            effects.push(Effect::Expired { id, producer });
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("keeps-the-epoch-on-timeout", exactly_once)
        .with_log(|settings| Box::new(Altered(KeepsTheEpochOnTimeout(TransactionalLog::new(settings)))))
        .broken(Anomaly::Unfenced, Window::W1)
        .outside_the_safe_rule()
        .seen_in("B-01: KAFKA-6119")
        .about("a broker that does not raise the epoch when it aborts what has timed out")
}
