//! The participant over any [`Broker`]: Flink's hooks, in terms of transactions that have names.
//!
//! At a restore the order matters as much as the decisions. First everything that the restored states promise
//! is committed; then what they had open is given up; then, before the first `begin`, what lower incarnations
//! left without a trace in any state. To fence first would abort what was promised.

use std::future::Future;

use smallvec::SmallVec;

use crate::naming::{Names, Naming, Prefix};
use crate::ownership::{Author, Ownership};
use crate::started::Started;
use crate::{
    Broker, CheckpointId, Ended, Env, Fact, Failure, Handle, Next, Participant, Partition, Process, Record,
    Transaction, TransactionalId,
};

/// How a [`Transactional`] names its transactions and spreads its records.
#[derive(Clone, Debug)]
pub struct TransactionalOptions {
    /// What the names begin with. Two jobs on one broker need two that differ (known bug T-04).
    pub prefix: Prefix,
    /// Which name the next transaction gets.
    pub naming: Naming,
    /// How many partitions the target has. By default one, which every target has.
    pub partitions: u32,
    /// Which of them a record goes to.
    pub route: Route,
    /// Under how many names a begin is tried when no answer comes.
    pub attempts: u32,
}

/// Picks a partition among that many. The same record always goes to the same one.
pub type Route = fn(&Record, u32) -> Partition;

impl Default for TransactionalOptions {
    fn default() -> Self {
        TransactionalOptions {
            prefix: Prefix::default(),
            naming: Naming::default(),
            partitions: 1,
            route: spread,
            attempts: 5,
        }
    }
}

/// Spreads each split over all partitions. Among the records of one split on one partition the order holds.
pub fn spread(record: &Record, partitions: u32) -> Partition {
    if partitions <= 1 {
        return Partition(0); // as by default, and a division takes as long as all else that is done here for a record
    }
    let place = u64::from(record.id.split.0).wrapping_add(record.id.offset.0);
    Partition((place % u64::from(partitions)) as u32)
}

/// A [`Participant`] whose transactions are a broker's.
#[derive(Debug)]
pub struct Transactional<E: Env, B: Broker = <E as Env>::Broker> {
    env: E,
    broker: B,
    options: TransactionalOptions,
    names: Names,
    /// What this process has open or pre-committed: rarely more than two or three.
    live: SmallVec<[Live<B::Transaction>; 2]>,
    restore: Restore,
}

/// A transaction of this process, and the number in its name.
#[derive(Debug)]
struct Live<T> {
    counter: u32,
    transaction: T,
}

impl<T: Transaction> Live<T> {
    #[inline]
    fn is(&self, id: &TransactionalId) -> bool {
        self.transaction.handle().id == *id
    }
}

/// Where the restore stands.
#[derive(Debug)]
enum Restore {
    /// What was heard from the restored states so far: who wrote them, and what they promised.
    Under { authors: SmallVec<[Author; 1]>, promised: SmallVec<[Handle; 1]> },
    /// The first transaction is open.
    Over,
}

impl<E: Env, B: Broker> Transactional<E, B> {
    /// A participant of the process that `env` says, over `broker`, which need not be the one of `env`.
    pub fn new(env: E, broker: B, options: TransactionalOptions) -> Self {
        let Process { index: sink, incarnation, .. } = *env.me();
        Transactional {
            names: Names::new(&options.prefix, sink, incarnation, options.naming),
            env,
            broker,
            options,
            live: SmallVec::new(),
            restore: Restore::Under { authors: SmallVec::new(), promised: SmallVec::new() },
        }
    }

    fn me(&self) -> Author {
        let me = self.env.me();
        Author { sink: me.index, of: me.parallelism }
    }

    /// Ends what earlier incarnations left open. Repeatable: a crash in the middle leaves less to do.
    async fn clean_up(&mut self) -> Result<(), Failure> {
        let Restore::Under { authors, promised } = &self.restore else {
            return Ok(());
        };
        let ownership = Ownership::new(self.me(), authors).map_err(|bad| Failure::new(Next::Fatal, bad))?;
        if !self.broker.capabilities().lists {
            return Ok(()); // nobody can find them; the broker's own timeout has to
        }
        let mut found = self.broker.lingering(self.options.prefix.as_str()).await?;
        found.retain(|one| self.is_leftover(&ownership, promised, one));
        for leftover in &found {
            self.give_up(leftover).await?;
        }
        Ok(())
    }

    /// Whether a transaction that is open at the broker is this sink's to end.
    ///
    /// Only lower incarnations': a zombie must not end what a newer one has opened. And not by name alone what
    /// was promised, but by the whole handle: a pooled name may since have got another transaction, which
    /// nobody promised and nobody else would end (known bug T-08).
    fn is_leftover(&self, ownership: &Ownership, promised: &[Handle], found: &Handle) -> bool {
        let Some(name) = self.options.prefix.parse(found.id.as_str()) else {
            return false;
        };
        name.incarnation < self.env.me().incarnation
            && ownership.covers(name.sink)
            && !promised.contains(found)
    }

    /// Aborts what another incarnation has open, and shuts that out where the broker can: it may still run,
    /// and a transaction that is empty now may get records later.
    async fn give_up(&mut self, transaction: &Handle) -> Result<(), Failure> {
        match self.broker.capabilities().fences {
            true => self.broker.fence(&transaction.id).await?,
            false => self.broker.abort(transaction).await.map(drop)?,
        }
        self.env.note(Fact::Aborted(transaction.id.clone()));
        Ok(())
    }

    /// The newest first: that is the one that is written.
    fn live(&mut self, id: &TransactionalId) -> Option<&mut B::Transaction> {
        let live = self.live.iter_mut().rev().find(|live| live.is(id))?;
        Some(&mut live.transaction)
    }

    /// The transaction has ended, so its name is free.
    fn ended(&mut self, id: &TransactionalId) {
        if let Some(at) = self.live.iter().position(|live| live.is(id)) {
            let ended = self.live.swap_remove(at);
            self.names.release(ended.counter);
        }
    }
}

#[cold]
fn not_open(id: &TransactionalId) -> Failure {
    Failure::new(Next::Fatal, format!("{id} is not open in this process"))
}

impl<E: Env, B: Broker> Participant for Transactional<E, B> {
    type Handle = Handle;
    type Context = Author;

    /// Opens a transaction under the next name, and under another if no answer came: a begin that is still
    /// on its way would abort what is open under its name by then.
    async fn begin(&mut self) -> Result<Handle, Failure> {
        let restores = matches!(self.restore, Restore::Under { .. });
        if restores {
            self.clean_up().await?;
        }
        let mut attempts = self.options.attempts;
        let handle = loop {
            let (id, counter) = self.names.draw();
            attempts = attempts.saturating_sub(1);
            match self.broker.begin(&id).await {
                Ok(transaction) => {
                    let handle = transaction.handle().clone();
                    self.live.push(Live { counter, transaction });
                    break handle;
                }
                Err(failure) if failure.may_have_happened() && attempts > 0 => {}
                Err(failure) => return Err(failure),
            }
        };
        self.env.note(Fact::Began(handle.id.clone()));
        if restores {
            self.restore = Restore::Over;
            self.env.note(Fact::Restored);
        }
        Ok(handle)
    }

    #[inline(always)] // as all that a record passes: what is out of line moves it once more
    fn write(
        &mut self,
        transaction: &mut Handle,
        record: Record,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let to = (self.options.route)(&record, self.options.partitions);
        match self.live(&transaction.id) {
            Some(live) => Started::running(live.append(to, record)),
            None => Started::failed(not_open(&transaction.id)),
        }
    }

    async fn pre_commit(
        &mut self,
        checkpoint: CheckpointId,
        transaction: &mut Handle,
    ) -> Result<(), Failure> {
        let live = self.live(&transaction.id).ok_or_else(|| not_open(&transaction.id))?;
        *transaction = live.pre_commit().await?;
        self.env.note(Fact::PreCommitted(checkpoint, transaction.id.clone()));
        Ok(())
    }

    /// A commit of unknown outcome fails: the engine restarts, and recovery repeats it.
    async fn commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        let id = &transaction.id;
        let one = self.broker.commit(std::slice::from_ref(transaction), &[]).await.pop();
        let ended = one.ok_or_else(|| Failure::new(Next::Fatal, format!("no result for {id}")))??;
        self.ended(id);
        self.env.note(match ended {
            Ended::Now | Ended::Before => Fact::Committed(id.clone()),
            Ended::Indistinct => Fact::Indistinct(id.clone()),
        });
        Ok(())
    }

    async fn abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.broker.abort(transaction).await?;
        self.ended(&transaction.id);
        self.env.note(Fact::Aborted(transaction.id.clone()));
        Ok(())
    }

    async fn recover_and_commit(&mut self, transaction: &Handle) -> Result<(), Failure> {
        if let Restore::Under { promised, .. } = &mut self.restore {
            promised.push(transaction.clone());
        }
        self.commit(transaction).await
    }

    async fn recover_and_abort(&mut self, transaction: &Handle) -> Result<(), Failure> {
        self.give_up(transaction).await
    }

    async fn initialize_context(&mut self) -> Result<Option<Author>, Failure> {
        Ok(Some(self.me()))
    }

    async fn finish_recovering(&mut self, context: &mut Author, _handled: &[Handle]) -> Result<(), Failure> {
        if let Restore::Under { authors, .. } = &mut self.restore {
            authors.push(*context);
        }
        *context = self.me(); // the next state is ours
        Ok(())
    }
}
