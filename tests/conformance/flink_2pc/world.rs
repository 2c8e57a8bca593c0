//! What a schedule acts on besides the instances: one clock, the rules, one counter of transactions, one trace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use twophase::{Clock, Failure, Timestamp};

use super::java::Thrown;
use super::op::Settings;
use super::rules::Rules;

#[derive(Default)]
pub(super) struct World {
    pub(super) step: usize,
    /// Milliseconds. A schedule may turn it back, below zero too.
    pub(super) now: i64,
    pub(super) settings: Settings,
    pub(super) failures: Rules<Thrown>,
    pub(super) delays: Rules<i64>,
    /// The subtask whose instance is being driven; what is logged is logged by it.
    pub(super) acting: Option<u64>,
    pub(super) trace: Vec<Value>,
    begun: u64,
}

/// One callback, before it is written down.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) subtask: u64,
    pub(super) txn: Option<&'a str>,
}

impl World {
    pub(super) fn tell(&mut self, subtask: Option<u64>, mut line: Value) {
        line["step"] = self.step.into();
        if let Some(subtask) = subtask {
            line["subtask"] = subtask.into();
        }
        self.trace.push(line);
    }

    pub(super) fn clear_rules(&mut self) {
        self.failures.clear();
        self.delays.clear();
    }

    /// Lets the rules strike a callback, and writes it down with whatever is only known if it does not throw.
    /// The clock moves before the throw.
    pub(super) fn call<T>(
        &mut self,
        call: Call<'_>,
        mut details: Value,
        returns: impl FnOnce(&mut World) -> (T, Option<Value>),
    ) -> Result<T, Failure> {
        let delay = self.delays.strike(call.name, call.txn, call.subtask);
        let thrown = self.failures.strike(call.name, call.txn, call.subtask);
        details["call"] = call.name.into();
        details["now"] = self.now.into();
        if let Some(ms) = delay {
            details["takes_ms"] = ms.into();
        }
        let done = match thrown {
            None => {
                let (output, value) = returns(self);
                if let Some(value) = value {
                    details["returns"] = value;
                }
                Ok(output)
            }
            Some(thrown) => {
                details["throws"] = json!(thrown);
                Err(Failure::from(thrown))
            }
        };
        self.tell(Some(call.subtask), details);
        self.now += delay.unwrap_or(0);
        done
    }

    /// The name of the next transaction. A begin that throws uses up none.
    pub(super) fn next_transaction(&mut self) -> String {
        self.begun += 1;
        format!("t{}", self.begun)
    }
}

#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.0.lock().expect("no panic happens while the world is locked"))
    }
}

#[derive(Clone)]
pub(super) struct WorldClock(pub(super) Shared);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        timestamp(self.0.with(|world| world.now))
    }

    /// The class under test never waits.
    fn sleep(&self, _span: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Where a schedule's time zero lies: far from a [`Timestamp`]'s own, which nothing comes before.
const ZERO_MS: i64 = 1 << 52;

pub(super) fn timestamp(ms: i64) -> Timestamp {
    let since_own_zero = u64::try_from(ZERO_MS + ms).expect("no schedule turns the clock back by aeons");
    Timestamp(since_own_zero * 1_000)
}

pub(super) fn ms(time: Timestamp) -> i64 {
    i64::try_from(time.0 / 1_000).expect("it was made from such a number") - ZERO_MS
}
