//! A worker that is given a newer incarnation makes nothing of it before the older attempt is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use twophase::{CheckpointId, Env, Failure, Life, Record, Sink};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{Generator, Keep, Seed, SimEnv, Subject, Verdict, play};

/// For each life of a worker, how many sinks it has had, and whether there is one now.
type Lives = Arc<Mutex<BTreeMap<(u16, Life), (u32, bool)>>>;

/// The correct sink, which panics if there is another one in the same life of its worker.
struct Alone {
    correct: ExactlyOnce,
    lives: Lives,
    me: (u16, Life),
}

impl Alone {
    fn new(env: SimEnv, lives: Lives) -> Self {
        let me = (env.me().index, env.me().life);
        let mut all = lives.lock().expect("nobody panics with it");
        let (sinks, there) = *all.entry(me).or_default();
        if !there {
            all.insert(me, (sinks + 1, true));
        }
        drop(all);
        assert!(!there, "the sink before this one is still there");
        Alone { correct: exactly_once(env), lives, me }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let mut all = self.lives.lock().expect("nobody panics with it");
        all.entry(self.me).and_modify(|(_, there)| *there = false);
    }
}

impl Sink for Alone {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.correct.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        self.correct.write(record).await
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.correct.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.correct.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.correct.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.correct.close().await
    }
}

#[test]
fn a_life_of_a_worker_has_one_sink_at_a_time_however_often_it_is_deployed() {
    let mut again = 0;
    for seed in (0..200).map(Seed) {
        let lives = Lives::default();
        let its = lives.clone();
        let subject = Subject::sink("alone", move |env: SimEnv| Alone::new(env, its.clone()));
        let schedule = Generator::default().schedule(seed).expect("made-up records can always be read");
        let outcome = play(&subject, &Arc::new(schedule), Keep::default());
        assert!(!matches!(outcome.verdict, Verdict::Failed(_)), "{seed}: {:?}", outcome.verdict);
        let lives = lives.lock().expect("nobody panics with it");
        again += lives.values().filter(|&&(sinks, _)| sinks > 1).count();
        assert!(lives.values().all(|&(_, there)| !there), "{seed}: what is left is dropped with its process");
    }
    assert!(again > 100, "only {again} lives of workers had more than one sink");
}
