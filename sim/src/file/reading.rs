//! What a file holds, or one line that says where it cannot be read, what stands there and what was expected.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::place::{Path, line_and_column};
use super::{FORMAT, Saved};
use crate::fault::Fault;

/// What some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// More than this of what stands in a file is not repeated.
const LONGEST: usize = 300;

/// Reads it. The error goes behind the name of the file.
///
/// The version is read first, so that a file of another one is called that, and not broken.
pub(super) fn read(bytes: &[u8]) -> Result<Saved, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| syntax(&error))?;
    let found = match fields.get("format").map(|format| format.get()) {
        None => "no format".to_owned(),
        Some(format) if format == FORMAT.to_string() => return read_current(text),
        Some(format) => format!("format {}", short(format)),
    };
    let place = Path::written("format").position(text).map_or(String::new(), at);
    Err(format!(
        "{place}: has {found}; expected format {FORMAT}: play it with the version of twophase that saved it, or save it anew"
    ))
}

fn read_current(text: &str) -> Result<Saved, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let saved: Saved = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong(text, &error))?;
    saved.schedule.check_parts().map_err(|unplayable| {
        let path = Path::written("schedule").and(Path::written(&unplayable.part));
        format!(
            "{}: {path} {}: mend that place",
            path.position(text).map_or(String::new(), at),
            unplayable.what
        )
    })?;
    Ok(saved)
}

fn at((line, column): (usize, usize)) -> String {
    format!(":{line}:{column}")
}

fn not_text(bytes: &[u8], valid: usize) -> String {
    let (place, found) = (at(line_and_column(&bytes[..valid])), bytes[valid]);
    format!("{place}: the byte 0x{found:02x} is no UTF-8; expected a schedule, which is text: save it again")
}

/// It is no JSON.
fn syntax(error: &serde_json::Error) -> String {
    // Where a line has only begun, the parser stands before its first column.
    let (place, what) = (at((error.line(), error.column().max(1))), said(error));
    match error.is_eof() {
        true => {
            format!("{place}: ends in the middle ({what}); expected a whole schedule: copy or save it again")
        }
        false => {
            format!("{place}: {what}; expected a schedule as it is saved: mend that place, or save it again")
        }
    }
}

/// It is JSON, and no schedule.
fn wrong(text: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let (path, what) = (Path::from(error.path()), said(error.inner()));
    let within = fault_at(&path, text).and_then(|fault| culprit(&fault)).or_else(|| unknown(&what));
    let path = match within {
        Some(field) if !path.to_string().ends_with(&format!(".{field}")) => path.key(&field),
        _ => path,
    };
    let place = path.position(text).unwrap_or((error.inner().line(), error.inner().column()));
    let path = Some(path.to_string()).filter(|path| !path.is_empty());
    let named = path.map_or(String::new(), |path| format!(" {path}:"));
    let expected = if what.contains("expected") { "" } else { "; expected a schedule as it is saved" };
    format!("{}:{} {what}{expected}: mend that place, or save it again", at(place), short(&named))
}

/// What the parser says, without the place, in one line that is not too long.
fn said(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    short(said.strip_suffix(&place).unwrap_or(&said))
}

/// Shows nothing of a file that a terminal would obey.
fn short(text: &str) -> String {
    let printable = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    let mut short: String = text.chars().take(LONGEST).map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

/// The field that the parser does not know.
fn unknown(what: &str) -> Option<String> {
    let (field, _) = what.strip_prefix("unknown field `")?.split_once('`')?;
    Some(field.to_owned())
}

fn fault_at(path: &Path, text: &str) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_str(path.find(text)?.get()).ok()?;
    value.as_object().filter(|fields| fields.contains_key("fault")).cloned()
}

/// A fault is read as a whole, so that the parser does not know which of its fields is wrong: it is the one without
/// which something else is.
fn culprit(fault: &Map<String, Value>) -> Option<String> {
    let wrong =
        |fields: Map<String, Value>| Fault::deserialize(Value::Object(fields)).err().map(|e| e.to_string());
    let what = wrong(fault.clone())?;
    if what.starts_with("missing field") {
        return None;
    }
    if what.starts_with("unknown variant") && wrong_tag(fault, &what) {
        return Some("fault".to_owned());
    }
    fault
        .keys()
        .filter(|key| *key != "fault")
        .find(|key| {
            let mut rest = fault.clone();
            rest.remove(*key);
            wrong(rest).as_ref() != Some(&what)
        })
        .cloned()
}

/// Whether it is the kind itself that is not known.
fn wrong_tag(fault: &Map<String, Value>, what: &str) -> bool {
    let tag = fault.get("fault").and_then(Value::as_str);
    tag.is_some_and(|tag| what.starts_with(&format!("unknown variant `{tag}`")))
}
