//! A sink that aborts what an earlier incarnation has left open, and does not shut that incarnation out.
//!
//! - **Window** W1, while the transaction is open. **Found as** stuck, where leaders do not verify.
//! - **Seen in** KIP-890, which has brokers make up for it.
//!
//! Under the older protocol an abort leaves the epoch as it is. A batch that is still on its way when its transaction
//! is aborted lands behind the marker, under an epoch that is good: the partition has a transaction open again that
//! no coordinator knows of, and nobody ever ends. A fence would have raised the epoch, on the partition too.

use twophase::kafka::KafkaBroker;
use twophase::{Broker, Capabilities, Env};

use super::altered::{AlterBroker, Altered, sink_through};
use crate::Subject;
use crate::env::{SimClock, SimPort};

#[derive(Clone, Debug)]
struct WithoutFencing(KafkaBroker<SimPort, SimClock>);

impl AlterBroker for WithoutFencing {
    fn correct(&self) -> &KafkaBroker<SimPort, SimClock> {
        &self.0
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { fences: false, ..self.0.capabilities() } // so the sink aborts, as it does where it cannot fence
    }
}

pub(super) fn subject() -> Subject {
    Subject::sink("without-fencing", |env| {
        let broker = Altered(WithoutFencing(env.broker().clone()));
        sink_through(env, broker)
    })
    .about("a sink that aborts what it finds open, and does not shut out whoever has opened it")
}
