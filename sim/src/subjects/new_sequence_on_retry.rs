//! A client that numbers a batch anew when it sends it again.
//!
//! - **Window** W1, while the transaction is open. **Found as** duplicate.
//! - **Seen in** FLINK-22311, there of a database: a batch whose answer is lost is executed once more.
//!
//! The sequence number is what tells the leader that a batch is one it has. It belongs to the batch, not to the
//! request. If the first request was lost, the leader finds a gap and refuses the second, and nothing is wrong; if
//! only its answer was, both copies are in the transaction, and both are committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use twophase::kafka::protocol::{Produce, Producer, Request, Response};
use twophase::kafka::{KafkaBroker, Port, Unanswered};
use twophase::{Env, Partition};

use super::altered::sink_through;
use crate::env::SimPort;
use crate::{Anomaly, Part, Subject, Window};

#[derive(Clone, Debug)]
struct NewSequenceOnRetry {
    correct: SimPort,
    /// By how much the numbers have moved, for each producer on each partition.
    moved: Arc<Mutex<BTreeMap<(Producer, Partition), i32>>>,
}

impl NewSequenceOnRetry {
    fn moved_by(&self, batch: &Produce, more: i32) -> i32 {
        let Some(producer) = batch.producer else { return 0 };
        let mut moved = self.moved.lock().expect("nothing panics under the lock");
        let by = moved.entry((producer, batch.partition)).or_default();
        *by += more;
        *by
    }
}

impl Port for NewSequenceOnRetry {
    async fn call(&self, request: &Arc<Request>) -> Result<Response, Unanswered> {
        let Request::Produce(batch) = &**request else {
            return self.correct.call(request).await;
        };
        let mut batch = batch.clone();
        batch.base_sequence.0 += self.moved_by(&batch, 0);
        let answer = self.correct.call(&Arc::new(Request::Produce(batch.clone()))).await;
        if answer.is_err() {
            self.moved_by(&batch, batch.records.len() as i32); // the mistake
        }
        answer
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("new-sequence-on-retry", |env| {
        let port = NewSequenceOnRetry { correct: env.port().clone(), moved: Arc::default() };
        let client = KafkaBroker::new(port, env.clock().clone(), env.kafka_options());
        sink_through(env, client)
    })
    .broken(Anomaly::Duplicate, Window::W1)
    .part(Part::Client)
    .seen_in("akin to X-02: FLINK-22311")
    .about("a client that numbers a batch anew when it is not answered and sends it again")
}
