//! Operations on the transactional log, as bytes. What they do, and the model, are those of the property test.

use std::mem::discriminant;

use arbitrary::{Arbitrary, Unstructured};
use twophase::kafka::protocol::{Marker, Protocol};

use crate::played::{NAMES, Operation, PARTITIONS, play};
use crate::tape::{Reader, Tape, Writer, choice, count};

/// As many as are played in a moment.
const MOST: usize = 400;

const PROTOCOLS: [Protocol; 2] = [Protocol::V1, Protocol::V2];
const MARKERS: [Marker; 2] = [Marker::Commit, Marker::Abort];

/// What happens to a log.
#[derive(Clone, Debug)]
pub struct Operations {
    /// The newest protocol that the cluster speaks.
    pub(crate) cluster: Protocol,
    pub(crate) all: Vec<Operation>,
}

impl Operations {
    /// The operations that these bytes are; there are some for any bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Operations::arbitrary(&mut Unstructured::new(bytes)).expect("no bytes are rejected")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The bytes for these operations.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tape = Writer::default();
        operations(&mut tape, &mut self.clone());
        tape.0
    }

    /// Plays them on the log and on the model.
    ///
    /// # Panics
    /// If these differ, with the operations.
    pub fn check(self) {
        let told = Told(&self);
        play(self.cluster, &self.all);
        std::mem::forget(told);
    }
}

/// Says what was played, if that ends in a panic.
struct Told<'a>(&'a Operations);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        eprintln!("played: {:#?}", self.0);
    }
}

impl<'a> Arbitrary<'a> for Operations {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut read = Operations { cluster: Protocol::V1, all: Vec::new() };
        operations(&mut Reader(bytes), &mut read);
        Ok(read)
    }
}

fn operations(tape: &mut impl Tape, Operations { cluster, all }: &mut Operations) {
    choice(tape, cluster, &PROTOCOLS);
    let mut number = 0;
    while number < MOST && tape.another(number < all.len()) {
        if number == all.len() {
            all.push(Operation::CoordinatorDies);
        }
        operation(tape, &mut all[number]);
        number += 1;
    }
}

fn operation(tape: &mut impl Tape, operation: &mut Operation) {
    let of_each_kind = of_each_kind();
    let known = of_each_kind.iter().position(|one| discriminant(one) == discriminant(operation));
    let mut kind = known.expect("there is one of each kind");
    count(tape, &mut kind, 0..=of_each_kind.len() as u64 - 1);
    if Some(kind) != known {
        *operation = of_each_kind[kind].clone();
    }
    fields(tape, operation);
}

fn fields(tape: &mut impl Tape, operation: &mut Operation) {
    const NAME: u64 = NAMES as u64 - 1;
    const PARTITION: u64 = PARTITIONS as u64 - 1;
    const WHICH: u64 = 15;
    match operation {
        Operation::Initialise { name, protocol } => {
            count(tape, name, 0..=NAME);
            choice(tape, protocol, &PROTOCOLS);
        }
        Operation::Append { name, partition } => {
            count(tape, name, 0..=NAME);
            count(tape, partition, 0..=PARTITION);
        }
        Operation::RepeatAppend { name } => count(tape, name, 0..=NAME),
        Operation::End { name, marker } => {
            count(tape, name, 0..=NAME);
            choice(tape, marker, &MARKERS);
        }
        Operation::ZombieAppends { name, which, partition } => {
            count(tape, name, 0..=NAME);
            count(tape, which, 0..=WHICH);
            count(tape, partition, 0..=PARTITION);
        }
        Operation::ZombieEnds { name, which, marker } => {
            count(tape, name, 0..=NAME);
            count(tape, which, 0..=WHICH);
            choice(tape, marker, &MARKERS);
        }
        Operation::DeliverMarker { which } => count(tape, which, 0..=WHICH),
        Operation::TimePasses { ms } => count(tape, ms, 1..=60),
        Operation::LeaderDies { partition } => count(tape, partition, 0..=PARTITION),
        Operation::CoordinatorDies => {}
    }
}

/// One of each kind, to be filled in.
fn of_each_kind() -> [Operation; 10] {
    let (name, which, partition, marker) = (0, 0, 0, Marker::Commit);
    [
        Operation::Initialise { name, protocol: Protocol::V1 },
        Operation::Append { name, partition },
        Operation::RepeatAppend { name },
        Operation::End { name, marker },
        Operation::ZombieAppends { name, which, partition },
        Operation::ZombieEnds { name, which, marker },
        Operation::DeliverMarker { which },
        Operation::TimePasses { ms: 1 },
        Operation::CoordinatorDies,
        Operation::LeaderDies { partition },
    ]
}
