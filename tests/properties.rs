//! What holds of every schedule, whichever it is.

use std::sync::Arc;

use proptest::prelude::*;
use twophase_sim::{Generator, Keep, Outcome, Schedule, Seed, Verdict, play, strategies, subjects};

fn schedule(seed: u64) -> Schedule {
    Generator::default().schedule(Seed(seed)).expect("made-up records can always be read")
}

fn outcome(schedule: Schedule, keep: Keep) -> Outcome {
    play(&subjects::named("kafka").expect("the correct job is there"), &Arc::new(schedule), keep)
}

fn holds(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous)
}

proptest! {
    #![proptest_config(strategies::config(200))]

    /// A fault whose moment never comes does no harm, so shrinking is deletion.
    #[test]
    fn every_part_of_a_schedule_is_a_schedule(seed in any::<u64>(), kept in any::<u32>()) {
        let mut part = schedule(seed);
        let mut number = 0;
        part.faults.retain(|_| {
            number += 1;
            kept >> (number % 32) & 1 == 1
        });
        prop_assert!(holds(&outcome(part, Keep::default())));
    }

    /// What is committed is the input: each record once, with its own payload.
    #[test]
    fn the_output_is_the_input(seed in any::<u64>()) {
        let schedule = schedule(seed);
        let input: Vec<_> = schedule.input.concat();
        let output = outcome(schedule, Keep { output: true, ..Keep::default() }).output.expect("it was kept");
        prop_assert_eq!(output.into_iter().map(|(_, payload)| payload).collect::<Vec<_>>(), input);
    }

    /// A run is a function of its schedule, whatever is kept of it.
    #[test]
    fn the_same_schedule_gives_the_same_digest(seed in any::<u64>()) {
        let plain = outcome(schedule(seed), Keep::default());
        let recorded = outcome(schedule(seed), Keep { history: true, output: true, digests: true });
        prop_assert_eq!(plain.digest, recorded.digest);
        prop_assert_eq!(plain.verdict, recorded.verdict);
        prop_assert_eq!(recorded.digests.and_then(|digests| digests.last().copied()), Some(plain.digest));
    }

    /// A saved schedule is the whole of it.
    #[test]
    fn a_schedule_survives_being_written_down(seed in any::<u64>()) {
        let original = schedule(seed);
        let text = serde_json::to_string(&original).expect("a schedule can be written");
        let read: Schedule = serde_json::from_str(&text).expect("and read");
        prop_assert_eq!(&read, &original);
    }

    /// Two seeds are two histories.
    #[test]
    fn different_seeds_give_different_digests(seed in any::<u64>()) {
        let (one, other) = (outcome(schedule(seed), Keep::default()), outcome(schedule(seed ^ 1), Keep::default()));
        prop_assert_ne!(one.digest, other.digest);
    }
}
