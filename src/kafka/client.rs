//! The transactional client, as a state machine without I/O and without a clock.
//!
//! ```text
//!   add, flush, end ──►  Client  ──►  Turn::Send(request) ──► port ──┐
//!                          ▲     ──►  Turn::BackOff, Turn::Idle      │
//!                          └──────── answered, unanswered ◄──────────┘
//! ```
//!
//! One request is under way at a time. That costs throughput on a long line and saves most of what Kafka's
//! own client gets wrong: nothing is re-sequenced (known bug P-11), and the end of a transaction cannot
//! overtake its records (P-06). A request is kept until it is answered, so a future that was dropped in the
//! middle of a call leaves nothing behind: the next turn sends the same request with the same numbers.
//!
//! Two ways of use are known to be unsafe, and cannot be expressed here:
//!
//! - *V1, next transaction under the same epoch.* A late EndTxn ends the next transaction (KC-14), a late
//!   Produce lands in it (KP-10). So the end of a V1 transaction also gives up its producer, and the next
//!   one begins with an init, which raises the epoch.
//! - *An init repeated after silence.* The first one may still be on its way. If it arrives when the second
//!   one's transaction is promised, it aborts it. So silence ends an init; open under another name. (To
//!   [fence](Client::fence) may be repeated: nothing that is promised runs under a fenced name.)

use std::sync::Arc;
use std::time::Duration;

use super::class::{Class, Kind, class};
use super::options::KafkaOptions;
use super::outbox::Outbox;
use super::protocol::{ErrorCode, LogOffset, Marker, PerPartition, Producer, Protocol, Request, Response};
use super::requests::{Writer, init, opens};
use super::task::Task;
use super::trouble::{Patience, Trouble};
use crate::{Partition, Record, TransactionalId};

/// What a [`Client`] wants next.
#[derive(Debug)]
pub enum Turn<'a> {
    /// Send this and tell the answer, or that there was none.
    Send(&'a Arc<Request>),
    /// Wait for the back-off, then ask again.
    BackOff,
    /// Nothing: all that was asked for is done.
    Idle,
}

/// The client of one transactional id. See the [module](self).
#[derive(Debug)]
pub struct Client {
    id: TransactionalId,
    protocol: Protocol,
    /// Of a transaction, as an init names it.
    timeout: Duration,
    producer: Option<Producer>,
    outbox: Outbox,
    /// Whether anything was sent that can have opened the transaction (PC-5, but unanswered counts too).
    touched: bool,
    ending: Option<Marker>,
    task: Task,
    /// Whether the init under way is to shut others out, and not in order to write.
    fences: bool,
    waiting: bool,
    patience: Patience,
    trouble: Option<Trouble>,
}

impl Client {
    /// A client that begins with an init: a new epoch, and whatever was open under `id` is aborted.
    pub fn open(id: TransactionalId, options: KafkaOptions) -> Self {
        let init = init(id.clone(), options.transaction_timeout);
        Client { task: Task::new(Some(init)), ..Client::idle(id, options) }
    }

    /// Becomes what [`open`](Client::open) makes or, with a producer to go on with, [`reuse`](Client::reuse), in the
    /// memory that it has. It has no request under way.
    pub(super) fn begin(&mut self, id: TransactionalId, idle: Option<Producer>, options: KafkaOptions) {
        self.task.set(idle.is_none().then(|| init(id.clone(), options.transaction_timeout)));
        self.outbox.clear();
        self.outbox.renew();
        self.patience.renew();
        (self.id, self.producer) = (id, idle);
        (self.protocol, self.timeout) = (options.protocol, options.transaction_timeout);
        (self.touched, self.fences, self.waiting) = (false, false, false);
        (self.ending, self.trouble) = (None, None);
    }

    /// A client that only shuts out whoever uses `id`.
    pub fn fence(id: TransactionalId, options: KafkaOptions) -> Self {
        let mut client = Client::open(id, options);
        client.only_fence();
        client
    }

    /// Its init, which is not sent yet, is only to shut others out.
    pub(super) fn only_fence(&mut self) {
        self.fences = true;
    }

    /// A client that goes on, without an init, with a producer whose last transaction has ended.
    pub fn reuse(id: TransactionalId, producer: Producer, options: KafkaOptions) -> Self {
        Client { producer: Some(producer), ..Client::idle(id, options) }
    }

    /// A client that can end a transaction which another client, perhaps in a process that has died, has
    /// written. It asks for no init: that would abort what it is to commit.
    pub fn resume(id: TransactionalId, producer: Producer, options: KafkaOptions) -> Self {
        Client { touched: true, ..Client::reuse(id, producer, options) }
    }

    fn idle(id: TransactionalId, options: KafkaOptions) -> Self {
        Client {
            id,
            protocol: options.protocol,
            timeout: options.transaction_timeout,
            producer: None,
            outbox: Outbox::new(options.batch),
            touched: false,
            ending: None,
            task: Task::new(None),
            fences: false,
            waiting: false,
            patience: Patience::new(options.attempts, options.refusals),
            trouble: None,
        }
    }

    /// The name.
    pub fn id(&self) -> &TransactionalId {
        &self.id
    }

    /// The producer to go on with; none before an init, nor after the end of a V1 transaction.
    pub fn producer(&self) -> Option<Producer> {
        self.producer
    }

    /// Whether the broker may know of an open transaction. If not, ending it takes no request (KC-14).
    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// Whether the next turn sends or waits.
    #[inline]
    pub fn is_busy(&self) -> bool {
        !self.task.is_done() || !self.outbox.is_empty() || self.ending.is_some()
    }

    /// Adds a record. A full batch becomes a request: at once, if it is the next thing to be sent.
    #[inline(always)] // a record is large, and would be moved to be handed over
    pub fn add(&mut self, partition: Partition, record: Record) {
        let Some(batch) = self.outbox.add(partition, record) else {
            return;
        };
        match self.producer {
            Some(producer) if self.task.is_done() && self.outbox.is_next(&batch, self.protocol) => {
                self.task.produce(Writer { id: &self.id, producer, protocol: self.protocol }, batch);
            }
            _ => self.outbox.queue(batch),
        }
    }

    /// Makes requests of all records that still wait.
    pub fn flush(&mut self) {
        self.outbox.flush();
    }

    /// Commits these offsets of a consumer group with the transaction.
    pub fn send_offsets(&mut self, group: Arc<str>, offsets: Vec<(Partition, LogOffset)>) {
        self.outbox.add_offsets(group, offsets);
    }

    /// Ends the transaction: a commit once all its records are written, an abort without those that are not
    /// yet sent. A transaction that never was touched ends without a request.
    ///
    /// # Errors
    /// A commit of a transaction that has lost a record fails as the record did (PC-8).
    pub fn end(&mut self, marker: Marker) -> Result<(), Trouble> {
        match marker {
            Marker::Commit => self.trouble.map_or(Ok(()), Err)?,
            Marker::Abort => self.discard()?,
        }
        self.outbox.flush();
        self.ending = Some(marker);
        Ok(())
    }

    /// Gives up what was not sent, and the error that made the abort necessary; an error that no abort
    /// repairs stays.
    fn discard(&mut self) -> Result<(), Trouble> {
        match self.trouble {
            Some(trouble) if !trouble.is_abortable() => return Err(trouble),
            _ => self.trouble = None,
        }
        self.outbox.clear();
        if self.task.request().is_some_and(|task| Kind::of(task) != Kind::InitProducerId) {
            // its answer no longer matters: a commit that got through all the same answers the abort with
            // INVALID_TXN_STATE, and a record that arrives late is fenced by the epoch
            self.task.done();
            self.waiting = false;
            self.patience.renew();
        }
        Ok(())
    }

    /// What to do now.
    ///
    /// # Errors
    /// The transaction has failed before, and only an abort is left.
    #[inline(always)] // out of line, writing down its answer would be a third of it
    pub fn turn(&mut self) -> Result<Turn<'_>, Trouble> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if std::mem::take(&mut self.waiting) {
            return Ok(Turn::BackOff);
        }
        if self.task.is_done() {
            self.start();
        }
        Ok(match self.task.shared() {
            None => Turn::Idle,
            Some(task) => {
                self.touched = self.touched || opens(task);
                Turn::Send(task)
            }
        })
    }

    /// The request of the last turn got this answer.
    ///
    /// # Errors
    /// The answer is an error that repeating does not repair, or it was "not now" too often.
    #[inline]
    pub fn answered(&mut self, response: &Response) -> Result<(), Trouble> {
        match (self.task.request(), response) {
            (Some(Request::Produce(_)), Response::Produce(Ok(_))) => self.done(), // as nearly always
            _ => self.answered_otherwise(response),
        }
    }

    #[inline(never)]
    fn answered_otherwise(&mut self, response: &Response) -> Result<(), Trouble> {
        let Some(task) = self.task.request() else {
            return Ok(()); // to a request that an abort has discarded
        };
        let refusal = match (task, response) {
            (Request::Produce(_), Response::Produce(answer)) => answer.err(),
            (Request::EndTxn { .. }, Response::EndTxn(answer)) => answer.map(|next| self.ended(next)).err(),
            (Request::InitProducerId(_), Response::InitProducerId(answer)) => {
                answer.map(|producer| self.granted(producer)).err()
            }
            (Request::AddPartitions { partitions, .. }, Response::AddPartitions(answer)) => {
                let refusal = match answer {
                    Ok(each) => gravest(Kind::AddPartitions, each),
                    Err(code) => Some(*code),
                };
                if refusal.is_none() {
                    self.outbox.partitions_added(partitions);
                }
                refusal
            }
            (Request::AddOffsets { group, .. }, Response::AddOffsets(answer)) => {
                answer.map(|()| self.outbox.group_added(group)).err()
            }
            (Request::TxnOffsetCommit { .. }, Response::TxnOffsetCommit(each)) => {
                gravest(Kind::TxnOffsetCommit, each)
            }
            _ => return self.fail(Trouble::Mismatched { kind: Kind::of(task) }),
        };
        match refusal {
            None => self.done(),
            Some(code) => self.refused(code),
        }
    }

    /// The request of the last turn got no answer.
    ///
    /// # Errors
    /// It has been sent often enough; the outcome is unknown. The [next turn](Client::turn) sends
    /// the same request again.
    pub fn unanswered(&mut self) -> Result<(), Trouble> {
        match self.task.request() {
            None => Ok(()),
            Some(Request::InitProducerId(_)) if !self.fences => {
                Err(Trouble::Unanswered { kind: Kind::InitProducerId, attempts: 1 })
            }
            Some(task) => self.patience.unanswered(Kind::of(task)),
        }
    }

    #[inline]
    fn done(&mut self) -> Result<(), Trouble> {
        self.task.done();
        self.patience.renew();
        Ok(())
    }

    /// The task stays to be repeated, or has failed.
    #[cold]
    fn refused(&mut self, code: ErrorCode) -> Result<(), Trouble> {
        let Some(kind) = self.task.request().map(Kind::of) else {
            return Ok(());
        };
        match class(kind, code) {
            Class::Done => self.done(),
            Class::Retry => match self.patience.refused(kind, code) {
                Ok(()) => {
                    self.waiting = true;
                    Ok(())
                }
                Err(trouble) => self.fail(trouble),
            },
            _ => self.fail(Trouble::Refused { kind, code }),
        }
    }

    #[cold]
    fn fail(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        if trouble.is_final() {
            self.task.done();
            self.ending = None;
            self.trouble = Some(trouble);
        }
        Err(trouble)
    }

    fn granted(&mut self, producer: Producer) {
        self.fences = false;
        self.renew(Some(producer));
    }

    /// The transaction has ended. V2 says how to go on; V1 leaves nothing that is safe to go on with.
    fn ended(&mut self, next: Option<Producer>) {
        self.ending = None;
        self.touched = false;
        self.renew(match self.protocol {
            Protocol::V1 => None,
            Protocol::V2 => next,
        });
    }

    fn renew(&mut self, producer: Option<Producer>) {
        self.producer = producer;
        self.outbox.renew();
    }

    /// Takes up the next task, if there is one: everything else before the end (P-06).
    #[inline(never)]
    fn start(&mut self) {
        let (id, protocol) = (&self.id, self.protocol);
        let writer = self.producer.map(|producer| Writer { id, producer, protocol });
        self.task.set(match writer {
            Some(writer) => self.outbox.take(writer),
            None if self.outbox.is_empty() => None,
            None => Some(init(self.id.clone(), self.timeout)),
        });
        if let (None, Some(marker)) = (self.task.request(), self.ending) {
            match writer.filter(|_| self.touched) {
                Some(writer) => self.task.set(Some(writer.end(marker))),
                None => {
                    self.ending = None; // nothing was begun, so there is nothing to end
                    self.outbox.renew(); // nor was anything numbered under this epoch
                }
            }
        }
    }
}

/// The error that decides for all partitions.
fn gravest(kind: Kind, each: &PerPartition) -> Option<ErrorCode> {
    let errors = each.iter().filter_map(|(_, answer)| answer.err());
    errors.max_by_key(|code| class(kind, *code))
}
