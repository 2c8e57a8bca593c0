//! Plain settings and plain timing: all at once, then part by part, then at least rounder.

use std::time::Duration;

use super::edit::{Edit, Place};
use super::plain::{self, Part, rounder};
use crate::schedule::{Schedule, Span};

/// Everything that is plain is one thing less to think about.
pub(super) fn make_plain(schedule: &Schedule) -> Vec<Edit> {
    let mut edits = at_once((0, 0));
    for (index, part) in plain::flags().into_iter().enumerate() {
        edits.push(Edit::new((1, index), move |schedule| part.make_plain(schedule)));
    }
    for (index, part) in plain::spans().into_iter().enumerate() {
        let now = (part.get)(schedule);
        edits.extend(each((2, index), part, span_candidates(now)));
    }
    for (index, part) in plain::clocks().into_iter().enumerate() {
        let now = (part.get)(schedule);
        edits.extend(each((3, index), part, rounder(now)));
    }
    for (index, part) in plain::counts().into_iter().enumerate() {
        edits.extend(each((4, index), part, vec![1]));
    }
    edits
}

/// All of it, the timing, and the settings.
pub(super) fn at_once(place: Place) -> Vec<Edit> {
    let everything = |schedule: &mut Schedule| {
        plain::make_timing_plain(schedule);
        plain::make_settings_plain(schedule);
    };
    vec![
        Edit::new(place, everything),
        Edit::new(place, plain::make_timing_plain),
        Edit::new(place, plain::make_settings_plain),
    ]
}

/// Its plain value, or else one of these.
fn each<T: Clone + 'static>(place: Place, part: Part<T>, others: Vec<T>) -> Vec<Edit> {
    let set = part.set;
    let all = std::iter::once(part.plain).chain(others);
    all.map(move |value| Edit::new(place, move |schedule| set(schedule, value.clone()))).collect()
}

/// A fixed time is simpler than a range.
fn span_candidates(Span { min, max }: Span) -> Vec<Span> {
    let fixed = |time: Duration| Span::new(time, time);
    let middle = (min + max) / 2;
    let mut all: Vec<_> = [min, max, middle].into_iter().flat_map(rounder).map(fixed).collect();
    all.extend([min, max, middle].map(fixed));
    let rounded =
        rounder(min).into_iter().flat_map(|min| rounder(max).into_iter().map(move |max| Span { min, max }));
    let near = rounded.filter(|span| span.min < span.max && span.min <= min && span.max >= max / 2);
    all.extend(near.take(4));
    all
}
