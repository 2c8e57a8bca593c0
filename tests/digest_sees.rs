//! A digest means something: whatever is stored otherwise, said otherwise or in another order changes it, also where
//! every answer stays the same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use twophase::coordinator::{Coordinator, Decide, Effect as Decision, Input};
use twophase::env::{Key, Value};
use twophase::kafka::protocol::{ErrorCode, InitProducerId, LogOffset, ProducerId, Request, Response};
use twophase::{
    BoxError, BoxFuture, CheckpointStore, Env, Fact, Job, Partition, Role, StandardJob, Timestamp,
};
use twophase_sim::log::{Aborted, Effect, Entry, Log, MarkerWrite, TransactionMetadata, TransactionalLog};
use twophase_sim::subjects::{ExactlyOnce, exactly_once};
use twophase_sim::{Generator, Keep, Outcome, Schedule, Seed, SimEnv, Subject, Verdict, play};

const SEEDS: [u64; 4] = [1, 2, 5, 40];

type Correct = StandardJob<fn(SimEnv) -> ExactlyOnce>;

fn correct(schedule: &Schedule) -> Correct {
    StandardJob::new(schedule.settings.clone(), exactly_once as fn(SimEnv) -> ExactlyOnce)
}

fn played(subject: &Subject, seed: u64) -> Outcome {
    let schedule = Generator::default().schedule(Seed(seed)).expect("made-up records can always be read");
    let keep = Keep { history: true, digests: true, ..Keep::default() };
    play(subject, &Arc::new(schedule), keep)
}

/// As many events as there are before the first that differs, and how that one prints.
fn first_difference(one: &Outcome, other: &Outcome) -> (usize, Option<String>) {
    let digests = |outcome: &Outcome| outcome.digests.clone().expect("they were kept");
    let (one_by_one, others) = (digests(one), digests(other));
    let same = one_by_one.iter().zip(&others).take_while(|(one, other)| one == other).count();
    (same, other.history.as_ref().and_then(|history| history.line(same)))
}

/// Both hold, with as many events, and have different digests: for each seed where they first differ.
#[track_caller]
fn differ(plain: &Subject, changed: &Subject) -> Vec<(Outcome, usize, Option<String>)> {
    let one = |seed| {
        let (one, other) = (played(plain, seed), played(changed, seed));
        for outcome in [&one, &other] {
            assert!(
                matches!(outcome.verdict, Verdict::Held | Verdict::Vacuous),
                "seed {seed}: {:?}",
                outcome.verdict
            );
        }
        assert_eq!(one.events, other.events, "seed {seed}: no answer was another");
        assert_ne!(one.digest, other.digest, "seed {seed} has the same digest");
        let (same, line) = first_difference(&one, &other);
        (other, same, line)
    };
    SEEDS.map(one).into()
}

/// A broker that answers what is right, and stores something else besides.
struct StoresOtherwise {
    right: TransactionalLog,
    stored: TransactionalLog,
    /// Of each partition, with one line more: of a producer that has written nothing.
    aborted: Vec<Vec<Aborted>>,
    otherwise: Otherwise,
    initialised: bool,
}

/// What is stored otherwise.
#[derive(Clone, Copy, PartialEq)]
enum Otherwise {
    Nothing,
    /// The timeout of the first transaction.
    Timeout,
    /// An offset in that line.
    Offset,
}

impl StoresOtherwise {
    fn subject(otherwise: Otherwise) -> Subject {
        Subject::job("stores", |schedule| Box::new(correct(schedule))).with_log(move |settings| {
            let right = TransactionalLog::new(settings);
            let mut log = StoresOtherwise {
                stored: right.clone(),
                right,
                aborted: vec![Vec::new(); settings.partitions as usize],
                otherwise,
                initialised: false,
            };
            log.list_aborted();
            Box::new(log)
        })
    }

    /// The same request with one field changed, if this is the moment.
    fn as_stored(&mut self, request: &Request) -> Request {
        let Request::InitProducerId(init) = request else {
            return request.clone();
        };
        let changes = !self.initialised && self.otherwise == Otherwise::Timeout;
        self.initialised = true;
        let more = Duration::from_millis(changes.into());
        Request::InitProducerId(InitProducerId { timeout: init.timeout + more, ..init.clone() })
    }

    fn list_aborted(&mut self) {
        // Behind all others: they are in the order of their markers.
        let last = LogOffset(u64::MAX - u64::from(self.otherwise == Otherwise::Offset));
        let more = Aborted { producer: ProducerId(999), first: LogOffset(u64::MAX - 2), last };
        for (index, list) in self.aborted.iter_mut().enumerate() {
            *list = self.right.aborted(Partition(index as u32)).to_vec();
            list.push(more);
        }
    }
}

impl Log for StoresOtherwise {
    fn apply(&mut self, now: Timestamp, request: &Request, effects: &mut Vec<Effect>) -> Response {
        let as_stored = self.as_stored(request);
        self.stored.apply(now, &as_stored, &mut Vec::new());
        self.right.apply(now, request, effects)
    }
    fn write_marker(
        &mut self,
        now: Timestamp,
        write: &MarkerWrite,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        let _ = self.stored.write_marker(now, write, &mut Vec::new());
        let written = self.right.write_marker(now, write, effects);
        self.list_aborted();
        written
    }
    fn sweep(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.stored.sweep(now, &mut Vec::new());
        self.right.sweep(now, effects);
    }
    fn reload(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.stored.reload(now, &mut Vec::new());
        self.right.reload(now, effects);
    }
    fn restart(&mut self, partition: Partition) {
        self.stored.restart(partition);
        self.right.restart(partition);
    }
    fn partitions(&self) -> u32 {
        self.right.partitions()
    }
    fn log_end_offset(&self, partition: Partition) -> LogOffset {
        self.right.log_end_offset(partition)
    }
    fn last_stable_offset(&self, partition: Partition) -> LogOffset {
        self.right.last_stable_offset(partition)
    }
    fn entries(&self, partition: Partition, from: LogOffset) -> &[Entry] {
        self.right.entries(partition, from)
    }
    fn aborted(&self, partition: Partition) -> &[Aborted] {
        &self.aborted[partition.0 as usize]
    }
    fn transactions(&self) -> &[TransactionMetadata] {
        self.stored.transactions()
    }

    fn changes(&self) -> u64 {
        self.stored.changes()
    }
}

#[test]
fn one_field_of_one_transaction_that_the_broker_stores_changes_the_digest_with_the_request_that_stored_it() {
    let stores = StoresOtherwise::subject;
    for (_, _, line) in differ(&stores(Otherwise::Nothing), &stores(Otherwise::Timeout)) {
        let line = line.expect("an event differs");
        assert!(line.contains(" init "), "{line}");
    }
}

#[test]
fn one_field_that_the_broker_stores_and_nobody_asks_for_changes_the_digest_at_the_end() {
    let stores = StoresOtherwise::subject;
    for (outcome, same, line) in differ(&stores(Otherwise::Nothing), &stores(Otherwise::Offset)) {
        assert_eq!((same as u64, line), (outcome.events, None), "all events are alike");
    }
}

/// The correct job, whose coordinator keeps a value besides, and whose sinks say two things when they start.
struct Besides {
    correct: Correct,
    keeps: &'static [u8],
    says: [&'static str; 2],
}

impl Job<SimEnv> for Besides {
    fn start(&self, env: SimEnv) -> BoxFuture<Result<(), BoxError>> {
        match env.me().role {
            Role::Coordinator => {
                let (kept, value) = (env.clone(), Value::Bytes(Bytes::from_static(self.keeps)));
                env.spawn(async move {
                    let _ = kept.store().put(&Key::Named("besides".to_owned()), None, value).await;
                });
            }
            Role::Sink => self.says.iter().for_each(|word| env.note(Fact::GaveUp((*word).to_owned()))),
        }
        self.correct.start(env)
    }
}

fn besides(keeps: &'static [u8], says: [&'static str; 2]) -> Subject {
    Subject::job("besides", move |schedule| Box::new(Besides { correct: correct(schedule), keeps, says }))
}

#[test]
fn one_byte_of_a_value_in_the_checkpoint_store_changes_the_digest_with_the_write() {
    for (_, _, line) in differ(&besides(b"value", ["a", "b"]), &besides(b"valve", ["a", "b"])) {
        let line = line.expect("an event differs");
        assert!(line.contains("coord") && line.contains("puts besides (5 bytes)"), "{line}");
    }
}

#[test]
fn two_events_that_change_places_change_the_digest_with_the_first_of_them() {
    for (_, _, line) in differ(&besides(b"value", ["a", "b"]), &besides(b"value", ["b", "a"])) {
        let line = line.expect("an event differs");
        assert!(line.contains("sink-0") && line.ends_with("gives up: b"), "{line}");
    }
}

/// A coordinator that, when the job has ended and nobody reads it any more, writes this life into its last head.
struct Signs(Coordinator, u32);

impl Decide for Signs {
    fn handle(&mut self, now: Timestamp, input: Input, effects: &mut Vec<Decision>) {
        self.0.handle(now, input, effects);
        for effect in effects {
            match effect {
                Decision::Put { head, .. } if head.ended => head.leader.0 += self.1,
                _ => {}
            }
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.0.next_deadline()
    }
}

#[test]
fn one_field_of_the_head_in_the_checkpoint_store_changes_the_digest_with_the_write() {
    let signs = |more| {
        Subject::job("signs", move |schedule| {
            let signs = move |settings: &_, me: &_| Signs(Coordinator::new(settings, me), more);
            Box::new(correct(schedule).with_coordinator(signs))
        })
    };
    for (_, _, line) in differ(&signs(0), &signs(1_000)) {
        let line = line.expect("an event differs");
        assert!(line.contains("puts head"), "{line}");
    }
}
