//! A client that gives up a batch without telling the transaction.
//!
//! - **Window** none: the record was never written. **Found as** lost.
//! - **Seen in** librdkafka (its changelog of 1.5.2), and akin to KAFKA-9279.
//!
//! Whoever commits says that all of it is there. A batch of which nobody knows whether it is must keep the
//! transaction from being pre-committed.

use std::sync::Arc;
use twophase::Env;

use twophase::kafka::protocol::{LogOffset, Request, Response};
use twophase::kafka::{KafkaBroker, Port, Unanswered};

use super::altered::sink_through;
use crate::env::SimPort;
use crate::{Anomaly, Part, Subject};

#[derive(Clone, Debug)]
struct ForgetsUnansweredBatches(SimPort);

impl Port for ForgetsUnansweredBatches {
    async fn call(&self, request: &Arc<Request>) -> Result<Response, Unanswered> {
        let is_batch = matches!(**request, Request::Produce(_));
        match self.0.call(request).await {
            Err(Unanswered) if is_batch => Ok(Response::Produce(Ok(LogOffset(0)))), // the mistake
            answer => answer,
        }
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("forgets-unanswered-batches", |env| {
        let port = ForgetsUnansweredBatches(env.port().clone());
        let client = KafkaBroker::new(port, env.clock().clone(), env.kafka_options());
        sink_through(env, client)
    })
    .broken(Anomaly::Lost, None)
    .part(Part::Client)
    .seen_in("P-03: librdkafka 1.5.2")
    .about("a client that counts a batch as written when it is not answered")
}
