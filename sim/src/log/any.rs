//! The log of a world: the correct one, as nearly always, or one that a subject has brought along.

use twophase::kafka::protocol::{ErrorCode, LogOffset, Request, Response};
use twophase::{Partition, Timestamp};

use super::{Aborted, Effect, Entry, Log, MarkerWrite, Rooms, TransactionMetadata, TransactionalLog};

/// See the module. The correct one is called directly, because it is asked some thousand times in a history.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a history, and it is nearly always the large one"
)]
pub(crate) enum AnyLog {
    Correct(TransactionalLog),
    Brought(Box<dyn Log>),
}

impl AnyLog {
    /// What it leaves to the log of the next history.
    pub(crate) fn leave(self) -> Rooms {
        match self {
            AnyLog::Correct(log) => log.leave(),
            AnyLog::Brought(_) => Rooms::default(),
        }
    }

    /// Whether it does as a log must. What one does that a subject has brought along nobody knows.
    pub(crate) fn is_correct(&self) -> bool {
        matches!(self, AnyLog::Correct(_))
    }
}

macro_rules! ask {
    ($self:ident, $log:ident => $what:expr) => {
        match $self {
            AnyLog::Correct($log) => $what,
            AnyLog::Brought($log) => $what,
        }
    };
}

impl Log for AnyLog {
    #[inline]
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        ask!(self, log => log.apply(now, request, effects))
    }

    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        ask!(self, log => log.write_marker(now, write, effects))
    }

    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        ask!(self, log => log.sweep(now, effects));
    }

    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        ask!(self, log => log.reload(now, effects));
    }

    fn restart(&mut self, partition: Partition) {
        ask!(self, log => log.restart(partition));
    }

    fn partitions(&self) -> u32 {
        ask!(self, log => log.partitions())
    }

    #[inline]
    fn log_end_offset(&self, partition: Partition) -> LogOffset {
        ask!(self, log => log.log_end_offset(partition))
    }

    #[inline]
    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        ask!(self, log => log.last_stable_offset(partition))
    }

    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        ask!(self, log => log.entries(partition, from))
    }

    fn aborted(&self, partition: Partition) -> &[Aborted] {
        ask!(self, log => log.aborted(partition))
    }

    #[inline]
    fn transactions(&self) -> &[TransactionMetadata] {
        ask!(self, log => log.transactions())
    }

    #[inline]
    fn changes(&self) -> u64 {
        ask!(self, log => log.changes())
    }
}
