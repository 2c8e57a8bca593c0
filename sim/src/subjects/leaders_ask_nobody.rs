//! A broker whose leaders write a batch without asking whether its transaction is still open.
//!
//! - **Window** W1, while the transaction is open. **Found as** stuck.
//! - **Seen in** Kafka before 3.6 (KIP-890; KAFKA-14402, KAFKA-14561).
//!
//! A batch may come so late that its transaction has been aborted, and the marker written. Under the older protocol
//! the epoch is still the same, so to the leader it is the first batch of another transaction. The coordinator does
//! not know that one, nobody will end it, and no committed reader gets past it.
//!
//! The sink is one that goes on by itself when a batch is not answered: a restart would have raised the epoch.

use twophase::kafka::protocol::Protocol;

use super::sends_again::sends_again;
use crate::log::{ClusterSettings, TransactionalLog};
use crate::{Anomaly, Subject, Window};

pub(super) fn subject() -> Subject {
    Subject::sink("leaders-ask-nobody", sends_again)
        .with_log(|settings| {
            let trusting = ClusterSettings { verification: false, ..settings.clone() }; // the mistake
            Box::new(TransactionalLog::new(&trusting))
        })
        .pinned(Some(Protocol::V1), None)
        .broken(Anomaly::Stuck, Window::W1)
        .seen_in("B-03: KAFKA-14402")
        .about("a broker whose leaders do not ask whether the transaction of a batch is still open")
}
