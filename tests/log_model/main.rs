//! The transactional log against a simple model, under random requests, delayed markers, takeovers, zombies,
//! timeouts and restarts.
//!
//! After every operation a reader of committed records must see, on every partition, exactly the records of
//! committed transactions below the first undecided one, in the order they were written; and what is refused must
//! have changed nothing.

mod operations;

use proptest::collection::vec;
use proptest::prelude::*;
use twophase::kafka::protocol::{Marker, Protocol};

use operations::{NAMES, Operation, PARTITIONS, play};

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let name = 0..NAMES;
    let partition = 0..PARTITIONS;
    let marker = || prop_oneof![3 => Just(Marker::Commit), 1 => Just(Marker::Abort)];
    let protocol = prop_oneof![Just(Protocol::V1), Just(Protocol::V2)];
    prop_oneof![
        3 => (name.clone(), protocol).prop_map(|(name, protocol)| Initialise { name, protocol }),
        8 => (name.clone(), partition.clone()).prop_map(|(name, partition)| Append { name, partition }),
        2 => name.clone().prop_map(|name| RepeatAppend { name }),
        5 => (name.clone(), marker()).prop_map(|(name, marker)| End { name, marker }),
        2 => (name.clone(), any::<usize>(), partition.clone())
            .prop_map(|(name, which, partition)| ZombieAppends { name, which, partition }),
        2 => (name, any::<usize>(), marker())
            .prop_map(|(name, which, marker)| ZombieEnds { name, which, marker }),
        8 => any::<usize>().prop_map(|which| DeliverMarker { which }),
        2 => (1..60_u64).prop_map(|ms| TimePasses { ms }),
        1 => Just(CoordinatorDies),
        1 => partition.prop_map(|partition| LeaderDies { partition }),
    ]
}

proptest! {
    #![proptest_config(twophase_sim::strategies::config(2_000))]

    #[test]
    fn readers_see_exactly_the_committed_records_below_the_first_undecided_one(
        operations in vec(operation(), 1..80),
        cluster in prop_oneof![Just(Protocol::V1), Just(Protocol::V2)],
    ) {
        play(cluster, &operations);
    }
}
