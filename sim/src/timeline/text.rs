//! The same as text: one line a step, with the lanes as columns and messages as arrows between them.

use std::collections::BTreeSet;
use std::fmt;

use super::model::{Arrow, ArrowKind, Fate, Lane, Step, StepKind, Timeline};
use crate::history::Seconds;

/// What is to be shown of a history, and how wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are.
    pub width: usize,
    /// Only so many steps before and after this one, by its number in the trace.
    pub around: Option<usize>,
    /// Only the way of this record: `s0:7`.
    pub record: Option<String>,
    /// Only the steps of the transactions with this name.
    pub transaction: Option<String>,
    /// Heartbeats too.
    pub all: bool,
}

/// How many steps are shown before and after the one that is asked for.
const AROUND: usize = 12;

impl Default for Look {
    fn default() -> Self {
        Look { width: 100, around: None, record: None, transaction: None, all: false }
    }
}

impl Timeline {
    /// What was played, and what came of it: the first lines of a report.
    pub fn heading(&self) -> String {
        let about = &self.about;
        let word = if about.failed { "FAIL" } else { "ok  " };
        let mut text = format!("{word}  {}  {} of {}\n\n", about.verdict, about.of, about.subject);
        for line in about.says.iter().chain(&about.window) {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
        text
    }

    /// As text.
    ///
    /// # Errors
    /// A sentence, if a record, a transaction or a step was asked for that this history does not have.
    pub fn text(&self, look: &Look) -> Result<String, String> {
        let shown = self.shown(look)?;
        Ok(Page { timeline: self, look, shown }.to_string())
    }

    /// Which steps are to be shown.
    fn shown(&self, look: &Look) -> Result<Vec<usize>, String> {
        let mut shown: BTreeSet<usize> = (0..self.steps.len()).collect();
        if let Some(record) = &look.record {
            let way = self.way_of(record);
            expect(!way.is_empty(), || {
                format!("{record} is no record that was written or seen; expected one like s0:0")
            })?;
            shown = way.into_iter().collect();
        }
        if let Some(id) = &look.transaction {
            let of = self.steps_of_transaction(id);
            expect(!of.is_empty(), || {
                let known = self.bars.first().map_or("none at all", |bar| &bar.id);
                format!("{id} is no transaction of this history; expected one that it has, like {known}")
            })?;
            shown.retain(|index| of.contains(index));
        }
        let picked = look.record.is_some() || look.transaction.is_some();
        shown.retain(|index| look.all || picked || !self.steps[*index].quiet || self.marked == Some(*index));
        let mut shown: Vec<_> = shown.into_iter().collect();
        if let Some(number) = look.around {
            let at = self.steps.iter().position(|step| step.number == Some(number)).ok_or_else(|| {
                let last = self.steps.iter().rev().find_map(|step| step.number).unwrap_or(0);
                format!("{number} is no step of this history; expected one from 1 to {last}")
            })?;
            let middle = shown.partition_point(|index| *index < at);
            let from = middle.saturating_sub(AROUND);
            shown = shown[from..(middle + AROUND + 1).min(shown.len())].to_vec();
        }
        Ok(shown)
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

struct Page<'a> {
    timeline: &'a Timeline,
    look: &'a Look,
    shown: Vec<usize>,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lanes(f)?;
        let quiet = self.timeline.steps.iter().filter(|step| step.quiet).count();
        let (columns, arrows) = (Columns::new(self.timeline), self.arrows_of_steps());
        let way: BTreeSet<_> = self.timeline.way.iter().collect();
        writeln!(f, "\n  {:>6}  {:>10}  {}  what", "step", "time", columns.heads())?;
        let mut before = None;
        for index in &self.shown {
            let step = &self.timeline.steps[*index];
            if !self.is_picked() && before.is_some_and(|before| self.skips(before, *index)) {
                writeln!(f, "  {:>6}", "...")?;
            }
            before = Some(*index);
            let is_marked = self.timeline.marked == Some(*index);
            let sign = if is_marked {
                ">>"
            } else if way.contains(index) {
                "> "
            } else {
                "  "
            };
            let number = step.number.map_or(String::new(), |number| number.to_string());
            let row = columns.row(step, arrows[*index].map(|arrow| &self.timeline.arrows[arrow]));
            let head = format!("{sign}{number:>6}  {}  {row}  ", Seconds(step.at));
            let said = self.said(step, arrows[*index].map(|arrow| &self.timeline.arrows[arrow]));
            self.wrap(f, &head, &columns.row_between(step.at), &said)?;
            if is_marked {
                for line in self.timeline.about.says.iter().chain(&self.timeline.about.why) {
                    let head = format!("{:>8}  {:>10}  {}  ", "", "", columns.row_between(step.at));
                    self.wrap(f, &head, &columns.row_between(step.at), &format!("^ {line}"))?;
                }
            }
        }
        if !self.look.all && quiet > 0 && !self.is_picked() {
            writeln!(f, "\n  {quiet} heartbeats and their answers are not shown; --all shows them")?;
        }
        Ok(())
    }
}

impl Page<'_> {
    /// What each column stands for.
    fn lanes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, lane) in letters().zip(&self.timeline.lanes) {
            writeln!(f, "  {letter}  {}", lane.described())?;
        }
        Ok(())
    }

    /// Whether only a way or a transaction is shown, of which everybody knows that it has gaps.
    fn is_picked(&self) -> bool {
        self.look.record.is_some() || self.look.transaction.is_some()
    }

    /// Whether something that is not noise was left out between two lines.
    fn skips(&self, before: usize, next: usize) -> bool {
        self.timeline.steps[before + 1..next].iter().any(|step| !step.quiet || self.look.all)
    }

    /// For each step the arrow that its line shows: the one by which something left, if there is one.
    fn arrows_of_steps(&self) -> Vec<Option<usize>> {
        let mut of = vec![None; self.timeline.steps.len()];
        for (index, arrow) in self.timeline.arrows.iter().enumerate() {
            if let (ArrowKind::Message, Some(step)) = (arrow.kind, arrow.from_step) {
                of[step] = of[step].or(Some(index));
            }
        }
        for (index, arrow) in self.timeline.arrows.iter().enumerate() {
            if let (Some(step), ArrowKind::Message | ArrowKind::Request) = (arrow.to_step, arrow.kind) {
                of[step] = of[step].or(Some(index));
            }
        }
        of
    }

    fn said(&self, step: &Step, arrow: Option<&Arrow>) -> String {
        let who = self.timeline.lanes[step.by.unwrap_or(step.lane)].title();
        let sep = if step.kind == StepKind::Remark { " |" } else { "" };
        let befell = match arrow {
            Some(arrow) if arrow.fate == Fate::Lost => "  (lost)".to_owned(),
            Some(arrow) if arrow.fate == Fate::Unheard => "  (nobody hears it)".to_owned(),
            Some(arrow) if arrow.late > 0 => {
                format!("  ({}.{:03} ms late)", arrow.late / 1_000, arrow.late % 1_000)
            }
            Some(arrow) if arrow.again => "  (a second time)".to_owned(),
            _ => String::new(),
        };
        format!("{who}{sep} {}{befell}", step.text)
    }

    /// One step, on as many lines as it needs.
    fn wrap(&self, f: &mut fmt::Formatter<'_>, head: &str, between: &str, said: &str) -> fmt::Result {
        let margin = head.chars().count();
        let room = self.look.width.saturating_sub(margin).max(24);
        let rest = format!("{:>8}  {:>10}  {between}    ", "", "");
        for (line, part) in broken(said, room, room - 2).into_iter().enumerate() {
            let head = if line == 0 { head } else { &rest };
            writeln!(f, "{}", format!("{head}{part}").trim_end())?;
        }
        Ok(())
    }
}

/// Lines of at most so many characters, the first and the others; broken at blanks where there are some.
fn broken(text: &str, first: usize, others: usize) -> Vec<String> {
    let (mut lines, mut line, mut room) = (Vec::new(), String::new(), first);
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let length = line.chars().count();
        if length > 0 && length + 1 + word.len() > room {
            lines.push(std::mem::take(&mut line));
            room = others;
        }
        while word.len() > room {
            lines.push(word.drain(..room).collect());
            room = others;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    lines.push(line);
    lines
}

fn letters() -> impl Iterator<Item = char> {
    ('a'..='z').chain('A'..='Z').chain(std::iter::repeat('*'))
}

/// One narrow column for each lane.
struct Columns<'a> {
    lanes: &'a [Lane],
}

impl<'a> Columns<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        Columns { lanes: &timeline.lanes }
    }

    fn heads(&self) -> String {
        let heads: Vec<_> = letters().take(self.lanes.len()).map(String::from).collect();
        heads.join(" ")
    }

    /// The lanes with this step in one of them, and the arrow that begins or ends with it.
    fn row(&self, step: &Step, arrow: Option<&Arrow>) -> String {
        let mut cells = self.cells(step.at);
        if let Some(arrow) = arrow {
            draw(&mut cells, arrow);
        }
        cells[step.lane * 2] = glyph(step.kind);
        cells.into_iter().collect()
    }

    fn row_between(&self, at: u64) -> String {
        self.cells(at).into_iter().collect()
    }

    /// At each lane, whether it is there, stands still, or is a zombie.
    fn cells(&self, at: u64) -> Vec<char> {
        let mut cells = vec![' '; self.lanes.len() * 2 - 1];
        for (index, lane) in self.lanes.iter().enumerate() {
            let still = lane.still.iter().any(|(from, to)| *from <= at && at < *to);
            cells[index * 2] = match lane {
                _ if at < lane.from || at > lane.to => ' ',
                _ if still => '·',
                Lane { zombie: Some(since), .. } if *since <= at => '┊',
                _ => '│',
            };
        }
        cells
    }
}

fn draw(cells: &mut [char], arrow: &Arrow) {
    let (from, to) = (arrow.from * 2, arrow.to * 2);
    let (low, high) = (from.min(to), from.max(to));
    let lost = matches!(arrow.fate, Fate::Lost | Fate::Unheard);
    for (place, cell) in cells.iter_mut().enumerate().take(high + 1).skip(low) {
        *cell = match *cell {
            _ if place == to && lost => 'x',
            _ if place == to => {
                if from < to {
                    '>'
                } else {
                    '<'
                }
            }
            _ if place == from => '●',
            '│' | '┊' | '·' => '┼',
            _ => '─',
        };
    }
}

fn glyph(kind: StepKind) -> char {
    use StepKind::{
        Aborted, BrokerDown, Committed, Crashed, Durable, Ended, Fault, GaveUp, Panicked, Paused, Refused,
        Remark, Started, TimedOut, Unanswered, Visible,
    };
    match kind {
        Crashed | Panicked | GaveUp | BrokerDown => 'X',
        Started => '┬',
        Ended => '┴',
        Fault => '!',
        Paused => '=',
        Refused | Unanswered => 'o',
        Committed => 'C',
        Aborted | TimedOut => 'A',
        Durable => '#',
        Visible => 'v',
        Remark => '|',
        _ => '●',
    }
}

impl Lane {
    /// `sink-0/2`.
    pub(super) fn title(&self) -> String {
        self.life.map_or(self.name.clone(), |life| format!("{}/{life}", self.name))
    }

    /// In a line.
    fn described(&self) -> String {
        let Some(life) = self.life else {
            return self.name.clone();
        };
        let zombie = self
            .zombie
            .map_or(String::new(), |since| format!(", a zombie since {}", Seconds(since).to_string().trim()));
        let end = self
            .end
            .map_or(String::new(), |end| format!(", {end} at {}", Seconds(self.to).to_string().trim()));
        format!("{} life {life} from {}{zombie}{end}", self.name, Seconds(self.from).to_string().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(broken("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(broken("abcdefgh i", 3, 4), ["abc", "defg", "h i"]);
        assert_eq!(broken("", 3, 3), [""]);
    }
}
