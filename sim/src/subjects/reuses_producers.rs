//! A client that uses a producer again without initialising it, under the older protocol.
//!
//! - **Window** W1, while the transaction is open. **Found as** premature.
//! - **Seen in** FLINK-8132.
//!
//! Under the older protocol a producer keeps its epoch from one transaction to the next, and nothing tells them
//! apart. The restore that commits the first one again, to be sure, commits the half-written one that has followed
//! it under the same name. An initialisation in between would have raised the epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use twophase::kafka::protocol::{Produce, Producer, Protocol, Request, Response};
use twophase::kafka::{KafkaBroker, Port, Unanswered};
use twophase::naming::Naming;
use twophase::{Env, Partition, TransactionalId};

use super::altered::sink_through;
use crate::env::SimPort;
use crate::{Anomaly, Part, Subject, Window};

/// The producers of one process.
#[derive(Debug, Default)]
struct Pool {
    initialised: BTreeMap<TransactionalId, Producer>,
    /// For each producer on each partition, where its open transaction began to count, and the next number. The
    /// sequences go on with the epoch.
    sequences: BTreeMap<(Producer, Partition), (i32, i32)>,
}

impl Pool {
    /// The mistake: what was initialised once is good for ever.
    fn take(&mut self, id: &TransactionalId) -> Option<Producer> {
        let producer = *self.initialised.get(id)?;
        for ((of, _), (begin, next)) in &mut self.sequences {
            if *of == producer {
                *begin = *next;
            }
        }
        Some(producer)
    }

    fn number(&mut self, batch: &mut Produce) {
        let Some(producer) = batch.producer else { return };
        let (begin, next) = self.sequences.entry((producer, batch.partition)).or_default();
        batch.base_sequence.0 += *begin;
        *next = (*next).max(batch.base_sequence.0 + batch.records.len() as i32);
    }
}

#[derive(Clone, Debug)]
struct ReusesProducers {
    correct: SimPort,
    pool: Arc<Mutex<Pool>>,
}

impl ReusesProducers {
    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().expect("nothing panics under the lock")
    }
}

impl Port for ReusesProducers {
    async fn call(&self, request: &Arc<Request>) -> Result<Response, Unanswered> {
        let mut request = Request::clone(request);
        let initialises = match &mut request {
            Request::InitProducerId(init) => init.id.clone(),
            Request::Produce(batch) => {
                self.pool().number(batch);
                None
            }
            _ => None,
        };
        let pooled = initialises.as_ref().and_then(|id| self.pool().take(id));
        if let Some(producer) = pooled {
            return Ok(Response::InitProducerId(Ok(producer)));
        }
        let answer = self.correct.call(&Arc::new(request)).await?;
        if let (Some(id), Response::InitProducerId(Ok(producer))) = (initialises, &answer) {
            self.pool().initialised.insert(id, *producer);
        }
        Ok(answer)
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("reuses-producers", |env| {
        let port = ReusesProducers { correct: env.port().clone(), pool: Arc::default() };
        let client = KafkaBroker::new(port, env.clock().clone(), env.kafka_options());
        sink_through(env, client)
    })
    .pinned(Some(Protocol::V1), Some(Naming::Pool))
    .broken(Anomaly::Premature, Window::W1)
    .part(Part::Client)
    .seen_in("T-01: FLINK-8132")
    .about("a client that takes a producer from its pool without initialising it, under the older protocol")
}
