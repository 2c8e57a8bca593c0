//! The page: one HTML file with its style, its script and the model in it, which loads nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::model::Timeline;
use crate::file::{create, create_or_renew};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("model.js"), include_str!("draw.js"), include_str!("page.js"));

impl Timeline {
    /// A page that any browser opens.
    pub fn page(&self) -> String {
        let model = serde_json::to_string(self).expect("the model holds only strings, numbers and lists");
        let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + model.len() * 2);
        let mut rest = PAGE;
        for (place, content) in [("{{style}}", STYLE), ("{{model}}", &*inert(&model)), ("{{script}}", SCRIPT)]
        {
            let (before, after) =
                rest.split_once(place).expect("the template has each place once, in this order");
            page.push_str(before);
            page.push_str(content);
            rest = after;
        }
        page.push_str(rest);
        page
    }

    /// Writes the page to a new file.
    ///
    /// # Errors
    /// A sentence, if the file exists or cannot be written.
    pub fn write_page(&self, path: &Path) -> Result<(), String> {
        create(path, |file| file.write_all(self.page().as_bytes()))
    }

    /// Writes the page beside a saved schedule: as `NAME.html`, if that is called `NAME.json`. A page that was drawn
    /// there before is replaced. Returns where it is.
    ///
    /// # Errors
    /// A sentence, if another file of that name is there, or it cannot be written.
    pub fn write_page_beside(&self, schedule: &Path) -> Result<PathBuf, String> {
        let path = schedule.with_extension("html");
        create_or_renew(&path, is_a_page, |file| file.write_all(self.page().as_bytes()))?;
        Ok(path)
    }

    /// Writes the [trace](Timeline::chrome) to a new file.
    ///
    /// # Errors
    /// A sentence, if the file exists or cannot be written.
    pub fn write_chrome(&self, path: &Path) -> Result<(), String> {
        create(path, |file| {
            serde_json::to_writer(&mut *file, &self.chrome())?;
            file.write_all(b"\n")
        })
    }
}

/// By what a page of ours begins with, whoever the version is that drew it.
const SIGNED: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"twophase timeline\">";

/// Whether this is a page that was drawn here before, and nobody's own.
fn is_a_page(path: &Path) -> bool {
    let mut start = vec![0; SIGNED.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == SIGNED.as_bytes()
}

/// JSON that may stand inside a `script` element: nothing in it ends that element or begins a comment, and it is
/// a legal script in every browser. These characters occur inside strings only, where an escape means the same.
fn inert(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.html");
        for (text, is_ours) in [(PAGE, true), ("<!doctype html>\n<p>mine", false), ("", false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(is_a_page(&path), is_ours, "{text:.40}");
        }
    }

    #[test]
    fn nothing_in_a_string_ends_the_element_it_stands_in() {
        let hostile = "</script><!--<script>&amp;\u{2028}\u{2029}\"\\";
        let json = serde_json::to_string(hostile).unwrap();
        let safe = inert(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), hostile);
    }
}
