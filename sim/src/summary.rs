//! What a sweep adds up to: a fold over outcomes that does not depend on their order.
//!
//! Threads each fold the seeds they happen to play and merge at the end. Every part is therefore a sum or a
//! minimum, and its size is bounded by the kinds of things there are, never by the number of seeds.

use std::collections::BTreeMap;

use crate::anomaly::{Anomaly, Finding};
use crate::coverage::{Calls, CrashSites, Window};
use crate::fault::FaultKind;
use crate::outcome::{Outcome, Verdict};
use crate::seed::Seed;
use crate::sight::Sight;
use crate::site::Phase;
use crate::twice::first_difference;

/// What many histories come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many histories were played.
    pub seeds: u64,
    /// How many of them a second time, to compare.
    pub replayed: u64,
    /// How many events there were.
    pub events: u64,
    /// How often a fault of each kind struck, in the order of [`FaultKind::ALL`].
    pub struck: [u64; FaultKind::ALL.len()],
    /// How many faults never struck.
    pub unstruck: u64,
    /// How many histories entered each window, in the order of [`Window::ALL`].
    pub windows: [u64; Window::ALL.len()],
    /// How many checkpoints completed.
    pub completed: u64,
    /// How many were given up.
    pub expired: u64,
    /// How often the tasks of a job were started.
    pub restarts: u64,
    /// How many histories had a transaction that the broker timed out.
    pub timed_out: u64,
    /// How many held, through at least one window.
    pub held: u64,
    /// How many held, but nothing dangerous happened.
    pub vacuous: u64,
    /// How many ended with a job that gave up honestly.
    pub fail_stop: u64,
    /// How many showed an anomaly.
    pub failed: u64,
    /// The failures, by what was found and in which window.
    pub groups: BTreeMap<(Anomaly, Option<Window>), Group>,
    /// The lowest seed whose second play had another digest.
    pub unequal: Option<Unequal>,
    /// The lowest seed that did not come back, if one ended the sweep before its time.
    pub hung: Option<Seed>,
    /// At which calls a process was killed, in any history.
    pub crashed_at: CrashSites,
    /// What there was to judge by, in any history.
    pub sight: Sight,
    /// Which calls were made at all, in any history.
    pub calls: Calls,
}

/// Failures that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub count: u64,
    /// The lowest seed among them.
    pub seed: Seed,
    /// What was found there.
    pub finding: Finding,
}

/// A seed that played differently the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unequal {
    /// The seed.
    pub seed: Seed,
    /// The digests of both plays.
    pub digests: (u64, u64),
    /// In which event they first differed, counting from 1.
    pub step: usize,
}

impl Summary {
    /// Counts one history.
    pub fn add(&mut self, seed: Seed, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        for (sum, count) in self.struck.iter_mut().zip(outcome.struck) {
            *sum += u64::from(count);
        }
        self.unstruck += u64::from(outcome.unstruck);
        for window in outcome.windows.iter() {
            self.windows[window as usize] += 1;
        }
        self.completed += u64::from(outcome.checkpoints.0);
        self.expired += u64::from(outcome.checkpoints.1);
        self.restarts += u64::from(outcome.restarts);
        self.timed_out += u64::from(outcome.timed_out > 0);
        self.crashed_at.add(outcome.crashed_at);
        self.sight.add(outcome.sight);
        self.calls.add(outcome.calls);
        match &outcome.verdict {
            Verdict::Held => self.held += 1,
            Verdict::Vacuous => self.vacuous += 1,
            Verdict::FailStop(_) => self.fail_stop += 1,
            Verdict::Failed(finding) => self.add_failure(seed, finding),
        }
    }

    fn add_failure(&mut self, seed: Seed, finding: &Finding) {
        self.failed += 1;
        let key = (finding.anomaly, finding.window);
        match self.groups.get_mut(&key) {
            Some(group) => {
                group.count += 1;
                if seed < group.seed {
                    group.seed = seed;
                    group.finding = finding.clone();
                }
            }
            None => {
                let first = Group { count: 1, seed, finding: finding.clone() };
                self.groups.insert(key, first);
            }
        }
    }

    /// Counts a second play of a history.
    pub fn compare(&mut self, seed: Seed, one: &Outcome, two: &Outcome) {
        self.replayed += 1;
        if one.digest != two.digest {
            let step = first_difference(one, two) + 1;
            self.add_unequal(Unequal { seed, digests: (one.digest, two.digest), step });
        }
    }

    /// Counts the history that ended the sweep, because it did not come back.
    pub(crate) fn end_early(&mut self, seed: Seed, hung: &Outcome) {
        self.add(seed, hung);
        self.hung = Some(self.hung.map_or(seed, |known| known.min(seed)));
    }

    fn add_unequal(&mut self, unequal: Unequal) {
        self.unequal = Some(self.unequal.map_or(unequal, |known| known.min(unequal)));
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Summary) {
        self.seeds += other.seeds;
        self.replayed += other.replayed;
        self.events += other.events;
        add_each(&mut self.struck, &other.struck);
        self.unstruck += other.unstruck;
        add_each(&mut self.windows, &other.windows);
        self.completed += other.completed;
        self.expired += other.expired;
        self.restarts += other.restarts;
        self.timed_out += other.timed_out;
        self.held += other.held;
        self.vacuous += other.vacuous;
        self.fail_stop += other.fail_stop;
        self.failed += other.failed;
        for (key, group) in other.groups {
            self.merge_group(key, group);
        }
        if let Some(unequal) = other.unequal {
            self.add_unequal(unequal);
        }
        self.hung = self.hung.into_iter().chain(other.hung).min();
        self.crashed_at.add(other.crashed_at);
        self.sight.add(other.sight);
        self.calls.add(other.calls);
    }

    fn merge_group(&mut self, key: (Anomaly, Option<Window>), other: Group) {
        let Some(group) = self.groups.get_mut(&key) else {
            self.groups.insert(key, other);
            return;
        };
        let count = group.count + other.count;
        if other.seed < group.seed {
            *group = other;
        }
        group.count = count;
    }

    /// Whether no history entered any window.
    pub fn is_vacuous(&self) -> bool {
        self.windows.iter().all(|count| *count == 0)
    }

    /// The calls that were made, and at which no process was ever killed: each with the phases that are missing.
    pub fn never_crashed_at(&self) -> impl Iterator<Item = (&'static str, Vec<Phase>)> {
        let unmade = self.calls.never();
        self.crashed_at.never().into_iter().filter(move |(call, _)| !unmade.contains(call))
    }

    /// The windows that no history entered.
    pub fn never_entered(&self) -> impl Iterator<Item = Window> {
        let never = Window::ALL.into_iter().zip(self.windows);
        never.filter(|(_, count)| *count == 0).map(|(window, _)| window)
    }
}

fn add_each(sums: &mut [u64], more: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(more) {
        *sum += count;
    }
}
