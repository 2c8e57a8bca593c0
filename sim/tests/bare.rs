//! Without the sandbox the standard `HashMap` has another order each time. Where the order matters, that is found.
#![cfg(not(madsim))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use twophase::{Env, Fact};
use twophase_sim::subjects::exactly_once;
use twophase_sim::{SimEnv, Simulation};

#[test]
#[expect(clippy::disallowed_types, reason = "this is what a stranger's code may do")]
fn a_sink_that_depends_on_the_order_of_a_hash_map_is_not_deterministic() {
    let iterates = |env: SimEnv| {
        let map: std::collections::HashMap<u64, ()> = (0..64).map(|key| (key, ())).collect();
        env.note(Fact::GaveUp(format!("{:?}", map.keys().take(4).collect::<Vec<_>>())));
        exactly_once(env)
    };
    let report = Simulation::new(iterates).seeds(0..1).run();
    assert_eq!(report.summary().replayed, 1);
    let said = catch_unwind(AssertUnwindSafe(|| report.assert_exactly_once())).expect_err("it fails");
    let said = said.downcast::<String>().expect("it says why");
    for part in ["FAIL  not deterministic  seed 0", "\n  first   ", "\n  second  ", "gives up: ["] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}
