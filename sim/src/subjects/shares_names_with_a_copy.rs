//! Two jobs whose transactions have the same names.
//!
//! - **Window** W4, after complete and before commit. **Found as** lost.
//! - **Seen in** FLINK-22452 and FLINK-11654: one program, submitted twice.
//!
//! A job that starts ends what its earlier incarnations have left open, and knows them by their names. What another
//! job has open under such names, and what a checkpoint of that one has promised, is ended along with it. A prefix
//! for each job keeps them apart.

use std::time::Duration;

use twophase::naming::Prefix;
use twophase::two_phase::Options;
use twophase::{
    BoxError, BoxFuture, Clock, Env, Incarnation, Job, Process, Role, Sink, StandardJob, Transactional,
    TransactionalOptions, TwoPhase,
};

use super::{exactly_once, options_for};
use crate::env::SimEnv;
use crate::schedule::Schedule;
use crate::{Anomaly, Part, Subject, Window};

/// The job, and a copy of it on the same machines. The copy has no input, so that it writes nothing; but it starts,
/// and is started again, like any other.
struct WithACopy {
    job: Box<dyn Job<SimEnv>>,
    prefix_of_the_copy: Prefix,
    started_every: Duration,
}

impl WithACopy {
    fn new(schedule: &Schedule, prefix_of_the_copy: Prefix) -> Self {
        WithACopy {
            job: Box::new(StandardJob::new(schedule.settings.clone(), exactly_once)),
            prefix_of_the_copy,
            started_every: schedule.settings.checkpoint_interval * 2,
        }
    }
}

impl Job<SimEnv> for WithACopy {
    fn start(&self, env: SimEnv) -> BoxFuture<Result<(), BoxError>> {
        if env.me().role == Role::Sink {
            env.spawn(copy(env.clone(), self.prefix_of_the_copy.clone(), self.started_every));
        }
        self.job.start(env)
    }
}

/// One sink of the copy, which counts its incarnations by itself.
async fn copy(env: SimEnv, prefix: Prefix, started_every: Duration) {
    for incarnation in (1..).map(Incarnation) {
        env.clock().sleep(started_every).await;
        let env = env.identify(Process { incarnation, ..*env.me() });
        let options = TransactionalOptions { prefix: prefix.clone(), ..options_for(&env) };
        let hooks = Transactional::new(env.clone(), env.broker().clone(), options);
        let mut sink = TwoPhase::new(hooks, env.clock().clone(), Options::default());
        let _ = sink.open(None, &[]).await; // failed or not, it is started again
    }
}

pub(super) fn subject() -> Subject {
    Subject::job("shares-names-with-a-copy", |schedule| {
        Box::new(WithACopy::new(schedule, Prefix::default())) // the mistake
    })
    .part(Part::Sink)
    .broken(Anomaly::Lost, Window::W4)
    .seen_in("T-04: FLINK-22452")
    .about("two jobs with the same transactional ids, each of which ends what the other has open")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Generator, Keep, Seed, Verdict, play};

    #[test]
    fn a_copy_with_a_prefix_of_its_own_does_no_harm() {
        let apart = Subject::job("apart", |schedule| {
            let prefix = Prefix::new("copy").expect("letters are fine");
            Box::new(WithACopy::new(schedule, prefix))
        });
        for seed in 0..200 {
            let schedule = Generator::default().schedule(Seed(seed)).expect("made-up records can be read");
            let verdict = play(&apart, &Arc::new(schedule), Keep::default()).verdict;
            assert!(matches!(verdict, Verdict::Held | Verdict::Vacuous), "seed {seed}: {verdict:?}");
        }
    }
}
