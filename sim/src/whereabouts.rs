//! Where in a list a producer was last: a guess, which has to be checked, and which spares a search.

use twophase::kafka::protocol::ProducerId;

/// One guess for each of a few producers. Ids are given out one after the other, so those that write at one time rarely
/// share one.
///
/// Whoever writes is among the newest in each list, and a search from its end is short. But how short differs from one
/// batch to the next, so a processor guesses wrong half of the time; and it looks for the same producer in three lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whereabouts([u32; 8]);

impl Whereabouts {
    #[inline(always)]
    pub(crate) fn of(&self, id: ProducerId) -> usize {
        self.0[slot(id)] as usize
    }

    #[inline]
    pub(crate) fn set(&mut self, id: ProducerId, place: usize) {
        self.0[slot(id)] = place as u32;
    }
}

#[inline(always)]
fn slot(id: ProducerId) -> usize {
    (id.0 & 7) as usize
}
