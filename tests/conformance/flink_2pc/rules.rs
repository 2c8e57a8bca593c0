//! The rules that make callbacks fail or slow. They wait until they match, also over crashes.

use serde::Deserialize;

/// Which callbacks a rule is for.
#[derive(Deserialize)]
pub(super) struct Filter {
    call: String,
    txn: Option<String>,
    subtask: Option<u64>,
    #[serde(default)]
    skip: u32,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// Rules of one kind, in the order in which they were added.
pub(super) struct Rules<T>(Vec<(Filter, T)>);

impl<T: Clone> Rules<T> {
    pub(super) fn add(&mut self, filter: Filter, effect: T) {
        self.0.push((filter, effect));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What strikes this callback. Every matching rule before the one that does loses one of its skips.
    pub(super) fn strike(&mut self, call: &str, txn: Option<&str>, subtask: u64) -> Option<T> {
        let at = self.0.iter_mut().position(|(filter, _)| filter.strikes(call, txn, subtask))?;
        let (filter, effect) = &mut self.0[at];
        let effect = effect.clone();
        filter.times -= 1;
        if filter.times == 0 {
            self.0.remove(at);
        }
        Some(effect)
    }
}

impl Filter {
    fn strikes(&mut self, call: &str, txn: Option<&str>, subtask: u64) -> bool {
        let matches = self.call == call
            && self.txn.as_deref().is_none_or(|wanted| txn == Some(wanted))
            && self.subtask.is_none_or(|wanted| subtask == wanted);
        let skips = matches && self.skip > 0;
        self.skip -= u32::from(skips);
        matches && !skips
    }
}

impl<T> Default for Rules<T> {
    fn default() -> Self {
        Rules(Vec::new())
    }
}
