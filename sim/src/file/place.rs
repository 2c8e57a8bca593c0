//! Where in a file something stands: by path for a reader, by line and column for an editor.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

/// The way to a value, from the outside in: `.schedule.faults[2].at`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Path {
    /// As it is written in code: `settings.splits`, `faults[2].at`.
    pub(super) fn written(text: &str) -> Self {
        let steps = text.split(['.', '[']).filter(|step| !step.is_empty());
        Path(
            steps
                .map(|step| match step.strip_suffix(']').and_then(|index| index.parse().ok()) {
                    Some(index) => Step::Index(index),
                    None => Step::Key(step.to_owned()),
                })
                .collect(),
        )
    }

    /// This one, and then further in.
    pub(super) fn and(mut self, Path(more): Path) -> Self {
        self.0.extend(more);
        self
    }

    /// This one, and then the value with this key.
    pub(super) fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// What stands there in a text that is JSON.
    pub(super) fn find<'a>(&self, text: &'a str) -> Option<&'a RawValue> {
        let whole = serde_json::from_str(text).ok()?;
        self.0.iter().try_fold(whole, |value: &RawValue, step| step.within(value.get()))
    }

    /// Line and column of it, each counting from 1. Of the nearest around it, if it is not there.
    pub(super) fn position(&self, text: &str) -> Option<(usize, usize)> {
        let mut path = self.clone();
        loop {
            if let Some(value) = path.find(text) {
                let offset = value.get().as_ptr() as usize - text.as_ptr() as usize;
                return Some(line_and_column(&text.as_bytes()[..offset]));
            }
            path.0.pop()?;
        }
    }
}

impl Step {
    fn within<'a>(&self, value: &'a str) -> Option<&'a RawValue> {
        match self {
            Step::Key(key) => {
                let all: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
                all.get(key).copied()
            }
            Step::Index(index) => {
                let all: Vec<&RawValue> = serde_json::from_str(value).ok()?;
                all.get(*index).copied()
            }
        }
    }
}

/// From the parser. What it cannot name is where the path ends.
impl From<&serde_path_to_error::Path> for Path {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let steps = path.iter().map_while(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        });
        Path(steps.collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        })
    }
}

/// Of what comes behind this much of a file.
pub(super) fn line_and_column(before: &[u8]) -> (usize, usize) {
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (lines + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": [1,\n    {\"b\": 2}]\n}";

    #[test]
    fn a_path_reads_as_it_prints_and_leads_to_its_place() {
        for (path, position) in [("a", (2, 8)), ("a[0]", (2, 9)), ("a[1]", (3, 5)), ("a[1].b", (3, 11))] {
            let path_to = Path::written(path);
            assert_eq!(path_to.to_string(), format!(".{path}"));
            assert_eq!(path_to.position(TEXT), Some(position), "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_missing_in_what_stands_around_it() {
        assert_eq!(Path::written("a[1].c").position(TEXT), Some((3, 5)));
        assert_eq!(Path::written("a[7].c").position(TEXT), Some((2, 8)));
        assert_eq!(Path::written("a").position("no JSON"), None);
    }
}
