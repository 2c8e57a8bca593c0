//! What the sink logs, in the words of the class: a `tracing` subscriber that takes warnings and errors.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::java;
use super::world::Shared;

pub(super) struct Log(pub(super) Shared);

/// The fields of an event that the class's sentences are made of.
#[derive(Default)]
struct Fields {
    transaction: String,
    open_ms: u64,
    timeout_ms: u64,
    thrown: Option<Value>,
}

impl Fields {
    fn sentence(self, level: Level) -> Value {
        let Fields { transaction, open_ms, timeout_ms, thrown } = self;
        match thrown {
            None => json!({
                "log": level.as_str().to_lowercase(),
                "message": format!(
                    "Transaction {transaction} has been open for {open_ms} ms. This is close to or even exceeding \
                     the transaction timeout of {timeout_ms} ms."
                ),
            }),
            Some(thrown) => json!({
                "log": level.as_str().to_lowercase(),
                "message": format!(
                    "Error while committing transaction {transaction}. Transaction has been open for longer than \
                     the transaction timeout ({timeout_ms}).Commit will not be attempted again. Data loss might \
                     have occurred."
                ),
                "thrown": thrown,
            }),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "transaction" {
            self.transaction = format!("{value:?}");
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "open_ms" => self.open_ms = value,
            "timeout_ms" => self.timeout_ms = value,
            _ => {}
        }
    }

    fn record_error(&mut self, _: &Field, value: &(dyn Error + 'static)) {
        self.thrown = Some(java::error(value));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.with(|world| world.tell(world.acting, fields.sentence(*event.metadata().level())));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1) // never asked for: no span is enabled
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
