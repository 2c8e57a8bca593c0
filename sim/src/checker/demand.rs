//! Once faults have stopped and the job has had its time: is it all there, and if not, why can it not be known?

use twophase::RecordId;
use twophase::kafka::protocol::Marker;

use super::Checker;
use crate::anomaly::{Anomaly, Said};
use crate::ledger::{Ledger, Transaction};

impl Checker {
    /// The job has had its time: is everything there? `why_not` says why it stopped, if it did not end by itself.
    pub(crate) fn demand(&mut self, at: u64, why_not: Option<Said>, ledger: &Ledger) {
        if self.finding.is_some() || (self.remaining == 0 && why_not.is_none()) {
            return;
        }
        let missing = self.missing().find(|record| self.is_lost(*record, ledger, why_not.is_none()));
        match (missing, why_not) {
            (Some(record), _) => {
                let why = match ledger.carriers(record).next_back() {
                    None if !self.is_covered(record) => "it was never written, though the job has ended",
                    None => "it was never written, though a durable checkpoint covers it",
                    Some(carrier) if carrier.timed_out => {
                        "its transaction was open for longer than the transaction timeout"
                    }
                    Some(_) => "its transaction was aborted",
                };
                self.report_record(at, Anomaly::Lost, record, None, why, ledger);
            }
            (None, Some(why_not)) => {
                self.stuck(at, why_not, ledger);
            }
            (None, None) => {
                self.report(at, Anomaly::Stuck, None, "the job has ended, but not all is visible".to_owned())
            }
        }
    }

    /// Something never ends, for a reason that one of the transactions may show: one that was decided against its
    /// promise, one that a restore does not come past, one that its sink never learns the end of, or one that
    /// nobody decides.
    pub(crate) fn stuck(&mut self, at: u64, why_not: Said, ledger: &Ledger) {
        let newest = |is: fn(&Transaction) -> bool| ledger.transactions().iter().rev().find(|one| is(one));
        let about = newest(Transaction::is_wrong)
            .or_else(|| ledger.unsettled())
            .or_else(|| newest(Transaction::is_unknown_to_its_sink))
            .or_else(|| newest(|one| one.decided.is_none()));
        self.report(at, Anomaly::Stuck, about, why_not);
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.seen.iter().filter(|(_, seen)| !**seen).map(|(record, _)| record)
    }

    pub(super) fn is_covered(&self, record: RecordId) -> bool {
        record.offset < self.covered[usize::from(record.split.0)]
    }

    /// Whether nobody will ever write it again, nor commit what was written.
    fn is_lost(&self, record: RecordId, ledger: &Ledger, job_ended: bool) -> bool {
        (self.is_covered(record) || job_ended)
            && ledger.carriers(record).all(|carrier| carrier.decided == Some(Marker::Abort))
    }
}
