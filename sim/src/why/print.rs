//! How a why prints: within 100 columns, the culprit marked at its end.

use std::fmt;

use super::say::seconds;
use super::{Step, Why};

const WIDTH: usize = 100;

/// Up to how many steps are all shown.
const SHOWN: usize = 30;

/// Of more: the first ones, which tell whose story it is; those before and after the step that broke the promise; and
/// the last ones, by which it was found.
const FIRST: usize = 8;
const BEFORE: usize = 8;
const AFTER: usize = 6;
const LAST: usize = 2;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.steps.iter().map(|step| step.who.chars().count()).max().unwrap_or(0);
        let time = self.steps.iter().map(|step| seconds(step.at).len()).max().unwrap_or(0);
        let mut left_out = 0;
        for (place, step) in self.steps.iter().enumerate() {
            if !self.shows(place) {
                left_out += 1;
                continue;
            }
            if left_out > 0 {
                writeln!(f, "    {:>time$}  ... {left_out} more steps", "")?;
                left_out = 0;
            }
            self.step(f, step, time, who)?;
        }
        if !self.rule.is_empty() {
            writeln!(f)?;
            wrapped(f, "    ", "    ", &self.rule)?;
        }
        for said in &self.advice {
            wrapped(f, "    ", "      ", said)?;
        }
        if !self.nearest.is_empty() {
            writeln!(f)?;
        }
        for holds in &self.nearest {
            wrapped(f, "    ", "      ", holds)?;
        }
        Ok(())
    }
}

impl Why {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: &Step, time: usize, who: usize) -> fmt::Result {
        let at = seconds(step.at);
        let head = format!("    {at:>time$}  {:<who$}  ", step.who);
        let indent = " ".repeat(head.chars().count());
        let tail = match (step.broke, step.window) {
            (true, _) => format!("<- should have been: {}", self.should_have.as_deref().unwrap_or_default()),
            (false, Some(window)) => format!("window {window}"),
            (false, None) => String::new(),
        };
        let tail = match (step.broke, step.window) {
            (true, Some(window)) => format!("window {window}  {tail}"),
            _ => tail,
        };
        let lines = wrap(&step.what, WIDTH - indent.len());
        let last = lines.last().map_or(0, |line| indent.len() + line.chars().count());
        let fits = last + 3 + tail.chars().count() <= WIDTH;
        for (place, line) in lines.iter().enumerate() {
            let before = if place == 0 { &head } else { &indent };
            match place + 1 == lines.len() && fits && !tail.is_empty() {
                true => writeln!(f, "{before}{line}   {tail}")?,
                false => writeln!(f, "{before}{line}")?,
            }
        }
        if !fits && !tail.is_empty() {
            wrapped(f, &format!("{indent}  "), &format!("{indent}     "), &tail)?;
        }
        Ok(())
    }

    /// With the steps that print, and no others: the gaps show in their numbers.
    pub(crate) fn shortened(&self) -> Why {
        let places = (0..self.steps.len()).filter(|place| self.shows(*place));
        Why { steps: places.map(|place| self.steps[place].clone()).collect(), ..self.clone() }
    }

    /// Of many steps only the first ones, those around the culprit, and the last ones.
    fn shows(&self, place: usize) -> bool {
        let count = self.steps.len();
        let broke = self.steps.iter().position(|step| step.broke).unwrap_or(count - 1);
        let around = broke.saturating_sub(BEFORE)..=broke + AFTER;
        count <= SHOWN || place < FIRST || around.contains(&place) || place + LAST >= count
    }
}

fn wrapped(f: &mut fmt::Formatter<'_>, first: &str, others: &str, text: &str) -> fmt::Result {
    for (place, line) in wrap(text, WIDTH - others.chars().count()).iter().enumerate() {
        writeln!(f, "{}{line}", if place == 0 { first } else { others })?;
    }
    Ok(())
}

/// At spaces. A word that is longer than a line stands alone on one.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Window;

    fn step(step: usize, what: &str) -> Step {
        let (who, what) = ("sink-0".to_owned(), what.to_owned());
        Step { step, at: step as u64 * 1_000, who, what, window: None, broke: false }
    }

    fn why(steps: Vec<Step>) -> Why {
        Why {
            finding: String::new(),
            steps,
            should_have: Some("commit t0-i1-1".to_owned()),
            rule: "a rule ".repeat(40),
            advice: vec!["advice ".repeat(40)],
            nearest: vec!["holds without: ".to_owned() + &"a fault ".repeat(30)],
        }
    }

    #[test]
    fn nothing_is_wider_than_a_hundred_columns() {
        let mut steps = vec![step(1, &"word ".repeat(60)), step(2, "short"), step(3, &"w".repeat(70))];
        (steps[0].window, steps[2].broke) = (Some(Window::W4), true);
        let printed = why(steps).to_string();
        let longest = printed.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(WIDTH), "{printed}");
        assert_eq!(printed.matches("should have been: commit t0-i1-1").count(), 1, "{printed}");
        assert_eq!(printed.matches("window W4").count(), 1, "{printed}");
    }

    #[test]
    fn of_many_steps_the_first_and_the_culprit_are_shown_and_the_others_counted() {
        for culprit in [0, 5, 40, 99] {
            let mut steps: Vec<_> = (1..=100).map(|place| step(place, &format!("<{place}>"))).collect();
            steps[culprit].broke = true;
            let printed = why(steps).to_string();
            assert!(printed.contains("<1>") && printed.contains(&format!("<{}>", culprit + 1)), "{printed}");
            let shown = printed.matches('>').count();
            let counts = printed
                .split("... ")
                .skip(1)
                .filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok());
            let left_out: usize = counts.sum();
            assert!(shown <= SHOWN, "{printed}");
            assert_eq!(shown + left_out, 100, "{printed}");
        }
    }
}
