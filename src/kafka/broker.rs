//! Kafka as a [`Broker`]: the [`Client`] driven over a [`Port`], with back-off through a [`Clock`].
//!
//! What commit and abort conclude from an answer is the table in `fate.rs`. How the hazards of the protocol
//! are kept out:
//!
//! - *A late EndTxn or Produce meets the next transaction* (V1: KC-14, KP-10): no two transactions share an
//!   epoch. V1 begins each one with an init; V2 goes on with the epoch that its EndTxn answered.
//! - *A repeated init arrives late and aborts what has been promised since*: an init without an answer is not
//!   repeated under the same name; `begin` fails with [`Next::OutcomeUnknown`],
//!   and the caller opens under another name.
//! - *A success for somebody else's transaction* (KC-15b: a V2 commit at an epoch that an init has raised once
//!   since): a name is used in one protocol generation only, and each later V2 transaction raises once more.
//! - *A stale incarnation lets itself in by an expected epoch* (KC-8b, KC-10): none is ever sent.
//! - *An empty transaction* (KC-14): marked in its handle at pre-commit, and ended without a request.

use std::future::Future;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::client::Client;
use super::driver::Driver;
use super::fate::fate;
use super::handle::KafkaHandle;
use super::options::KafkaOptions;
use super::port::Port;
use super::producers::{Known, Producers};
use super::protocol::{CoordinatorState, Listing, Marker, Producer, Protocol};
use super::task::Task;
use super::trouble::Trouble;
use crate::env::{Finish, Outcomes, Scope};
use crate::{
    Broker, Capabilities, Clock, Ended, Failure, Handle, Next, Partition, Record, Transaction,
    TransactionalId,
};

/// A Kafka cluster as a target of transactions. Clones share their producers.
#[derive(Clone, Debug)]
pub struct KafkaBroker<P, C>(Arc<Shared<P, C>>);

#[derive(Debug)]
struct Shared<P, C> {
    driver: Driver<P, C>,
    producers: Mutex<Producers>,
}

/// An open transaction. It sends a batch as soon as it is full, one request at a time.
///
/// Dropping it ends nothing: what was pre-committed stays so.
#[derive(Debug)]
pub struct KafkaTransaction<P, C> {
    broker: KafkaBroker<P, C>,
    /// Until it is closed to writes.
    client: Option<Box<Client>>,
    handle: Handle,
    /// Whether the broker value knows that something was sent.
    touched: bool,
}

impl<P: Port, C: Clock> KafkaBroker<P, C> {
    /// A cluster behind `port`.
    pub fn new(port: P, clock: C, options: KafkaOptions) -> Self {
        KafkaBroker(Arc::new(Shared {
            driver: Driver { port, clock, options },
            producers: Mutex::new(Producers::new(options.idle)),
        }))
    }

    fn driver(&self) -> &Driver<P, C> {
        &self.0.driver
    }

    fn options(&self) -> KafkaOptions {
        self.driver().options
    }

    fn producers(&self) -> MutexGuard<'_, Producers> {
        self.0.producers.lock()
    }

    async fn end(&self, one: &Handle, marker: Marker) -> Result<Ended, Failure> {
        let known = self.producers().known(one);
        let (handle, client) = match known {
            Some(Known { producer, touched, client }) => (self.handle(producer, !touched), client),
            None => (KafkaHandle::decode(one)?, None),
        };
        if handle.empty {
            // its epoch was not used; but it is not used again either, or two handles would name the same one
            self.settle(one, &handle, None, client);
            return Ok(Ended::Now);
        }
        let mut client = client.unwrap_or_else(|| {
            let options = KafkaOptions { protocol: handle.protocol, ..self.options() };
            Box::new(Client::resume(one.id.clone(), handle.producer, options))
        });
        client.end(marker)?;
        let ended = match self.driver().drive(Some(&mut client)).await {
            Ok(()) => Ended::Now,
            Err(trouble) => fate(handle.protocol, marker, trouble)?,
        };
        let next = client.producer().filter(|_| ended == Ended::Now);
        self.settle(one, &handle, next, Some(client));
        Ok(ended)
    }

    /// Keeps the producer of an ended transaction, unless the next one needs an init all the same.
    fn settle(
        &self,
        one: &Handle,
        handle: &KafkaHandle,
        next: Option<Producer>,
        client: Option<Box<Client>>,
    ) {
        let lasting = handle.protocol == Protocol::V2 && self.options().protocol == Protocol::V2;
        let next = next.filter(|_| lasting);
        let mut producers = self.producers();
        producers.ended(&one.id, handle.producer, next);
        if let Some(client) = client {
            producers.give_back(client);
        }
    }

    /// What a handle of our own holds.
    fn handle(&self, producer: Producer, empty: bool) -> KafkaHandle {
        KafkaHandle { producer, protocol: self.options().protocol, empty }
    }

    /// A client that begins a transaction, with the producer that is idle under its name, if there is one.
    fn client(&self, id: &TransactionalId) -> Box<Client> {
        let mut producers = self.producers();
        let (idle, spare) = (producers.take(id), producers.spare());
        drop(producers);
        match spare {
            Some(mut client) => {
                client.begin(id.clone(), idle, self.options());
                client
            }
            None => Box::new(match idle {
                Some(producer) => Client::reuse(id.clone(), producer, self.options()),
                None => Client::open(id.clone(), self.options()),
            }),
        }
    }

    /// The handle of a transaction that is listed, unless it has ended since.
    async fn open_under(&self, listing: Listing, place: &mut Task) -> Result<Option<Handle>, Failure> {
        let found = self.driver().describe(&listing.id, place).await?;
        let open = found.filter(|found| found.state == CoordinatorState::Ongoing);
        Ok(open.map(|open| self.handle(open.producer, false).encode(listing.id)))
    }
}

impl<P: Port, C: Clock> Broker for KafkaBroker<P, C> {
    type Transaction = KafkaTransaction<P, C>;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            finish: Finish::ByHandle,
            commit: Scope::Transaction,
            expires_after: Some(self.options().transaction_timeout),
            epoch_per_transaction: self.options().protocol == Protocol::V2,
            fences: true,
            tells_fate: false, // "fenced" does not, see `fate.rs`
            lists: true,
            progress: false,
        }
    }

    async fn begin(&self, id: &TransactionalId) -> Result<Self::Transaction, Failure> {
        let mut client = self.client(id);
        self.driver().drive::<Trouble>(Some(&mut client)).await?;
        let producer = client.producer().expect("an init that succeeded granted a producer");
        // not empty, as far as a process that finds the handle can know
        let handle = self.handle(producer, false).encode(id.clone());
        self.producers().opened(handle.clone(), producer);
        Ok(KafkaTransaction { broker: self.clone(), client: Some(client), handle, touched: false })
    }

    /// One after the other; one that fails does not keep the next from being committed (V1-19).
    async fn commit(&self, all: &[Handle], _token: &[u8]) -> Outcomes {
        let mut outcomes = SmallVec::new();
        for one in all {
            outcomes.push(self.end(one, Marker::Commit).await);
        }
        outcomes
    }

    async fn abort(&self, one: &Handle) -> Result<Ended, Failure> {
        self.end(one, Marker::Abort).await
    }

    async fn fence(&self, id: &TransactionalId) -> Result<(), Failure> {
        self.producers().forget(id);
        let mut client = self.client(id);
        client.only_fence();
        self.driver().drive::<Trouble>(Some(&mut client)).await?;
        self.producers().give_back(client);
        Ok(())
    }

    async fn lingering(&self, prefix: &str) -> Result<Vec<Handle>, Failure> {
        let (mut open, mut place) = (Vec::new(), Task::new(None));
        for listing in self.driver().list(CoordinatorState::Ongoing, &mut place).await? {
            if listing.id.starts_with(prefix) {
                open.extend(self.open_under(listing, &mut place).await?);
            }
        }
        Ok(open)
    }

    async fn progress(&self, id: &TransactionalId) -> Result<Option<Vec<u8>>, Failure> {
        let text = format!("Kafka keeps no progress token, asked for {id}");
        Err(Failure::new(Next::Fatal, text))
    }
}

impl<P: Port, C: Clock> KafkaTransaction<P, C> {
    #[inline(always)] // a record is large, and would be moved to be handed over
    fn add(&mut self, to: Partition, record: Record) {
        if let Some(client) = &mut self.client {
            client.add(to, record);
        }
    }

    /// Sends what is ready. The broker value learns first, at once, that the transaction is no longer its own
    /// secret: the future may be dropped in the middle of a request.
    #[inline] // so that the future is made where it is awaited, and not moved there
    fn send<E: From<Trouble> + Send>(&mut self) -> impl Future<Output = Result<(), E>> + Send {
        if !self.touched {
            self.touch();
        }
        self.broker.driver().drive(self.client.as_deref_mut())
    }

    #[cold]
    fn touch(&mut self) {
        if self.client.as_ref().is_some_and(|client| client.is_busy()) {
            self.touched = true;
            self.broker.producers().touched(&self.handle.id);
        }
    }

    /// Commits these offsets of a consumer group with the transaction.
    ///
    /// # Errors
    /// As [`Transaction::append`].
    pub async fn send_offsets(
        &mut self,
        group: Arc<str>,
        offsets: Vec<(Partition, super::protocol::LogOffset)>,
    ) -> Result<(), Failure> {
        if let Some(client) = &mut self.client {
            client.send_offsets(group, offsets);
        }
        Ok(self.send::<Trouble>().await?)
    }
}

impl<P: Port, C: Clock> Transaction for KafkaTransaction<P, C> {
    fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Queues the record at once; the future sends.
    #[inline(always)]
    fn append(&mut self, to: Partition, record: Record) -> impl Future<Output = Result<(), Failure>> + Send {
        self.add(to, record);
        self.send()
    }

    /// The client goes on with the end, so it waits for that where the end is asked for. Again: changes nothing.
    async fn pre_commit(&mut self) -> Result<Handle, Failure> {
        if let Some(client) = &mut self.client {
            client.flush();
            self.send::<Trouble>().await?;
        }
        if let Some(client) = self.client.take() {
            if !client.is_touched() {
                let handle = KafkaHandle { empty: true, ..KafkaHandle::decode(&self.handle)? };
                self.handle = handle.encode(self.handle.id.clone());
            }
            self.broker.producers().closed(client);
        }
        Ok(self.handle.clone())
    }
}
