//! A process that is all one's own: it reads, changes, writes and commits, and keeps its progress in the checkpoint
//! store. It knows of no coordinator and of no sink, only of the traits.
//!
//! ```console
//! $ cargo test --example own_process
//! $ cargo run --example own_process -- run --seed 7
//! ```
//!
//! Each process reads some splits, one batch after the other. A batch is a transaction, and it is promised when the
//! progress behind it is written down: from then on it has to be committed, however often it takes. It notes nothing;
//! the report says which windows could not be told then. `rash_process` is its broken twin.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use twophase::env::{Key, Value, Version};
use twophase::{
    BoxError, Broker, CheckpointStore, Env, Failure, Handle, Next, Partition, Payload, Record, Source,
    SourceOffset, Split, Transaction, TransactionalId,
};
use twophase_sim::{SimEnv, Subject};

/// How many records of each split are written at once.
const BATCH: usize = 4;

/// What is made of a record.
fn shout(payload: &[u8]) -> Payload {
    payload.to_ascii_uppercase().into()
}

/// What a process writes down.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// Of each of its splits, the first offset that is neither committed nor promised.
    resume_at: Vec<SourceOffset>,
    /// What has to be committed, if it is not yet.
    promised: Option<Handle>,
}

/// Where it writes it down. A write counts only if nobody else has written since.
struct Book<'a, E: Env> {
    env: &'a E,
    key: Key,
    version: Option<Version>,
    progress: Progress,
}

impl<'a, E: Env> Book<'a, E> {
    async fn open(env: &'a E) -> Result<Self, BoxError> {
        let key = Key::Named(format!("progress-{}", env.me().index));
        let (version, progress) = match env.store().read(&key).await? {
            Some((version, Value::Bytes(bytes))) => (Some(version), serde_json::from_slice(&bytes)?),
            _ => (None, Progress::default()),
        };
        Ok(Book { env, key, version, progress })
    }

    async fn write(&mut self, progress: Progress) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(&progress).map_err(|error| Failure::new(Next::Fatal, error))?;
        let version = self.env.store().put(&self.key, self.version, Value::Bytes(bytes.into())).await?;
        (self.version, self.progress) = (Some(version), progress);
        Ok(())
    }
}

/// One life of the process: what an earlier one promised, then batch after batch.
async fn transfer<E: Env>(env: E, splits: u16) -> Result<(), BoxError> {
    let mut book = Book::open(&env).await?;
    // Whoever reads must write before he ends anything: an earlier life that still runs could else promise, a moment
    // later, what is given up here. From this write on its own are refused.
    book.write(book.progress.clone()).await?;
    if let Some(promised) = &book.progress.promised {
        commit(&env, promised).await?;
    }
    give_up_the_rest(&env).await?;
    let me = env.me();
    let mine = (me.index..splits).step_by(me.parallelism.into()).map(Split);
    let mut sources: Vec<_> = mine.map(|split| env.source(split)).collect();
    book.progress.resume_at.resize(sources.len(), SourceOffset(0));
    for (source, offset) in sources.iter_mut().zip(&book.progress.resume_at) {
        source.seek(*offset);
    }
    for count in 1.. {
        let mut next = Progress { promised: None, ..book.progress.clone() };
        let batch = read(&mut sources, &mut next.resume_at).await?;
        if batch.is_empty() {
            break;
        }
        // Each name is used once, and tells whose it is.
        let name = TransactionalId::new(format!("transfer-{}-{}-{count}", me.index, me.life.0));
        let handle = write(&env, &name, batch).await?;
        next.promised = Some(handle.clone());
        // If this is refused or not answered, it ends this life, and the next one reads what holds. To abort here would
        // be wrong even if it was refused: perhaps it arrived twice, and the first time it counted.
        book.write(next).await?;
        commit(&env, &handle).await?;
    }
    Ok(())
}

/// A batch, as it is to be written; and where to go on behind it.
async fn read<S: Source>(sources: &mut [S], resume_at: &mut [SourceOffset]) -> Result<Vec<Record>, Failure> {
    let mut batch = Vec::new();
    for (source, offset) in sources.iter_mut().zip(resume_at) {
        for _ in 0..BATCH {
            let Some(record) = source.next().await? else {
                break;
            };
            *offset = record.id.offset.next();
            batch.push(Record { id: record.id, payload: shout(&record.payload) });
        }
    }
    Ok(batch)
}

async fn write<E: Env>(env: &E, name: &TransactionalId, batch: Vec<Record>) -> Result<Handle, Failure> {
    let mut transaction = env.broker().begin(name).await?;
    for record in batch {
        transaction.append(Partition(0), record).await?;
    }
    transaction.pre_commit().await
}

/// A commit without an answer ends this life. The next one commits again.
async fn commit<E: Env>(env: &E, promised: &Handle) -> Result<(), Failure> {
    for result in env.broker().commit(std::slice::from_ref(promised), &[]).await {
        result?;
    }
    Ok(())
}

/// What earlier lives left open is not promised. Whoever may still write to it is shut out, and it is aborted. Not what
/// later lives have open: if there are any then this one is a zombie, and knows nothing of their promises.
async fn give_up_the_rest<E: Env>(env: &E) -> Result<(), Failure> {
    let mine = format!("transfer-{}-", env.me().index);
    for found in env.broker().lingering(&mine).await? {
        let life = found.id.as_str()[mine.len()..].split('-').next().and_then(|life| life.parse().ok());
        if life.is_some_and(|life: u32| life < env.me().life.0) {
            env.broker().fence(&found.id).await?;
        }
    }
    Ok(())
}

fn subject() -> Subject {
    Subject::process("transfer", |env: SimEnv| {
        let splits = env.schedule().settings.splits;
        transfer(env, splits)
    })
    .expect(|record: &Record| [shout(&record.payload)])
    .about("an opaque process that keeps its progress in the checkpoint store")
}

/// The command `twophase`, over this process.
fn main() -> ExitCode {
    twophase_sim::cli(subject())
}

#[cfg(test)]
mod tests {
    use super::subject;
    use twophase_sim::Simulation;

    #[test]
    fn every_record_arrives_exactly_once() {
        Simulation::of(subject()).seeds(0..400).run().assert_exactly_once();
    }
}
