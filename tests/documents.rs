//! What the documents show and name is there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All code of both packages, as one text.
fn code() -> String {
    fn collect(directory: PathBuf, all: &mut String) {
        for entry in fs::read_dir(directory).expect("the sources are there") {
            let path = entry.expect("they can be listed").path();
            match path.is_dir() {
                true => collect(path, all),
                false => *all += &fs::read_to_string(path).expect("sources are text"),
            }
        }
    }
    let mut all = String::new();
    collect(root().join("src"), &mut all);
    collect(root().join("sim/src"), &mut all);
    all
}

/// What stands between backticks outside of fenced code.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The names in a piece of code: what is called, chosen or begun with a capital letter.
fn names(code: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.split(move |c| !is_name(c))
        .filter(|name| name.len() > 2 && !name.starts_with(|c: char| c.is_numeric()))
}

/// Whether the code of this project defines it: as an item, a method, a field or a variant.
fn is_defined(name: &str, code: &str) -> bool {
    let starts = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let kinds = ["fn ", "struct ", "enum ", "trait ", "type ", "mod ", "const "];
        let rest = kinds.into_iter().find_map(|kind| line.strip_prefix(kind)).unwrap_or(line);
        rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<', ':', ' ', ',', '{', ';', '=']))
    };
    code.lines().any(starts)
}

/// The right column of the first two tables, where names of this project stand, and all that is behind them.
fn names_of_ours(page: &str) -> String {
    let (tables, steps) = page.split_once("## Then test it").expect("the page has that part");
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|--"));
    let right = rows.filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit(" | ").next());
    let mut ours = right.collect::<Vec<_>>().join("\n");
    ours += steps;
    ours
}

#[test]
fn every_name_on_the_porting_page_is_there() {
    let (page, code) = (names_of_ours(&read("docs/porting.md")), code());
    let foreign = [
        "env",
        "twophase",
        "TWOPHASE_TRACE",
        "BTreeMap",
        "broker",
        "transaction",
        "handle",
        "partition",
        "record",
    ];
    let mut count = 0;
    for piece in quoted(&page) {
        if piece.contains('/') {
            assert!(root().join(piece).exists(), "{piece}");
            continue;
        }
        for name in names(piece).filter(|name| !foreign.contains(name)) {
            assert!(is_defined(name, &code), "{name}, in `{piece}`, is not defined anywhere");
            count += 1;
        }
    }
    assert!(count > 60, "only {count} names were looked at");
}

#[test]
fn the_first_sink_of_the_readme_and_the_tutorial_is_the_one_that_is_tested() {
    let readme = read("README.md");
    let section =
        readme.split("## From nothing to the first failing seed").nth(1).expect("the README has it");
    let code = section.split("```rust,no_run\n").nth(1).and_then(|rest| rest.split("```").next());
    let code = code.expect("and code in it");
    assert!(code.lines().count() <= 30, "it says 30 lines");
    assert!(read("docs/tutorial.md").contains(code), "docs/tutorial.md begins with another sink");
    let (sink, test) = code.split_once("#[test]").expect("with a test");
    assert!(read("examples/first_seed.rs").contains(sink), "examples/first_seed.rs has another sink");
    assert!(test.contains("Simulation::new(orders).run().assert_exactly_once()"), "{test}");
}

#[test]
fn every_example_that_a_document_names_is_there_with_a_test_that_is_run() {
    let manifest = read("Cargo.toml");
    for entry in fs::read_dir(root().join("examples")).expect("there are examples") {
        let path = entry.expect("they can be listed").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("names are text").to_owned();
        assert!(manifest.contains(&format!("name = \"{name}\"\ntest = true")), "{name} is never tested");
        assert!(read(&format!("examples/{name}.rs")).contains("#[test]"), "{name} has no test");
        assert!(read("README.md").contains(&name), "{name} is not in the README");
    }
}
