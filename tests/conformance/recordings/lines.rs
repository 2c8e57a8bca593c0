//! The lines of a recording. A file of its own, for the fuzz target that reads anything as one.

use std::path::Path;

use serde_json::{Map, Value};

/// One object a line.
///
/// # Errors
/// Which file and line, and what is wrong there.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Vec<Value>, String> {
    let parse = |(at, line)| {
        let object = serde_json::from_str::<Map<_, _>>(line).map(Value::Object);
        object.map_err(|why| format!("{}: line {}: {why}", file.display(), at + 1))
    };
    text.lines().enumerate().map(parse).collect()
}
