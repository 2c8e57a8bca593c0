//! What can be tested, and finding one of them by name.

use std::io::Write;

use super::out::Out;
use super::{Context, Trouble};
use crate::exit::Exit;
use crate::subject::Subject;

pub(crate) fn list(context: &Context<'_>, out: &mut Out) -> Result<Exit, Trouble> {
    let expected = |subject: &Subject| subject.expected.to_string();
    let width = |of: &dyn Fn(&Subject) -> usize| context.subjects.iter().map(of).max().unwrap_or(0);
    let (names, expectations) = (width(&|one| one.name.len()), width(&|one| expected(one).len()));
    for subject in context.subjects {
        let Subject { name, about, .. } = subject;
        writeln!(out, "{name:<names$}  {:<expectations$}  {about}", expected(subject))?;
    }
    Ok(Exit::Held)
}

/// The subject with this name; or one line that says which others come near.
pub(crate) fn find<'a>(subjects: &'a [Subject], called: &str, name: &str) -> Result<&'a Subject, String> {
    let found = subjects.iter().find(|subject| subject.name == name);
    found.ok_or_else(|| {
        let near: Vec<_> = near(subjects, name).map(|subject| subject.name.as_str()).collect();
        let meant = match near.as_slice() {
            [] => String::new(),
            names => format!("did you mean {}? ", names.join(" or ")),
        };
        format!("subject '{name}' is not known; expected one of those that '{called} subjects' lists: {meant}look there")
    })
}

/// At the most three whose names are a few letters away, the nearest first.
fn near<'a>(subjects: &'a [Subject], name: &str) -> impl Iterator<Item = &'a Subject> {
    let name = name.to_lowercase();
    let mut all: Vec<_> = subjects
        .iter()
        .map(|subject| (distance(&name, &subject.name), subject))
        .filter(|(distance, subject)| *distance <= 2.max(name.len() / 3) || subject.name.contains(&name))
        .collect();
    all.sort_by_key(|(distance, _)| *distance);
    all.into_iter().map(|(_, subject)| subject).take(3)
}

/// How many letters must be added, removed or changed.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in two.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_apart_are_counted() {
        assert_eq!(distance("kafka", "kafka"), 0);
        assert_eq!(distance("kafak", "kafka"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        let said = find(&crate::subjects::all(), "twophase", "kafak").unwrap_err();
        assert!(said.contains("did you mean kafka?") || said.contains("did you mean kafka or"), "{said}");
        let said = find(&crate::subjects::all(), "twophase", "zzzzzzzzzz").unwrap_err();
        assert!(!said.contains("did you mean"), "{said}");
    }
}
