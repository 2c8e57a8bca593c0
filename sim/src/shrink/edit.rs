//! One change that might make a schedule smaller.

use std::rc::Rc;

use crate::schedule::Schedule;

/// Where an edit stands in its list. When one is accepted the list is made anew for the smaller schedule, and is
/// gone on with from there: what came before was tried a moment ago.
pub(super) type Place = (usize, usize);

/// A change of a schedule.
pub(super) type Change = Rc<dyn Fn(&mut Schedule)>;

/// One in a list of them.
#[derive(Clone)]
pub(super) struct Edit {
    pub(super) place: Place,
    change: Change,
}

impl Edit {
    pub(super) fn new(place: Place, change: impl Fn(&mut Schedule) + 'static) -> Self {
        Edit { place, change: Rc::new(change) }
    }

    /// The schedule that comes of it. It may be the same, or one that cannot be played: whoever asks finds out.
    pub(super) fn of(&self, schedule: &Schedule) -> Schedule {
        let mut changed = schedule.clone();
        (self.change)(&mut changed);
        changed
    }

    /// The same, and then another change.
    pub(super) fn and(&self, place: Place, more: &Change) -> Self {
        let (first, more) = (self.change.clone(), more.clone());
        Edit::new(place, move |schedule| {
            first(schedule);
            more(schedule);
        })
    }
}

/// The pieces of a list of this length that may be left out, from all of it down to one by one.
pub(super) fn pieces(length: usize) -> impl Iterator<Item = (usize, usize)> {
    let largest = length.checked_ilog2().map_or(0, |log| log + 1);
    let sizes = (0..=largest).rev().map(|log| 1_usize << log);
    sizes.flat_map(move |size| (0..length).step_by(size).map(move |start| (size, start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_go_from_the_whole_to_its_parts() {
        let all: Vec<_> = pieces(3).collect();
        assert_eq!(all, [(4, 0), (2, 0), (2, 2), (1, 0), (1, 1), (1, 2)]);
        assert_eq!(pieces(1).collect::<Vec<_>>(), [(2, 0), (1, 0)]);
        assert_eq!(pieces(0).count(), 0);
    }
}
