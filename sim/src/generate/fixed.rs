//! What a test has fixed of what a seed draws: whether it can be played, and does not contradict itself.

use std::time::Duration;

use super::Generator;
use crate::fault::FaultKind;
use crate::playable::{LONGEST, MOST_PARTITIONS, MOST_RECORDS, MOST_SINKS, MOST_SPLITS, SHORTEST_PERIOD};

impl Generator {
    /// Whether what is fixed can be played, whatever a seed draws.
    ///
    /// # Errors
    /// Which setting cannot, by the name of the method of [`Simulation`](crate::Simulation) that fixes it, and
    /// what was expected.
    pub fn check(&self) -> Result<(), String> {
        within("parallelism", self.parallelism, MOST_SINKS)?;
        within("splits", self.splits, MOST_SPLITS)?;
        within("partitions", self.partitions, MOST_PARTITIONS)?;
        within("records", self.records.map(|records| records as u64), MOST_RECORDS)?;
        lasts("checkpoint_interval", self.checkpoint_interval)?;
        lasts("checkpoint_timeout", self.checkpoint_timeout)?;
        lasts("transaction_timeout", self.transaction_timeout)?;
        self.check_faults()
    }

    fn check_faults(&self) -> Result<(), String> {
        if self.calm && !(self.only.is_empty() && self.rates.is_empty()) {
            return Err("faults(false) leaves nothing for only(..) and rate(..) to choose from; \
                        expected one or the other: leave it out"
                .to_owned());
        }
        for (kind, rate) in &self.rates {
            let what = format!("rate(FaultKind::{kind:?}, {rate})");
            if !rate.is_one() {
                return Err(format!("{what}: expected a part of a whole, like Ratio::new(1, 4)"));
            }
            if rate.part > 0 && !self.may_be(*kind) {
                return Err(format!(
                    "{what}: only(..) or without(..) says that there is none; leave one out"
                ));
            }
        }
        match FaultKind::ALL.into_iter().any(|kind| self.may_be(kind)) {
            true => Ok(()),
            false => Err("only(..) and without(..) leave no fault at all; \
                          expected at least one kind, or faults(false) if nothing is to go wrong"
                .to_owned()),
        }
    }

    /// Whether there may be faults of this kind.
    pub(super) fn may_be(&self, kind: FaultKind) -> bool {
        (self.only.is_empty() || self.only.contains(&kind)) && !self.without.contains(&kind)
    }
}

fn within(name: &str, found: Option<impl Into<u64>>, most: u64) -> Result<(), String> {
    match found.map(Into::into) {
        Some(found) if !(1..=most).contains(&found) => {
            Err(format!("{name}({found}): expected 1 to {most}; or leave it out, and it is drawn"))
        }
        _ => Ok(()),
    }
}

fn lasts(name: &str, found: Option<Duration>) -> Result<(), String> {
    match found {
        Some(found) if !(SHORTEST_PERIOD..=LONGEST).contains(&found) => Err(format!(
            "{name}({found:?}): expected {SHORTEST_PERIOD:?} to {LONGEST:?}; or leave it out, and it is drawn"
        )),
        _ => Ok(()),
    }
}
