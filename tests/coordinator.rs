//! The coordinator as a machine, against a store whose answers each test chooses; and in which order its process does what
//! a machine has decided.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use twophase::coordinator::{Coordinator, Decide, Effect, End, Input};
use twophase::env::{Completed, Head, Version};
use twophase::message::{Progress, Task, ToCoordinator, ToWorker};
use twophase::{
    Address, CheckpointId, Fact, Failure, Incarnation, Life, Next, Process, Role, Settings, Snapshot,
    SourceOffset, Split, StandardJob, Term, Timestamp,
};
use twophase_sim::event::{Actor, Event, What};
use twophase_sim::site::Name;
use twophase_sim::{Keep, Schedule, Subject, play, subjects};

const WORKERS: u16 = 2;

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    /// Written, and the answer is lost.
    Unanswered,
    /// Lost, with its answer.
    Lost,
    /// Unanswered, and still under way until [`Stage::arrive`].
    Late,
}

/// One coordinator, its store, and what it has done.
struct Stage {
    coordinator: Coordinator,
    now: Timestamp,
    stored: Option<(Version, Head)>,
    fates: VecDeque<Fate>,
    late: Vec<(Option<Version>, Head)>,
    lives: [u32; WORKERS as usize],
    /// The newest one that was deployed.
    incarnation: Incarnation,
    sent: Vec<(u16, ToWorker)>,
    notes: Vec<Fact>,
    end: Option<End>,
    /// Kinds of effects in their order, for tests about order.
    order: Vec<&'static str>,
}

fn settings() -> Settings {
    Settings {
        checkpoint_interval: Duration::from_millis(100),
        checkpoint_timeout: Duration::from_millis(500),
        heartbeat_timeout: Duration::from_millis(400),
        restart_delay: Duration::from_millis(50),
        retry_backoff: Duration::from_millis(10),
        checkpoints_in_flight: 2,
        ..Settings::default()
    }
}

fn coordinator(life: u32) -> Process {
    Process {
        role: Role::Coordinator,
        index: 0,
        life: Life(life),
        parallelism: WORKERS,
        incarnation: Incarnation(0),
    }
}

impl Stage {
    /// A coordinator that has not started, over an empty store.
    fn new() -> Self {
        Stage {
            coordinator: Coordinator::new(&settings(), &coordinator(1)),
            now: Timestamp(0),
            stored: None,
            fates: VecDeque::new(),
            late: Vec::new(),
            lives: [1; WORKERS as usize],
            incarnation: Incarnation(0),
            sent: Vec::new(),
            notes: Vec::new(),
            end: None,
            order: Vec::new(),
        }
    }

    /// A coordinator whose tasks run as incarnation 1.
    fn running() -> Self {
        let mut s = Stage::new();
        s.input(Input::Started);
        s.all_report(None);
        s.all_reached(Progress::Running);
        s.clear();
        s
    }

    /// The same, with checkpoint 1 triggered.
    fn triggered() -> Self {
        let mut s = Stage::running();
        s.pass(100);
        assert_eq!(s.notes, [Fact::Triggered(CheckpointId(1))]);
        s.clear();
        s
    }

    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.coordinator.handle(self.now, input, &mut effects);
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            if let Some(answer) = self.perform(effect) {
                let mut more = Vec::new();
                self.coordinator.handle(self.now, answer, &mut more);
                effects.extend(more);
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Send(to, message) => {
                self.order.push(message.label());
                if let ToWorker::Deploy(deployment) = &message {
                    self.incarnation = deployment.incarnation;
                }
                self.sent.push((to.index, message));
            }
            Effect::Note(fact) => self.notes.push(fact),
            Effect::Stop(end) => self.end = Some(end),
            Effect::Read => return Some(Input::Read(Ok(self.stored.clone()))),
            Effect::Put { expected, head } => {
                self.order.push("put");
                return Some(Input::Put(self.put(expected, head)));
            }
        }
        None
    }

    fn put(&mut self, expected: Option<Version>, head: Head) -> Result<Version, Failure> {
        let unknown = || Err(Failure::new(Next::OutcomeUnknown, "no answer"));
        match self.fates.pop_front().unwrap_or(Fate::Answered) {
            Fate::Answered => self.apply(expected, head),
            Fate::Unanswered => self.apply(expected, head).and_then(|_| unknown()),
            Fate::Lost => unknown(),
            Fate::Late => {
                self.late.push((expected, head));
                unknown()
            }
        }
    }

    fn apply(&mut self, expected: Option<Version>, head: Head) -> Result<Version, Failure> {
        let newest = self.stored.as_ref().map(|(version, _)| *version);
        if newest != expected {
            return Err(Failure::new(Next::Fenced, "another version"));
        }
        let version = Version(newest.map_or(1, |version| version.0 + 1));
        self.stored = Some((version, head));
        Ok(version)
    }

    /// The writes that were under way arrive. Whether they were refused.
    fn arrive(&mut self) -> Vec<bool> {
        let late = std::mem::take(&mut self.late);
        late.into_iter().map(|(expected, head)| self.apply(expected, head).is_err()).collect()
    }

    /// Another coordinator, in its second life, takes over behind this one's back.
    fn usurp(&mut self) {
        let (version, head) = self.stored.clone().expect("somebody is in charge");
        let usurped = Head {
            term: Term(head.term.0 + 1),
            leader: Life(2),
            incarnation: Incarnation(head.incarnation.0 + 1),
            ..head
        };
        self.apply(Some(version), usurped).expect("nobody else writes");
    }

    fn from(&mut self, worker: u16, message: ToCoordinator) {
        let from =
            Address { role: Role::Sink, index: worker, life: Some(Life(self.lives[usize::from(worker)])) };
        self.input(Input::Message { from, message });
    }

    fn all_report(&mut self, task: Option<Task>) {
        for worker in 0..WORKERS {
            self.from(worker, ToCoordinator::Heartbeat(task));
        }
    }

    /// All tasks of the newest incarnation have come this far.
    fn all_reached(&mut self, progress: Progress) {
        let incarnation = self.incarnation;
        self.all_report(Some(Task { incarnation, progress }));
    }

    fn ack(&mut self, worker: u16, checkpoint: u64) {
        self.ack_of(worker, checkpoint, self.incarnation);
    }

    fn ack_of(&mut self, worker: u16, checkpoint: u64, incarnation: Incarnation) {
        let snapshot = Snapshot {
            resume_at: [(Split(worker), SourceOffset(10 * checkpoint))].into(),
            sink: vec![worker as u8],
        };
        let checkpoint = CheckpointId(checkpoint);
        self.from(worker, ToCoordinator::Ack { incarnation, checkpoint, snapshot });
    }

    fn ack_all(&mut self, checkpoint: u64) {
        for worker in 0..WORKERS {
            self.ack(worker, checkpoint);
        }
    }

    fn fail(&mut self, worker: u16, gave_up: bool) {
        let incarnation = self.incarnation;
        let reason = "sink failed".to_owned();
        self.from(worker, ToCoordinator::Failed { incarnation, gave_up, reason });
    }

    /// This many milliseconds pass. Workers stay audible, unless that is what a test is about.
    fn pass(&mut self, millis: u64) {
        let until = self.now.after(Duration::from_millis(millis));
        while let Some(deadline) = self.coordinator.next_deadline().filter(|&deadline| deadline <= until) {
            self.now = self.now.max(deadline);
            self.input(Input::Time);
        }
        self.now = until;
    }

    fn head(&self) -> Head {
        self.stored.clone().expect("the head was written").1
    }

    fn durable(&self) -> Option<u64> {
        self.head().completed.map(|completed| completed.id.0)
    }

    fn clear(&mut self) {
        self.sent.clear();
        self.notes.clear();
        self.order.clear();
    }

    /// The checkpoints of all messages of this kind, as they were sent to worker 0.
    fn told(&self, label: &str) -> Vec<u64> {
        let to_first = self.sent.iter().filter(|(worker, message)| *worker == 0 && message.label() == label);
        to_first
            .filter_map(|(_, message)| match message {
                ToWorker::Trigger { checkpoint, .. }
                | ToWorker::Complete { checkpoint, .. }
                | ToWorker::Aborted { checkpoint, .. } => Some(checkpoint.0),
                ToWorker::Deploy(deployment) => deployment.from.map(|from| from.0),
                ToWorker::Alive | ToWorker::Shutdown => None,
            })
            .collect()
    }

    fn was_sent(&self, label: &str) -> bool {
        self.sent.iter().any(|(_, message)| message.label() == label)
    }

    /// The incarnations that worker 0 was told to start.
    fn deployed(&self) -> Vec<u32> {
        let deployed = self.sent.iter().filter(|(worker, _)| *worker == 0);
        deployed
            .filter_map(|(_, message)| match message {
                ToWorker::Deploy(deployment) => Some(deployment.incarnation.0),
                _ => None,
            })
            .collect()
    }
}

// Taking over.

#[test]
fn a_coordinator_raises_the_term_before_it_deploys_anything() {
    let mut s = Stage::new();
    s.all_report(None);
    assert!(!s.was_sent("deploy"));
    s.input(Input::Started);
    assert_eq!((s.head().term, s.head().incarnation), (Term(1), Incarnation(1)));
    let put = s.order.iter().position(|&kind| kind == "put");
    let deploy = s.order.iter().position(|&kind| kind == "deploy");
    assert!(put < deploy && deploy.is_some(), "{:?}", s.order);
}

#[test]
fn nothing_is_deployed_before_every_worker_lives() {
    let mut s = Stage::new();
    s.input(Input::Started);
    s.from(0, ToCoordinator::Heartbeat(None));
    assert!(!s.was_sent("deploy"));
    s.from(1, ToCoordinator::Heartbeat(None));
    assert_eq!(s.deployed(), [1]);
}

#[test]
fn a_take_over_that_was_not_answered_is_recognised_by_its_life() {
    let mut s = Stage::new();
    s.fates = [Fate::Unanswered].into();
    s.input(Input::Started);
    s.all_report(None);
    assert_eq!(s.head().term, Term(1));
    assert_eq!(s.deployed(), [1]);
}

#[test]
fn two_that_start_at_once_never_share_a_term() {
    // Both read an empty store; the other, which started earlier, writes term 1 first.
    let mut s = Stage::new();
    s.coordinator = Coordinator::new(&settings(), &coordinator(2));
    let theirs = Head { term: Term(1), leader: Life(1), incarnation: Incarnation(1), ..Head::default() };
    s.fates = [Fate::Lost].into();
    s.input(Input::Started);
    s.apply(None, theirs).expect("nobody has written");
    s.pass(10);
    assert_eq!((s.head().term, s.head().leader, s.head().incarnation), (Term(2), Life(2), Incarnation(2)));
}

#[test]
fn an_older_process_that_wakes_up_late_does_not_depose_the_newer_one() {
    let mut s = Stage::new();
    let newer = Head { term: Term(3), leader: Life(2), incarnation: Incarnation(5), ..Head::default() };
    s.apply(None, newer.clone()).expect("nobody has written");
    s.input(Input::Started);
    assert_eq!(s.end, Some(End::Deposed));
    assert_eq!(s.head(), newer);
}

#[test]
fn a_new_coordinator_restores_the_newest_completed_checkpoint_and_never_reuses_its_id() {
    let mut s = Stage::new();
    let completed =
        Completed { id: CheckpointId(7), resume_at: vec![SourceOffset(3); 4], sinks: vec![vec![].into(); 2] };
    let theirs = Head {
        term: Term(1),
        leader: Life(0),
        incarnation: Incarnation(4),
        completed: Some(completed.into()),
        ended: false,
    };
    s.apply(None, theirs).expect("nobody has written");
    s.input(Input::Started);
    s.all_report(None);
    assert_eq!((s.deployed(), s.told("deploy")), (vec![5], vec![7]));
    s.all_reached(Progress::Running);
    s.pass(100);
    assert_eq!(s.told("trigger"), [8]);
}

// Completing.

#[test]
fn complete_is_said_only_after_the_checkpoint_is_durable() {
    let mut s = Stage::triggered();
    s.ack(0, 1);
    assert_eq!(s.durable(), None);
    s.ack(1, 1);
    assert_eq!(s.durable(), Some(1));
    assert_eq!(s.order, ["put", "complete", "complete"]);
    assert_eq!(s.notes, [Fact::Completed(CheckpointId(1))]);
    let offsets: Vec<u64> = s.head().completed.expect("just stored").resume_at.iter().map(|o| o.0).collect();
    assert_eq!(offsets, [10, 10, 0, 0]);
}

#[test]
fn an_ack_of_an_earlier_incarnation_never_counts() {
    let mut s = Stage::triggered();
    s.ack(0, 1);
    s.ack_of(1, 1, Incarnation(0));
    assert_eq!(s.durable(), None);
}

#[test]
fn a_late_ack_does_not_revive_an_expired_checkpoint() {
    let mut s = Stage::triggered();
    s.ack(0, 1);
    for _ in 0..5 {
        s.pass(100);
        s.all_reached(Progress::Running);
    }
    assert_eq!(s.told("aborted"), [1]);
    s.ack(1, 1);
    assert_eq!(s.durable(), None);
    assert!(!s.was_sent("complete"));
}

#[test]
fn a_newer_checkpoint_subsumes_the_older_and_makes_up_for_its_notice() {
    let mut s = Stage::triggered();
    s.pass(100);
    assert_eq!(s.told("trigger"), [2]); // both are in flight
    s.ack_all(2);
    assert_eq!((s.durable(), s.told("complete"), s.told("aborted")), (Some(2), vec![2], vec![1]));
    s.ack_all(1);
    assert_eq!(s.durable(), Some(2));
}

#[test]
fn no_more_checkpoints_are_in_flight_than_allowed() {
    let mut s = Stage::triggered();
    s.pass(250);
    assert_eq!(s.told("trigger"), [2]);
    s.ack_all(1);
    assert_eq!(s.told("trigger"), [2, 3]);
}

#[test]
fn the_next_checkpoint_is_waited_for_before_a_slot_is_free_and_not_again_if_none_is() {
    let mut s = Stage::triggered();
    s.pass(100);
    assert_eq!(s.told("trigger"), [2], "both slots are taken");
    let due = s.now.after(settings().checkpoint_interval);
    assert_eq!(s.coordinator.next_deadline(), Some(due));
    s.now = due;
    s.input(Input::Time);
    assert!(s.coordinator.next_deadline() > Some(due), "there is nothing to be done but to wait for a slot");
    s.ack_all(1);
    assert_eq!(s.told("trigger"), [2, 3]);
}

#[test]
fn a_checkpoint_that_a_task_declines_is_given_up_and_frees_its_slot() {
    let mut s = Stage::triggered();
    let incarnation = s.incarnation;
    s.from(0, ToCoordinator::Decline { incarnation, checkpoint: CheckpointId(1) });
    assert_eq!(s.told("aborted"), [1]);
    s.ack_all(1);
    assert_eq!(s.durable(), None);
}

#[test]
fn too_many_failed_checkpoints_in_a_row_restart_the_tasks() {
    let mut s = Stage::running();
    for _ in 0..30 {
        s.pass(100);
        s.all_reached(Progress::Running);
        if s.notes.contains(&Fact::Restarting(Incarnation(2))) {
            return;
        }
    }
    panic!("no restart after {:?}", s.notes);
}

// Writes that were not answered.

#[test]
fn an_unanswered_write_that_happened_completes_the_checkpoint() {
    let mut s = Stage::triggered();
    s.fates = [Fate::Unanswered].into();
    s.ack_all(1);
    assert_eq!((s.durable(), s.told("complete")), (Some(1), vec![1]));
}

#[test]
fn an_unanswered_write_that_did_not_happen_is_written_again() {
    let mut s = Stage::triggered();
    s.fates = [Fate::Lost].into();
    s.ack_all(1);
    assert_eq!((s.durable(), s.told("complete")), (None, vec![]));
    s.pass(10);
    assert_eq!((s.durable(), s.told("complete")), (Some(1), vec![1]));
}

#[test]
fn a_checkpoint_that_was_said_to_be_aborted_and_is_durable_all_the_same_is_completed() {
    let mut s = Stage::triggered();
    s.fates = vec![Fate::Late; 60].into();
    s.ack_all(1);
    for _ in 0..5 {
        s.pass(100);
        s.all_reached(Progress::Running);
    }
    assert_eq!((s.told("aborted"), s.durable()), (vec![1], None));
    s.fates.clear();
    s.late.truncate(1);
    assert_eq!(s.arrive(), [false]);
    s.clear();
    s.ack_all(2);
    assert_eq!(s.told("complete"), [1, 2]);
    assert_eq!(s.durable(), Some(2));
}

// Restarting.

#[test]
fn a_restart_draws_an_incarnation_before_it_deploys() {
    let mut s = Stage::running();
    s.fail(0, false);
    s.pass(49);
    assert_eq!(s.head().incarnation, Incarnation(1)); // backing off
    s.pass(1);
    assert_eq!(s.head().incarnation, Incarnation(2));
    let put = s.order.iter().position(|&kind| kind == "put");
    let deploy = s.order.iter().position(|&kind| kind == "deploy");
    assert!(put < deploy, "{:?}", s.order);
    assert_eq!(s.deployed(), [2]);
}

#[test]
fn a_late_write_of_an_earlier_incarnation_is_refused() {
    let mut s = Stage::triggered();
    s.fates = [Fate::Late].into();
    s.ack_all(1);
    s.fail(0, false);
    s.pass(50);
    assert_eq!(s.deployed(), [2]);
    assert_eq!(s.arrive(), [true]);
    assert_eq!(s.durable(), None);
}

#[test]
fn a_late_write_that_comes_before_the_draw_is_what_the_tasks_are_restored_from() {
    let mut s = Stage::triggered();
    s.fates = [Fate::Late].into();
    s.ack_all(1);
    s.fail(0, false);
    assert_eq!(s.arrive(), [false]);
    s.pass(50);
    assert!(s.notes.contains(&Fact::Completed(CheckpointId(1))));
    assert_eq!((s.deployed(), s.told("deploy")), (vec![2], vec![1]));
}

#[test]
fn a_new_life_of_a_worker_restarts_all_tasks() {
    let mut s = Stage::triggered();
    s.lives[1] = 2;
    s.from(1, ToCoordinator::Heartbeat(None));
    assert_eq!(s.notes, [Fact::Expired(CheckpointId(1))]);
    s.pass(50);
    assert_eq!(s.deployed(), [2]);
    s.ack_of(0, 1, Incarnation(1));
    s.ack_of(1, 1, Incarnation(1));
    assert_eq!(s.durable(), None);
}

#[test]
fn silence_of_a_worker_restarts_all_tasks_when_it_is_back() {
    let mut s = Stage::running();
    let incarnation = s.incarnation;
    for _ in 0..8 {
        s.pass(100);
        s.from(0, ToCoordinator::Heartbeat(Some(Task { incarnation, progress: Progress::Running })));
    }
    assert_eq!(s.head().incarnation, Incarnation(2));
    assert_eq!(s.deployed(), [] as [u32; 0]);
    s.from(1, ToCoordinator::Heartbeat(None));
    assert_eq!(s.deployed(), [2]);
}

#[test]
fn a_worker_that_missed_its_deployment_is_deployed_again() {
    let mut s = Stage::running();
    s.from(0, ToCoordinator::Heartbeat(None));
    assert_eq!(s.deployed(), [1]);
}

#[test]
fn a_failure_that_no_restart_repairs_stops_the_job_with_its_reason() {
    let mut s = Stage::running();
    s.fail(0, true);
    assert_eq!(s.end, Some(End::GaveUp("sink failed".into())));
    assert_eq!(s.notes, [Fact::GaveUp("sink failed".into())]);
}

// Another one in charge.

#[test]
fn a_deposed_coordinator_cannot_complete_a_checkpoint() {
    let mut s = Stage::triggered();
    s.usurp();
    s.ack_all(1);
    assert_eq!(s.end, Some(End::Deposed));
    assert_eq!((s.durable(), s.told("complete")), (None, vec![]));
    assert_eq!(s.notes, [Fact::Deposed]);
}

#[test]
fn a_deposed_coordinator_cannot_start_tasks() {
    let mut s = Stage::running();
    s.usurp();
    s.fail(0, false);
    s.pass(50);
    assert_eq!((s.end.clone(), s.deployed()), (Some(End::Deposed), vec![]));
}

// The end.

#[test]
fn the_end_of_the_input_calls_for_a_checkpoint_at_once_and_only_once() {
    let mut s = Stage::running();
    s.pass(30);
    s.all_reached(Progress::Ended);
    s.all_reached(Progress::Ended);
    assert_eq!(s.told("trigger"), [1]);
}

#[test]
fn a_lost_notice_of_the_final_checkpoint_is_made_up_for_by_the_next() {
    let mut s = Stage::running();
    s.all_reached(Progress::Ended);
    s.ack_all(1);
    s.all_reached(Progress::Ended); // nobody has heard that it is complete
    s.pass(100);
    s.ack_all(2);
    assert_eq!(s.told("complete"), [1, 2]);
}

#[test]
fn the_job_ends_durably_before_anybody_is_sent_home() {
    let mut s = Stage::running();
    s.all_reached(Progress::Ended);
    s.ack_all(1);
    s.clear();
    s.all_reached(Progress::Finished);
    assert!(s.head().ended);
    assert_eq!(&s.order[s.order.len() - 3..], ["put", "shutdown", "shutdown"]);
    s.from(0, ToCoordinator::Heartbeat(None)); // the shutdown was lost
    assert_eq!(s.order.last(), Some(&"shutdown"));
    s.from(0, ToCoordinator::Bye);
    assert_eq!(s.end, None);
    s.from(1, ToCoordinator::Bye);
    assert_eq!(s.end, Some(End::Finished));
    assert_eq!(s.notes, [Fact::Finished]);
}

#[test]
fn a_worker_that_says_no_goodbye_does_not_hold_the_end_up_for_ever() {
    let mut s = Stage::running();
    s.all_reached(Progress::Ended);
    s.ack_all(1);
    s.all_reached(Progress::Finished);
    s.from(0, ToCoordinator::Bye);
    s.pass(400);
    assert_eq!(s.end, Some(End::Finished));
}

#[test]
fn a_coordinator_that_takes_over_an_ended_job_deploys_nothing() {
    let mut s = Stage::new();
    let ended = Head { term: Term(1), ended: true, ..Head::default() };
    s.apply(None, ended).expect("nobody has written");
    s.input(Input::Started);
    s.from(0, ToCoordinator::Heartbeat(None));
    assert_eq!(s.order, ["shutdown"]);
    s.from(0, ToCoordinator::Bye);
    s.pass(400); // the other worker was gone before
    assert_eq!(s.end, Some(End::Finished));
}

/// Decides the same whatever happens: something around every question to the store, and more with its answer.
struct Recites;

impl Decide for Recites {
    fn handle(&mut self, _now: Timestamp, input: Input, effects: &mut Vec<Effect>) {
        let say = |word: &str| Effect::Note(Fact::GaveUp(word.to_owned()));
        let send = |sink, message: &ToWorker| Effect::Send(Address::sink(sink), message.clone());
        let (alive, shutdown) = (ToWorker::Alive, ToWorker::Shutdown);
        match input {
            Input::Started => effects.extend([
                say("first"),
                Effect::Read,
                send(0, &alive),
                send(1, &alive),
                send(0, &shutdown),
                Effect::Put { expected: None, head: Head::default() },
                say("before the answers"),
            ]),
            Input::Read(_) => effects.extend([say("has read"), send(1, &alive)]),
            Input::Put(_) => effects.extend([say("has written"), Effect::Stop(End::Finished)]),
            Input::Message { .. } | Input::Time => {}
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }
}

#[test]
fn what_was_decided_first_is_done_first_also_across_the_answers_of_the_store() {
    let recites = Subject::job("recites", |schedule| {
        let job = StandardJob::new(schedule.settings.clone(), subjects::exactly_once);
        Box::new(job.with_coordinator(|_, _| Recites))
    });
    let keep = Keep { history: true, ..Keep::default() };
    let history = play(&recites, &Arc::new(Schedule::calm()), keep).history.expect("it was kept");
    let by_it = |event: &Event| matches!(event.who, Actor::Process { name, .. } if name == Name::COORDINATOR);
    let done = history.events().filter(by_it);
    let done = done.filter_map(|event| match event.what {
        What::Noted(Fact::GaveUp(word)) => Some(word.clone()),
        What::Sent { to, label, .. } => Some(format!("{label} to {to}")),
        What::Put { .. } => Some("put".to_owned()),
        _ => None,
    });
    let in_order = [
        "first",
        "alive to sink-0",
        "alive to sink-1",
        "shutdown to sink-0",
        "put",
        "before the answers",
        "has read",
        "alive to sink-1",
        "has written",
    ];
    // (Once more in its next life, and so on.)
    assert_eq!(done.take(in_order.len()).collect::<Vec<_>>(), in_order);
}
