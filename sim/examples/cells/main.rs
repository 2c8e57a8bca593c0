//! Which faults the protocol survives, by its generation, by verification and by the use of producers: the tables of
//! `docs/cells.md`.
//!
//! ```text
//! cargo run --release -p twophase-sim --example cells > docs/cells.md
//! ```

mod rows;
mod runs;
mod table;

use rows::ROWS;
use runs::{COLUMNS, Cell, Use};
use table::{HEAD, Tally, columns, heading};

fn main() {
    println!("{HEAD}");
    for using in Use::ALL {
        println!("{}\n{}", heading(using), columns());
        for row in ROWS {
            let cells = COLUMNS.map(|(protocol, verification)| Cell { using, row, protocol, verification });
            let said = cells.map(|cell| format!(" {} |", play(&cell)));
            println!("| {} |{}", row.name, said.concat());
        }
        println!();
    }
}

fn play(cell: &Cell) -> Tally {
    let mut tally = Tally::default();
    for verdict in (0..cell.len()).filter_map(|number| cell.verdict(number)) {
        tally.add(&verdict);
    }
    tally
}
