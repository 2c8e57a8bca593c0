//! One value for each record of the input, by split and offset, in one piece of memory.

use twophase::{RecordId, SourceOffset, Split};

use crate::memory::Room;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerRecord<T> {
    values: Vec<T>,
    splits: Vec<Part>,
}

/// Where the values of one split are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    begin: usize,
    length: usize,
}

/// What it leaves to the next history.
pub(crate) type Rooms<T> = (Room<T>, Room<Part>);

impl<T: Clone> PerRecord<T> {
    /// This value for each record of splits of these lengths.
    pub(crate) fn new(lengths: impl Iterator<Item = usize>, value: T, (values, splits): Rooms<T>) -> Self {
        let mut end = 0;
        let mut behind = |length| {
            let begin = end;
            end += length;
            Part { begin, length }
        };
        let mut splits = splits.vector(0);
        splits.extend(lengths.map(&mut behind));
        PerRecord { values: values.filled(end, value), splits }
    }
}

impl<T> PerRecord<T> {
    /// Its room, for one of another history.
    pub(crate) fn leave(self) -> Rooms<T> {
        (Room::of(self.values), Room::of(self.splits))
    }

    /// That of this record, if it is one of the input.
    #[inline]
    pub(crate) fn get(&self, record: RecordId) -> Option<&T> {
        self.values.get(self.place(record)?)
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, record: RecordId) -> Option<&mut T> {
        let place = self.place(record)?;
        self.values.get_mut(place)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RecordId, &T)> {
        self.splits.iter().zip(0..).flat_map(|(part, split)| {
            let id = move |offset| RecordId { split: Split(split), offset: SourceOffset(offset) };
            (0..).map(id).zip(&self.values[part.begin..][..part.length])
        })
    }

    #[inline]
    fn place(&self, record: RecordId) -> Option<usize> {
        let part = self.splits.get(usize::from(record.split.0))?;
        (record.offset.0 < part.length as u64).then(|| part.begin + record.offset.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(split: u16, offset: u64) -> RecordId {
        RecordId { split: Split(split), offset: SourceOffset(offset) }
    }

    #[test]
    fn each_record_has_a_value_of_its_own_and_nothing_else_has_one() {
        let mut numbers = PerRecord::new([2, 0, 1].into_iter(), 0, Rooms::default());
        let all = [id(0, 0), id(0, 1), id(2, 0)];
        for (number, record) in (1..).zip(all) {
            *numbers.get_mut(record).expect("it is one of the input") = number;
        }
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [(all[0], &1), (all[1], &2), (all[2], &3)]);
        for stranger in [id(0, 2), id(1, 0), id(2, 1), id(3, 0), id(u16::MAX, 0), id(0, u64::MAX)] {
            assert_eq!(numbers.get(stranger), None, "{stranger}");
        }
    }
}
