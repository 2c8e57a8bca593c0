//! A broker that ends whatever is open under a name, whoever asks.
//!
//! - **Window** W1, before pre-commit: there stands the transaction that is ended too early. **Found as** unfenced.
//! - **Seen in** FLINK-8132, there because the client took a producer from its pool without a new epoch.
//!
//! The epoch is what tells one transaction of a name from the next. A restore repeats the commit of what is
//! committed already. If the name has been used again since, the repeated commit meets the next transaction, half
//! written, whose records are about to be sent again. A late request of a zombie does the same.

use twophase::Timestamp;
use twophase::kafka::protocol::{CoordinatorState, Request, Response};

use super::altered::{AlterLog, Altered};
use super::exactly_once;
use crate::log::{Effect, Log, TransactionalLog};
use crate::{Anomaly, Subject, Window};

#[derive(Debug)]
struct CommitsByName(TransactionalLog);

impl CommitsByName {
    /// The mistake: if something is open under the name, its epoch takes the place of the one in the request.
    fn unfenced(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if let Request::EndTxn { id, producer, .. } = &mut request {
            let mut known = self.0.transactions().iter();
            let open = known.find(|known| known.id() == id && known.state() == CoordinatorState::Ongoing);
            *producer = open.map_or(*producer, |open| open.producer());
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
        .broken(Anomaly::Unfenced, Window::W1)
        .seen_in("akin to B-04: KAFKA-17754")
        .about("a broker that does not compare the epoch when a transaction is to be ended")
}
