//! What is wrong, as it is told: of which record and transaction, in which window, and why.

use twophase::RecordId;
use twophase::kafka::protocol::Marker;

use super::Checker;
use crate::anomaly::{Anomaly, Concerned, Finding, Said};
use crate::coverage::Window;
use crate::ledger::{Ledger, Transaction};
use crate::quiet::Panic;
use crate::safe;

impl Checker {
    /// What the subject says of its outputs panicked.
    pub(crate) fn panicked(&mut self, at: u64, which: &str, panic: &Panic) {
        self.report(at, Anomaly::Panicked, None, Said::of_panic(&format!("{which}(..)"), panic));
    }

    /// Settings inside the safe rule are never to blame: there, what timed out behind its promise was left to.
    fn blame(&self, window: Option<Window>) -> Option<Window> {
        match window {
            Some(Window::W8) if safe::is_safe(&self.schedule) => Some(Window::W4),
            window => window,
        }
    }

    /// The story is that of the transaction with which it went wrong: of a loss, the one that was promised; of
    /// a duplicate, the one that a zombie committed, or else the older one, of which whoever wrote the record
    /// again did not know that it is committed; of anything else, the one it was read from.
    #[cold]
    pub(super) fn report_record(
        &mut self,
        at: u64,
        anomaly: Anomaly,
        record: RecordId,
        by: Option<&Transaction>,
        why: &str,
        ledger: &Ledger,
    ) {
        let mut carriers = ledger.carriers(record);
        let is_committed = |carrier: &&Transaction| carrier.decided == Some(Marker::Commit);
        let committed = carriers.clone().filter(is_committed);
        let wrong = match anomaly {
            Anomaly::Lost => carriers.clone().find(|carrier| carrier.promised),
            Anomaly::Duplicate => {
                let zombies = committed.clone().find(|carrier| carrier.is_committed_by_zombie());
                zombies.or_else(|| committed.clone().next())
            }
            _ => None,
        };
        let mut next_to = committed.clone().zip(committed.skip(1));
        let within_one = anomaly == Anomaly::Duplicate && next_to.any(|(one, next)| std::ptr::eq(one, next));
        let carrier = wrong.or(by).or_else(|| carriers.next());
        let records = if anomaly == Anomaly::Lost { self.missing().count() } else { 1 };
        let transaction = carrier.map(|carrier| carrier.id.clone());
        // Twice in one transaction: it went wrong while that was open.
        let window = if within_one {
            Some(Window::W1)
        } else {
            carrier.and_then(|carrier| self.blame(carrier.window()))
        };
        let through = transaction.as_ref().map_or(String::new(), |id| format!(" (written to {id})"));
        let (record, name) = match self.outputs() {
            None => (Some(record), format!("record {record}")),
            Some(outputs) => (outputs.source(record), outputs.name(record)),
        };
        let detail = format!("{name}{through}: {why}");
        self.finding =
            Some(Finding { window, record, records, transaction, ..Finding::new(anomaly, at, detail) });
    }

    #[cold]
    pub(crate) fn report(
        &mut self,
        at: u64,
        anomaly: Anomaly,
        about: Option<&Transaction>,
        said: impl Into<Said>,
    ) {
        if self.finding.is_none() {
            let window = about.and_then(Transaction::window);
            let transaction = about.map(|about| about.id.clone());
            self.finding = Some(Finding { window, transaction, ..Finding::new(anomaly, at, said) });
        }
    }

    /// Where in the code it was that panicked.
    pub(crate) fn place(&mut self, place: &str) {
        self.explain(&format!("at {place}"));
        if let Some(finding) = &mut self.finding {
            finding.concerned = Some(Concerned::Place(place.to_owned()));
        }
    }

    /// What else is known about what was just found: lines of their own.
    pub(crate) fn explain(&mut self, more: &str) {
        if let Some(finding) = &mut self.finding {
            finding.detail.push('\n');
            finding.detail.push_str(more);
        }
    }
}
