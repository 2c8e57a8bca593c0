//! An opaque process, which only uses the traits: it is judged like everybody else, and the report says what could not be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use twophase::env::{Completed, Head, Key, Value};
use twophase::{
    BoxError, Broker, CheckpointId, CheckpointStore, Env, Fact, Partition, Source, SourceOffset, Split,
    Transaction, TransactionalId,
};
use twophase_sim::fault::FaultKind;
use twophase_sim::{Anomaly, Report, SimEnv, Simulation, Subject};

/// Reads everything, writes it in one transaction, and commits that. Right only if nothing ever goes wrong.
async fn all_at_once(env: SimEnv) -> Result<(), BoxError> {
    let me = *env.me();
    let name = TransactionalId::new(format!("all-{}", me.index));
    let mut transaction = env.broker().begin(&name).await?;
    for split in (me.index..env.schedule().settings.splits).step_by(me.parallelism.into()) {
        let mut source = env.source(Split(split));
        while let Some(record) = source.next().await? {
            transaction.append(Partition(0), record).await?;
        }
    }
    let handle = transaction.pre_commit().await?;
    for result in env.broker().commit(&[handle], &[]).await {
        result?;
    }
    Ok(())
}

fn calm(subject: Subject) -> Report {
    Simulation::of(subject).faults(false).seeds(0..40).run()
}

/// Every seed fails like this, and says so.
fn always(report: &Report, anomaly: Anomaly, says: &str) {
    let found = report.assert_finds(anomaly);
    assert!(found.finding.detail.contains(says), "{says}: {report}");
    assert_eq!(report.summary().failed, report.summary().seeds, "{report}");
}

#[test]
fn a_process_that_is_done_may_end() {
    calm(Subject::process("all", all_at_once)).assert_exactly_once();
}

#[test]
fn a_process_that_begins_anew_after_each_crash_writes_everything_twice() {
    Simulation::process(all_at_once).seeds(0..200).run().assert_finds(Anomaly::Duplicate);
}

#[test]
fn one_that_ends_too_early_loses_what_it_has_not_written() {
    always(&calm(Subject::process("idle", |_| async { Ok(()) })), Anomaly::Lost, "record s0:0");
}

#[test]
fn one_that_always_gives_up_is_stuck_and_its_last_words_are_told() {
    let gives_up = Subject::process("gives-up", |_| async { Err("no such table".into()) });
    always(&calm(gives_up), Anomaly::Stuck, "gave up, saying: no such table");
}

#[test]
fn one_that_never_ends_is_stuck_though_all_has_arrived() {
    let stays = Subject::process("stays", |env: SimEnv| async move {
        all_at_once(env).await?;
        std::future::pending().await
    });
    always(&calm(stays), Anomaly::Stuck, "sink-0 has not ended");
}

#[test]
fn commits_are_bound_to_checkpoints_only_where_that_is_said() {
    let bound = Subject::process("all", all_at_once).commits_at_checkpoints();
    always(&calm(bound), Anomaly::Premature, "no durable checkpoint covers it");
}

#[test]
fn what_cannot_be_told_of_a_process_that_notes_nothing_stands_in_the_report() {
    let report = calm(Subject::process("all", all_at_once)).to_string();
    for line in [
        "W2          -            crash after pre-commit, before the ack: not seen, nobody notes Fact::PreCommitted",
        "W6          -            crash during restore: not seen, nobody notes Fact::Restoring",
        "not checked  premature commits: commits are not bound to checkpoints here",
        "transactions left open over a restore: nobody notes Fact::Restoring",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

#[test]
fn what_it_notes_and_writes_down_can_be_told() {
    let notes = Subject::process("notes", |env: SimEnv| async move {
        env.note(Fact::Restoring(env.me().incarnation, None));
        let nothing = vec![SourceOffset(0); env.schedule().settings.splits.into()];
        let completed = Completed { id: CheckpointId(1), resume_at: nothing, sinks: vec![] };
        let head = Value::Head(Head { completed: Some(Arc::new(completed)), ..Head::default() });
        // Of several processes only the first one is in time.
        let _ = env.store().put(&Key::Head, None, head).await;
        all_at_once(env).await
    });
    let report = calm(notes).to_string();
    assert!(!report.contains("nobody notes Fact::Restoring"), "{report}");
    assert!(!report.contains("no checkpoint is written"), "{report}");
    assert!(report.contains("nobody notes Fact::PreCommitted"), "{report}");
}

#[test]
fn a_sweep_in_which_nothing_happens_to_the_processes_is_vacuous() {
    let all = Simulation::process(all_at_once).only(&[FaultKind::SlowMarkers]).seeds(0..40);
    let said = catch_unwind(AssertUnwindSafe(|| all.run().assert_exactly_once())).expect_err("it fails");
    let said = said.downcast::<String>().expect("it says why");
    assert!(said.contains("FAIL  vacuous") && said.contains("not seen, nobody notes"), "{said}");
}
