//! A broker whose new transaction coordinator does not finish what the old one had decided.
//!
//! - **Window** W5, after commit and before the sink knows. **Found as** stuck.
//! - **Akin to** KAFKA-9777 and KAFKA-16352: transactions that stayed in their Prepare state.
//!
//! The decision is stored, and its markers are still to come: that is what makes it final. A coordinator that loads
//! the log without writing them again leaves the name in its Prepare state, and every reader waits for ever.

use twophase::Timestamp;

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct DropsMarkersOnFailover {
    correct: TransactionalLog,
}

impl AlterLog for DropsMarkersOnFailover {
    fn correct(&self) -> &TransactionalLog {
        &self.correct
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.correct
    }

    fn reload(&mut self, now: Timestamp, _effects: &mut Vec<Effect>) {
        self.correct.reload(now, &mut Vec::new()); // the mistake: nobody delivers these
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("drops-markers-on-failover", exactly_once)
        .with_log(|settings| {
            Box::new(Altered(DropsMarkersOnFailover { correct: TransactionalLog::new(settings) }))
        })
        .broken(Anomaly::Stuck, Window::W5)
        .seen_in("akin to B-11: KAFKA-9777")
        .about("a broker whose new coordinator does not write the markers that the old one owed")
}
