//! What the plain version has in place of Kafka and of the framework: a broker of three logs, and a list of who
//! has acknowledged. As little as the scenario needs.

use serde::{Deserialize, Serialize};

pub(crate) const SINKS: usize = 3;
pub(crate) const RECORDS: u64 = 40;

/// What a sink asks of the broker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) sink: usize,
    pub(crate) epoch: u32,
    pub(crate) what: Wish,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Wish {
    /// A new epoch; whatever is open is aborted.
    Init,
    Begin,
    Append(u64),
    /// Everything is written: only commit or abort may follow.
    Prepare(usize),
    Commit(usize),
    Abort(usize),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reply {
    Ready { epoch: u32, prepared: Vec<usize> },
    Begun(usize),
    Done,
    Fenced,
}

/// To a sink, of the checkpoint with this id.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    Trigger(u32),
    Complete(u32),
}

/// Where a sink stood at a checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) position: u64,
    /// Transactions that wait for their commit, with the checkpoint of each.
    pub(crate) pending: Vec<(u32, usize)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) attempt: u32,
    pub(crate) sink: usize,
    pub(crate) checkpoint: u32,
    pub(crate) snapshot: Snapshot,
}

#[derive(Debug, PartialEq)]
enum State {
    Open,
    Prepared,
    Ended,
}

/// What one sink has written.
#[derive(Debug, Default)]
struct Log {
    epoch: u32,
    transactions: Vec<(State, Vec<u64>)>,
    committed: Vec<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Broker {
    logs: [Log; SINKS],
}

impl Broker {
    pub(crate) fn answer(&mut self, ask: Ask) -> Reply {
        let log = &mut self.logs[ask.sink];
        match ask.what {
            Wish::Init => log.init(),
            _ if ask.epoch != log.epoch => Reply::Fenced,
            Wish::Begin => {
                log.transactions.push((State::Open, Vec::new()));
                Reply::Begun(log.transactions.len() - 1)
            }
            Wish::Append(record) => {
                let (state, records) = log.transactions.last_mut().expect("append follows begin");
                assert_eq!(*state, State::Open);
                records.push(record);
                Reply::Done
            }
            Wish::Prepare(which) => log.end(which, State::Open, State::Prepared),
            Wish::Commit(which) => {
                if log.transactions[which].0 == State::Prepared {
                    log.committed.append(&mut log.transactions[which].1);
                }
                log.transactions[which].0 = State::Ended; // idempotent: a restore repeats it
                Reply::Done
            }
            Wish::Abort(which) => log.end(which, State::Prepared, State::Ended),
        }
    }

    pub(crate) fn has_all(&self) -> bool {
        self.logs.iter().map(|log| log.committed.len() as u64).sum::<u64>() >= RECORDS * SINKS as u64
    }

    /// Each sink's input, in order, each record once.
    pub(crate) fn check(&self) {
        for log in &self.logs {
            assert!(log.committed.iter().copied().eq(0..RECORDS), "{:?}", log.committed);
        }
    }
}

impl Log {
    fn init(&mut self) -> Reply {
        self.epoch += 1;
        for (state, _) in self.transactions.iter_mut().filter(|(state, _)| *state == State::Open) {
            *state = State::Ended;
        }
        let numbered = self.transactions.iter().enumerate();
        let prepared = numbered.filter(|(_, (state, _))| *state == State::Prepared).map(|(which, _)| which);
        Reply::Ready { epoch: self.epoch, prepared: prepared.collect() }
    }

    fn end(&mut self, which: usize, from: State, to: State) -> Reply {
        assert_eq!(self.transactions[which].0, from);
        self.transactions[which].0 = to;
        Reply::Done
    }
}

/// The checkpoints of the job, at most one at a time.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    pub(crate) attempt: u32,
    pub(crate) completed: [Snapshot; SINKS],
    newest: u32,
    acked: Option<[Option<Snapshot>; SINKS]>,
}

impl Checkpoints {
    /// The next one, unless one is under way.
    pub(crate) fn trigger(&mut self) -> Option<u32> {
        if self.acked.is_some() {
            return None;
        }
        self.acked = Some(Default::default());
        self.newest += 1;
        Some(self.newest)
    }

    /// Whether everybody has acknowledged now.
    pub(crate) fn ack(&mut self, ack: Ack) -> bool {
        match &mut self.acked {
            Some(acked) if ack.attempt == self.attempt && ack.checkpoint == self.newest => {
                acked[ack.sink] = Some(ack.snapshot);
                acked.iter().all(Option::is_some)
            }
            _ => false,
        }
    }

    /// It is stored.
    pub(crate) fn complete(&mut self) -> u32 {
        let acked = self.acked.take().expect("one is under way");
        self.completed = acked.map(|snapshot| snapshot.expect("everybody has acknowledged"));
        self.newest
    }

    /// Everybody starts anew from what is complete.
    pub(crate) fn restart(&mut self) {
        self.acked = None;
        self.attempt += 1;
    }
}
