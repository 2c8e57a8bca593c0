//! A broker that ends whatever is open under a name, whoever asks.
//!
//! - **Window** W7, the old process still runs. **Found as** unfenced.
//! - **Seen in** KIP-890's motivation: a late EndTxn ends the next transaction.
//!
//! The epoch is what tells one transaction of a name from the next. A coordinator that does not compare it lets a
//! zombie, or a request that was under way for long, commit the half that is written of somebody else's.

use twophase::Timestamp;
use twophase::kafka::protocol::{Request, Response};

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct CommitsByName(TransactionalLog);

impl CommitsByName {
    /// The mistake: the newest epoch under the name takes the place of the one in the request.
    fn unfenced(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if let Request::EndTxn { id, producer, .. } = &mut request {
            let known = self.0.transactions().iter().find(|known| known.id() == id);
            *producer = known.map_or(*producer, |known| known.producer());
        }
        request
    }
}

impl AlterLog for CommitsByName {
    fn correct(&self) -> &TransactionalLog {
        &self.0
    }

    fn correct_mut(&mut self) -> &mut TransactionalLog {
        &mut self.0
    }

    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        let request = self.unfenced(request);
        self.0.apply(now, &request, effects)
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("commits-by-name", exactly_once)
        .with_log(|settings| Box::new(Altered(CommitsByName(TransactionalLog::new(settings)))))
        .broken(Anomaly::Unfenced, Window::W7)
        .about("a broker that does not compare the epoch when a transaction is to be ended")
}
