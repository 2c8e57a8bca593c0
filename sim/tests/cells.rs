//! `docs/cells.md` says of each cell what a part of its runs shows, and the safe rule says the same.

#[path = "../examples/cells/rows.rs"]
mod rows;
#[path = "../examples/cells/runs.rs"]
mod runs;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rows::ROWS;
use runs::{COLUMNS, Cell, Use, wrong};
use twophase_sim::is_safe;

const DOCUMENT: &str = include_str!("../../docs/cells.md");

/// How many runs of a safe cell are played here. Of a known-unsafe one, as many as it takes to see why.
const RUNS: usize = 5;

/// What a cell of the document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Safe,
    KnownUnsafe,
    NeverSent,
}

impl Said {
    fn read(cell: &str) -> Self {
        match cell {
            "never sent" => Said::NeverSent,
            safe if safe.starts_with("safe, ") => Said::Safe,
            found if found.starts_with("**") => Said::KnownUnsafe,
            other => panic!("a cell says {other:?}"),
        }
    }
}

/// All cells in the order of the document, each with what it says there.
fn cells() -> Vec<(Cell, Said)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| "));
    let mut rows = rows.filter(|line| !line.starts_with("| what goes wrong") && !line.starts_with("| ---"));
    let mut cells = Vec::new();
    for using in Use::ALL {
        for row in ROWS {
            let line = rows.next().expect("each row stands in the document");
            let mut parts = line.trim_matches('|').split('|').map(str::trim);
            assert_eq!(parts.next(), Some(row.name), "the rows stand in order");
            for ((protocol, verification), said) in COLUMNS.into_iter().zip(parts.by_ref()) {
                cells.push((Cell { using, row, protocol, verification }, Said::read(said)));
            }
            assert_eq!(parts.next(), None, "{line}");
        }
    }
    assert_eq!(rows.next(), None, "the document has no other rows");
    cells
}

/// What is wrong with each run of a cell in which something happened, in an order that mixes them well.
fn runs_of(cell: Cell) -> impl Iterator<Item = Option<&'static str>> {
    const STRIDE: u64 = 7_919; // a prime, so each of them comes once
    let verdicts = (0..cell.len()).filter_map(move |n| cell.verdict(n * STRIDE % cell.len()));
    verdicts.map(|verdict| wrong(&verdict))
}

/// Whether what is said of a cell is what its runs show.
fn is_true(cell: Cell, said: Said) -> bool {
    match said {
        Said::Safe => {
            let runs: Vec<_> = runs_of(cell).take(RUNS).collect();
            !runs.is_empty() && runs.iter().all(Option::is_none)
        }
        Said::KnownUnsafe => runs_of(cell).any(|wrong| wrong.is_some()),
        Said::NeverSent => (0..RUNS as u64).all(|number| cell.verdict(number).is_none()),
    }
}

#[test]
fn every_cell_says_what_its_runs_show() {
    let cells = cells();
    let next = AtomicUsize::new(0);
    let work = || {
        let taken = std::iter::from_fn(|| cells.get(next.fetch_add(1, Ordering::Relaxed)));
        taken.filter(|(cell, said)| !is_true(*cell, *said)).collect::<Vec<_>>()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let untrue: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no history panics")).collect()
    });
    assert!(untrue.is_empty(), "docs/cells.md is out of date; its head says how to renew it: {untrue:#?}");
}

/// The generator keeps to the rule, so what the rule forbids is not drawn, and what it allows must hold.
#[test]
fn the_safe_rule_knows_the_cells_that_the_correct_job_does_not_survive() {
    let correct = |cell: &Cell| matches!(cell.using, Use::NameForEach | Use::Pool);
    for (cell, said) in cells().into_iter().filter(|(cell, _)| correct(cell)) {
        let (first, last) = (cell.schedule(0), cell.schedule(cell.len() - 1));
        for schedule in [first, last] {
            assert_eq!(is_safe(&schedule), said != Said::KnownUnsafe, "{cell:?}");
        }
    }
}

#[test]
fn the_document_has_cells_of_every_sort() {
    let cells = cells();
    for said in [Said::Safe, Said::KnownUnsafe, Said::NeverSent] {
        assert!(cells.iter().any(|(_, found)| *found == said), "{said:?}");
    }
}
