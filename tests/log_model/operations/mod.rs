//! Operations on the transactional log, each played on the log and told to the model.
//!
//! Here are no strategies and no bytes: the property test and the fuzz target both play what is here.

mod model;
mod stage;

use twophase::kafka::protocol::{Marker, Protocol};

use self::stage::Stage;
pub(crate) use self::stage::{NAMES, PARTITIONS};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
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

/// Plays them all, and asks after each of them what readers see.
///
/// # Panics
/// If log and model differ.
pub(crate) fn play(cluster: Protocol, operations: &[Operation]) {
    let mut stage = Stage::new(cluster);
    for operation in operations {
        operation.play(&mut stage);
        stage.check();
    }
    stage.deliver_all();
    stage.check();
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
