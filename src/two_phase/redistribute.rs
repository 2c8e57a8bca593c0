//! Who gets which snapshot after a change of parallelism.

use std::num::NonZeroU16;

/// Deals the snapshots of the old subtasks, in their order, to `parallelism` new ones.
///
/// Each new subtask gets a consecutive run; the first ones get one more if the numbers do not divide (V1-4,
/// Flink's `RoundRobinOperatorStateRepartitioner`). With the same parallelism everybody gets their own back. A
/// snapshot is never split and never given twice: two sinks that commit or abort one transaction would fence
/// each other.
///
/// ```
/// use std::num::NonZeroU16;
/// use twophase::redistribute;
///
/// let two = NonZeroU16::new(2).unwrap();
/// assert_eq!(redistribute(["s0", "s1", "s2"], two), [vec!["s0", "s1"], vec!["s2"]]);
/// ```
pub fn redistribute<S>(snapshots: impl IntoIterator<Item = S>, parallelism: NonZeroU16) -> Vec<Vec<S>> {
    let snapshots: Vec<S> = snapshots.into_iter().collect();
    let subtasks = usize::from(parallelism.get());
    let (each, one_more) = (snapshots.len() / subtasks, snapshots.len() % subtasks);
    let mut rest = snapshots.into_iter();
    (0..subtasks)
        .map(|subtask| rest.by_ref().take(each + usize::from(subtask < one_more)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal(snapshots: usize, parallelism: u16) -> Vec<Vec<usize>> {
        redistribute(0..snapshots, NonZeroU16::new(parallelism).unwrap())
    }

    #[test]
    fn with_the_same_parallelism_everybody_gets_their_own() {
        assert_eq!(deal(3, 3), [[0], [1], [2]]);
    }

    #[test]
    fn the_first_subtasks_get_one_more() {
        assert_eq!(deal(5, 3), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(deal(2, 4), [vec![0], vec![1], vec![], vec![]]);
    }

    #[test]
    fn whatever_the_numbers_each_snapshot_is_dealt_once_and_in_order() {
        for snapshots in 0..8 {
            for parallelism in 1..8 {
                let dealt = deal(snapshots, parallelism);
                assert_eq!(dealt.len(), usize::from(parallelism));
                assert_eq!(dealt.concat(), (0..snapshots).collect::<Vec<_>>());
            }
        }
    }
}
