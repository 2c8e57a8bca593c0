//! The transactional log against a simple model, under random requests, delayed markers, takeovers, zombies,
//! timeouts and restarts.
//!
//! After every operation a reader of committed records must see, on every partition, exactly the records of
//! committed transactions below the first undecided one, in the order they were written; and what is refused must
//! have changed nothing.

mod model;
mod stage;

use proptest::collection::vec;
use proptest::prelude::*;
use twophase::kafka::protocol::{Marker, Protocol};

use stage::{NAMES, PARTITIONS, Stage};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Operation {
    Initialise { name: usize, protocol: Protocol },
    Append { name: usize, partition: u32 },
    RepeatAppend { name: usize },
    End { name: usize, marker: Marker },
    ZombieAppends { name: usize, which: usize, partition: u32 },
    ZombieEnds { name: usize, which: usize, marker: Marker },
    DeliverMarker { which: usize },
    TimePasses { ms: u64 },
    CoordinatorDies,
    LeaderDies { partition: u32 },
}

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

impl Operation {
    fn play(&self, stage: &mut Stage) {
        match *self {
            Operation::Initialise { name, protocol } => stage.initialise(name, protocol),
            Operation::Append { name, partition } => stage.append(name, partition),
            Operation::RepeatAppend { name } => stage.repeat_append(name),
            Operation::End { name, marker } => stage.end(name, marker),
            Operation::ZombieAppends { name, which, partition } => {
                stage.zombie_appends(name, which, partition);
            }
            Operation::ZombieEnds { name, which, marker } => stage.zombie_ends(name, which, marker),
            Operation::DeliverMarker { which } => stage.deliver_marker(which),
            Operation::TimePasses { ms } => stage.time_passes(ms),
            Operation::CoordinatorDies => stage.coordinator_dies(),
            Operation::LeaderDies { partition } => stage.leader_dies(partition),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn readers_see_exactly_the_committed_records_below_the_first_undecided_one(
        operations in vec(operation(), 1..80),
        cluster in prop_oneof![Just(Protocol::V1), Just(Protocol::V2)],
    ) {
        let mut stage = Stage::new(cluster);
        for operation in &operations {
            operation.play(&mut stage);
            stage.check();
        }
        stage.deliver_all();
        stage.check();
    }
}
