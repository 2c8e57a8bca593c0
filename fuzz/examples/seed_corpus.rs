//! Writes `corpus/`, from which the fuzzers start: `cargo run --no-default-features --example seed_corpus`.

use std::fs;
use std::io::Result;
use std::path::Path;

use twophase_fuzz::starts;

fn main() -> Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, starts) in starts::all() {
        let directory = corpus.join(target);
        fs::create_dir_all(&directory)?;
        for (name, bytes) in starts {
            fs::write(directory.join(name), bytes)?;
        }
    }
    Ok(())
}
