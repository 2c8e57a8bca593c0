//! A sink that cleans up only what its restored state names.
//!
//! - **Window** W1, the crash before pre-commit. **Found as** stuck.
//! - **Seen in** FLINK-23854: before the first checkpoint there is no state that could name what was open.
//!
//! A transaction that was opened since the restored checkpoint is in no state. If nobody asks the broker for it,
//! it stays open, and no committed reader gets past its first record until the broker's own timeout ends it,
//! hours later with the settings that two-phase commit needs.

use twophase::kafka::KafkaBroker;
use twophase::{Env, Failure, Handle};

use super::altered::{AlterBroker, Altered, sink_through};
use crate::env::{SimClock, SimPort};
use crate::{Anomaly, Subject, Window};

#[derive(Clone, Debug)]
struct ForgetsToFence(KafkaBroker<SimPort, SimClock>);

impl AlterBroker for ForgetsToFence {
    fn correct(&self) -> &KafkaBroker<SimPort, SimClock> {
        &self.0
    }

    async fn lingering(&self, _prefix: &str) -> Result<Vec<Handle>, Failure> {
        Ok(Vec::new()) // the mistake
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("forgets-to-fence", |env| {
        let broker = Altered(ForgetsToFence(env.broker().clone()));
        sink_through(env, broker)
    })
    .broken(Anomaly::Stuck, Window::W1)
    .seen_in("T-05: FLINK-23854")
    .about("a sink that ends only what its restored state names, so that readers hang below the rest")
}
