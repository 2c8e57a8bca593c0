//! One value for each record of the input, by split and offset, in one piece of memory.

use smallvec::SmallVec;
use twophase::{RecordId, SourceOffset, Split};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerRecord<T> {
    values: Vec<T>,
    /// Where the values of each split begin, and behind the last where they end.
    begins: SmallVec<[usize; 16]>,
}

impl<T: Clone> PerRecord<T> {
    /// This value for each record of splits of these lengths.
    pub(crate) fn new(splits: impl Iterator<Item = usize>, value: T) -> Self {
        let (mut begins, mut end) = (SmallVec::new(), 0);
        begins.push(end);
        for length in splits {
            end += length;
            begins.push(end);
        }
        PerRecord { values: vec![value; end], begins }
    }
}

impl<T> PerRecord<T> {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
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
        let splits = self.begins.windows(2).zip(0..);
        splits.flat_map(|(bounds, split)| {
            let id = move |offset| RecordId { split: Split(split), offset: SourceOffset(offset) };
            (0..).map(id).zip(&self.values[bounds[0]..bounds[1]])
        })
    }

    #[inline]
    fn place(&self, record: RecordId) -> Option<usize> {
        let split = usize::from(record.split.0);
        let (begin, end) = (*self.begins.get(split)?, *self.begins.get(split + 1)?);
        (record.offset.0 < (end - begin) as u64).then(|| begin + record.offset.0 as usize)
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
        let mut numbers = PerRecord::new([2, 0, 1].into_iter(), 0);
        let all = [id(0, 0), id(0, 1), id(2, 0)];
        for (number, record) in (1..).zip(all) {
            *numbers.get_mut(record).expect("it is one of the input") = number;
        }
        assert_eq!(numbers.len(), 3);
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [(all[0], &1), (all[1], &2), (all[2], &3)]);
        for stranger in [id(0, 2), id(1, 0), id(2, 1), id(3, 0), id(u16::MAX, 0), id(0, u64::MAX)] {
            assert_eq!(numbers.get(stranger), None, "{stranger}");
        }
    }
}
