//! A failure, kept as a file: the smallest schedule of it, under the name of its test and its seed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::places::Places;
use super::regressions::{Regression, Replayed};
use super::report::Report;
use crate::file::{Expectation, Saved, create_or_renew};
use crate::outcome::Outcome;
use crate::reach::without_unstruck;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::sweep::play_alone;
use crate::timeline::Timeline;
use crate::watch::Keep;

/// A failure that was kept, in the words of its report.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The line that replays it.
    pub(super) replay: String,
    /// What else to do with it.
    pub(super) more: Vec<String>,
}

impl Report {
    /// Keeps the first failure, if its schedule can be relied on to fail again; or says why it cannot be kept.
    pub(super) fn keep(&self) -> Option<Result<Kept, String>> {
        let first = self.first_failure().filter(|_| self.summary.unequal.is_none())?;
        let found = self.subject.pin(self.generator.clone()).schedule(first.seed).ok().map(Arc::new)?;
        let schedule = self.shrunk().map_or(found, |shrunk| shrunk.schedule.clone());
        let (schedule, outcome) = match self.summary.hung == Some(first.seed) {
            true => (schedule, Outcome::without_history(first.finding.clone())), // a second play would only wait as long again
            false => self.settled(schedule)?,
        };
        let test = Some(self.test.clone());
        let saved = Saved { test, ..Saved::of(&self.subject, &schedule, &outcome) };
        Some(self.write(first.seed, &saved, &outcome))
    }

    /// What is to be saved, and what comes of it: a schedule in which every fault strikes, if it fails without the
    /// others as it does with them.
    fn settled(&self, schedule: Arc<Schedule>) -> Option<(Arc<Schedule>, Outcome)> {
        let keep = Keep { history: true, ..Keep::default() };
        let play = |schedule| play_alone(&self.subject, schedule, keep, self.hang_timeout).ok();
        let outcome = play(&schedule).filter(|outcome| outcome.finding().is_some())?;
        let less = Arc::new(without_unstruck(&schedule, &outcome));
        if less.faults.len() == schedule.faults.len() {
            return Some((schedule, outcome));
        }
        let alike =
            |other: &Outcome| Expectation::from(&other.verdict) == Expectation::from(&outcome.verdict);
        match play(&less).filter(alike) {
            Some(outcome) => Some((less, outcome)),
            None => Some((schedule, outcome)),
        }
    }

    fn write(&self, seed: Seed, saved: &Saved, outcome: &Outcome) -> Result<Kept, String> {
        let places = self.places.as_ref().ok_or_else(|| {
            "there is no package here, so it is not kept; expected to be run by cargo test".to_owned()
        })?;
        let cannot = |error| {
            let name = places.failures.display();
            format!("{name}: cannot be made ({error}); expected a directory that may be written to")
        };
        fs::create_dir_all(&places.failures).map_err(cannot)?;
        let file = write(saved, &places.failures, &file_name(&self.test, seed))?;
        let told = places.told(&file);
        let timeline = self.draw(places, &file, &told, saved, outcome);
        let keep = self.keep_line(places, &file);
        Ok(Kept { replay: self.replay_file(&told), more: timeline.into_iter().chain([keep]).collect() })
    }

    /// The picture of a regression that failed again: where those of failures are, not beside what is kept for good.
    pub(super) fn draw_again(&self, replayed: &Replayed) -> Option<String> {
        let Replayed { regression: Regression { name, path, saved }, outcome, .. } = replayed;
        outcome.finding()?;
        let places = self.places.as_ref()?;
        fs::create_dir_all(&places.failures).ok()?;
        self.draw(places, &places.failures.join(path.file_name()?), name, saved, outcome)
    }

    /// As a page beside a file; `of` is where the schedule is. Returns where the page is, or why it is not.
    fn draw(
        &self,
        places: &Places,
        beside: &Path,
        of: &str,
        saved: &Saved,
        outcome: &Outcome,
    ) -> Option<String> {
        let replay = self.replay_file(of);
        let timeline = Timeline::new(&self.subject.name, of, Some(&replay), &saved.schedule, outcome)?;
        Some(match timeline.write_page_beside(beside) {
            Ok(page) => format!("timeline {}", places.told(&page)),
            Err(why) => format!("no timeline: {why}"),
        })
    }

    fn keep_line(&self, places: &Places, file: &Path) -> String {
        let (file, regressions) = (places.told(file), places.told(&places.regressions));
        let make =
            if places.regressions.is_dir() { String::new() } else { format!("mkdir -p {regressions} && ") };
        format!("keep     {make}cp {file} {regressions}/")
    }
}

/// Writes it under this name; where something stands that no run of this test has written, under another.
fn write(saved: &Saved, directory: &Path, name: &str) -> Result<PathBuf, String> {
    let is_ours = |path: &Path| Saved::read(path).is_ok_and(|known| known.test == saved.test);
    let names = (1..100).map(|number| match number {
        1 => directory.join(format!("{name}.json")),
        number => directory.join(format!("{name}-{number}.json")),
    });
    let free = |path: &PathBuf| path.symlink_metadata().is_err() || is_ours(path);
    let path = names.clone().find(free).unwrap_or_else(|| directory.join(format!("{name}.json")));
    create_or_renew(&path, is_ours, |file| saved.print(file))?;
    Ok(path)
}

/// `orders::arrive` and 41 become `orders-arrive-41`: a name that every file system takes.
fn file_name(test: &str, seed: Seed) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = test.replace("::", "-").chars().map(plain).take(120).collect();
    format!("{}-{seed}", name.trim_start_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FORMAT;
    use crate::generate::Generator;

    fn saved(test: &str, seed: u64) -> Saved {
        Saved {
            format: FORMAT,
            subject: "kafka".to_owned(),
            test: Some(test.to_owned()),
            expected: Expectation::Held,
            crashes_in: None,
            schedule: Generator::default().schedule(Seed(seed)).unwrap(),
        }
    }

    #[test]
    fn a_name_is_one_that_every_file_system_takes() {
        assert_eq!(file_name("orders::arrive", Seed(41)), "orders-arrive-41");
        assert_eq!(file_name("../a b/ü", Seed(7)), "a-b---7");
        assert!(file_name(&"x".repeat(9_000), Seed(u64::MAX)).len() < 200);
    }

    #[test]
    fn what_this_test_wrote_is_renewed_and_what_anybody_else_did_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let write = |saved: &Saved| write(saved, directory.path(), "a-1").unwrap();
        let (one, other) = (saved("a", 1), saved("b", 1));
        assert_eq!(write(&one), at("a-1.json"));
        assert_eq!(write(&saved("a", 2)), at("a-1.json"));
        assert_eq!(Saved::read(&at("a-1.json")).unwrap(), saved("a", 2));
        assert_eq!(write(&other), at("a-1-2.json"));
        std::fs::write(at("a-1.json"), "mine").unwrap();
        assert_eq!(write(&one), at("a-1-3.json"));
        assert_eq!(std::fs::read_to_string(at("a-1.json")).unwrap(), "mine");
        assert_eq!(Saved::read(&at("a-1-2.json")).unwrap(), other);
    }
}
