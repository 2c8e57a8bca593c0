//! The document: what a cell says, and what stands around it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use twophase::kafka::protocol::Protocol;
use twophase_sim::Verdict;

use crate::runs::{COLUMNS, Use, wrong};

/// What came of the runs of a cell in which something went wrong.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: u32,
    found: BTreeMap<&'static str, u32>,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        self.runs += 1;
        if let Some(found) = wrong(verdict) {
            *self.found.entry(found).or_default() += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs == 0 {
            return f.write_str("never sent");
        }
        if self.found.is_empty() {
            return write!(f, "safe, {}", self.runs);
        }
        let mut found: Vec<_> = self.found.iter().collect();
        found.sort_by_key(|(_, count)| Reverse(**count));
        let found: Vec<_> = found.into_iter().map(|(what, count)| format!("{what} {count}")).collect();
        write!(f, "**{}** of {}", found.join(", "), self.runs)
    }
}

pub(crate) const HEAD: &str = "\
# Safe cells, and known-unsafe ones

What the protocol itself can survive, and what no client can: for each way of using a producer, each generation of
Kafka's protocol, and brokers that verify or do not (`transaction.partition.verification.enable`, from 3.6 on), what
comes of a fault. No transaction times out here; that is the safe rule's business (README).

- **safe, N**: N histories in which this went wrong, and no anomaly.
- **lost 58** of 314: known unsafe, and how many of them show what.
- **gives up**: also known unsafe: nothing is lost in silence, but the job cannot go on.
- never sent: a client of this protocol asks for no such thing.

The rows with one request move it over a calm schedule, written by hand: the first, second and further ones, late by all
half milliseconds up to 60 (so past their retry, past the marker, and into the next transaction), and then over drawn
jobs of many shapes. A *clean stop* ends the process at all half milliseconds, a *crash* as soon as the request is on
its way. The rows that begin with *any* are what the default generator draws of this kind in 6 000 seeds.

Written by `cargo run --release -p twophase-sim --example cells > docs/cells.md`; `sim/tests/cells.rs` plays a part of it
again.
";

/// What stands above the table of each way.
pub(crate) fn heading(using: Use) -> &'static str {
    match using {
        Use::NameForEach => {
            "\
## A name for each transaction

Each transaction begins with an init, and its name is never used again (the correct job, `naming: per-transaction`).
What is late finds the name at rest. A repeated init does not: it is the one request that carries nothing to tell it from
a takeover, so it aborts what its own transaction holds by then. Verification makes no difference to this client: it
ends nothing under an epoch that an unanswered batch still has, and its fence raises the epoch on each partition.
"
        }
        Use::Pool => {
            "\
## Names from a pool

Names are used again (the correct job, `naming: pool`): in V1 each time with a new init, which raises the epoch; in V2 with
the epoch that the end of the last transaction has raised.
"
        }
        Use::WithoutInit => {
            "\
## A producer that is used again without an init

The broken subject `reuses-producers`: in V1 nothing tells one transaction from the next, so a late `EndTxn` ends the
next one, and a restore that repeats a commit, to be sure, does the same. In V2 (KIP-890) each end raises the epoch, and
no init is needed.
"
        }
        Use::WithoutFencing => {
            "\
## An abort without a fence

A sink that ends what an earlier incarnation left open by `EndTxn(abort)` alone (`subjects::without_fencing`). In V1 the
epoch stays, and a `Produce` that is still on its way lands behind the marker: where leaders do not verify, it opens a
transaction that nobody ends. Verification refuses it, and so does V2.
"
        }
    }
}

/// The head of each table.
pub(crate) fn columns() -> String {
    let name = |(protocol, verification)| {
        let protocol = match protocol {
            Protocol::V1 => "V1",
            Protocol::V2 => "V2",
        };
        format!(" {protocol}, {} |", if verification { "verified" } else { "not verified" })
    };
    let names: String = COLUMNS.map(name).concat();
    format!("| what goes wrong |{names}\n|{}", " --- |".repeat(1 + COLUMNS.len()))
}
