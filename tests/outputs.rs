//! What is to come out of a record, and which output a visible one is, where a subject says so: each is there exactly
//! once, and nothing makes up for one that is not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use twophase::two_phase::Options;
use twophase::{
    CheckpointId, Env, Failure, Partition, Payload, Record, RecordId, Sink, SourceOffset, Split,
    Transactional, TransactionalOptions, TwoPhase,
};
use twophase_sim::subjects::{ExactlyOnce, exactly_once, options_for};
use twophase_sim::{Anomaly, Generator, Keep, Output, Report, Seed, SimEnv, Simulation, Subject, play};

/// The correct sink, which writes in place of each record whatever that gives.
struct Maps<F> {
    sink: ExactlyOnce,
    map: F,
}

impl<F: FnMut(Record) -> Vec<Record> + Send + 'static> Sink for Maps<F> {
    async fn open(&mut self, from: Option<CheckpointId>, restored: &[&[u8]]) -> Result<(), Failure> {
        self.sink.open(from, restored).await
    }

    async fn write(&mut self, record: Record) -> Result<(), Failure> {
        for output in (self.map)(record) {
            self.sink.write(output).await?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, id: CheckpointId) -> Result<Vec<u8>, Failure> {
        self.sink.snapshot(id).await
    }

    async fn complete(&mut self, id: CheckpointId) -> Result<(), Failure> {
        self.sink.complete(id).await
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.sink.finish().await
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.sink.close().await
    }
}

/// What begins with `b` goes to partition 1, everything else to partition 0.
fn by_first_letter(record: &Record, _partitions: u32) -> Partition {
    Partition(u32::from(record.payload.first() == Some(&b'b')))
}

fn mapping(map: impl Fn(Record) -> Vec<Record> + Clone + Send + Sync + 'static) -> Simulation {
    Simulation::new(move |env: SimEnv| {
        let options = TransactionalOptions { route: by_first_letter, ..options_for(&env) };
        let hooks = Transactional::new(env.clone(), env.broker().clone(), options);
        Maps { sink: TwoPhase::new(hooks, env.clock().clone(), Options::default()), map: map.clone() }
    })
    .partitions(2)
    .seeds(0..150)
}

/// The same record with these payloads.
fn with(record: &Record, payloads: &[&str]) -> Vec<Record> {
    let one =
        |payload: &&str| Record { id: record.id, payload: Payload::copy_from_slice(payload.as_bytes()) };
    payloads.iter().map(one).collect()
}

/// A sink that fans each record out to these.
fn fan_out(payloads: &'static [&'static str]) -> Simulation {
    mapping(move |record| with(&record, payloads))
}

/// Whether the record is one of every other.
fn is_odd(record: &Record) -> bool {
    record.id.offset.0 % 2 == 1
}

fn expecting<const N: usize>(outputs: [&'static str; N]) -> impl Fn(&Record) -> [&'static str; N] {
    move |_| outputs
}

/// Every seed fails like this, the calm ones too, and says so.
fn always(report: &Report, anomaly: Anomaly, says: &str) {
    let found = report.assert_finds(anomaly);
    assert!(found.finding.detail.contains(says), "{says}: {}", found.finding.detail);
    assert_eq!(report.summary().failed, report.summary().seeds, "{report}");
}

/// What it says instead of passing.
fn said(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it fails");
    *panic.downcast::<String>().expect("it says why")
}

#[test]
fn outputs_that_are_all_there_are_right_in_whatever_order_those_of_one_record_come() {
    fan_out(&["a", "b", "c"]).expect(expecting(["c", "a", "b"])).run().assert_exactly_once();
}

#[test]
fn an_output_twice_and_another_never_is_both() {
    let shifted = || fan_out(&["a", "a"]).expect(expecting(["a", "c"]));
    always(&shifted().faults(false).run(), Anomaly::Duplicate, "output 1 of 2, \"a\", of record s");
    let drops = fan_out(&["a"]).expect(expecting(["a", "c"])).faults(false).run();
    always(&drops, Anomaly::Lost, "output 2 of 2, \"c\", of record s");
    let found = drops.assert_finds(Anomaly::Lost);
    assert!(found.finding.detail.ends_with("though a durable checkpoint covers it"), "{drops}");
}

#[test]
fn outputs_that_are_alike_count_by_their_number() {
    fan_out(&["a", "a"]).expect(expecting(["a", "a"])).run().assert_exactly_once();
    let three = fan_out(&["a", "a", "a"]).expect(expecting(["a", "a"])).faults(false).run();
    always(&three, Anomaly::Duplicate, "output 2 of 2");
    let one = fan_out(&["a"]).expect(expecting(["a", "a"])).faults(false).run();
    always(&one, Anomaly::Lost, "output 2 of 2");
}

#[test]
fn an_output_that_nothing_expects_is_invented() {
    let odd = fan_out(&["a"]).expect(|record: &Record| is_odd(record).then_some("a"));
    always(&odd.faults(false).run(), Anomaly::Invented, "nothing is expected of its record");
    let other = fan_out(&["z"]).expect(expecting(["a", "c"])).faults(false).run();
    always(&other, Anomaly::Invented, "\"z\" of record s");
    always(&other, Anomaly::Invented, "its payload is another");
}

#[test]
fn a_sink_that_filters_is_right_and_one_that_filters_too_much_loses() {
    let odd = |record: &Record| is_odd(record).then_some("a");
    let filters = || mapping(|record| if is_odd(&record) { with(&record, &["a"]) } else { vec![] });
    filters().expect(odd).run().assert_exactly_once();
    always(
        &filters().expect(expecting(["a"])).faults(false).run(),
        Anomaly::Lost,
        "the output \"a\" of record s",
    );
}

#[test]
fn an_output_on_the_wrong_partition_is_invented_and_makes_up_for_nothing() {
    let both = |record: &Record| {
        let output = Output::from(record.payload.clone());
        [output.clone().on(Partition(0)), output.on(Partition(1))]
    };
    // Both copies go to the same partition, whatever that is.
    let to_one = mapping(|record| vec![record.clone(), record]).expect(both).faults(false).run();
    assert_eq!(to_one.summary().failed, to_one.summary().seeds, "{to_one}");
    to_one.assert_finds(Anomaly::Duplicate);
    let elsewhere = fan_out(&["b"]).expect(|_: &Record| [Output::from("b").on(Partition(0))]);
    always(&elsewhere.faults(false).run(), Anomaly::Invented, "it is expected on another partition");
}

/// A sink whose target has no headers: all records have the same.
fn headless(map: impl Fn(Record) -> Vec<Record> + Clone + Send + Sync + 'static) -> Simulation {
    let nobody = RecordId { split: Split(9), offset: SourceOffset(9) };
    mapping(move |record| map(record).into_iter().map(|output| Record { id: nobody, ..output }).collect())
}

fn itself(payload: &[u8]) -> Option<Vec<u8>> {
    Some(payload.to_vec())
}

#[test]
fn a_target_without_headers_is_judged_by_identities() {
    headless(|record| vec![record]).identify(itself).run().assert_exactly_once();
    headless(|record| vec![record]).run().assert_finds(Anomaly::Invented); // the header says nothing
    let twice = headless(|record| vec![record.clone(), record]).identify(itself).faults(false).run();
    always(&twice, Anomaly::Duplicate, "it is committed twice");
    let half = |record: Record| if is_odd(&record) { vec![record] } else { vec![] };
    always(&headless(half).identify(itself).faults(false).run(), Anomaly::Lost, ":0");
}

#[test]
fn what_identifies_to_nothing_is_invented() {
    let other = |record: Record| with(&record, &["other"]);
    let unknown = headless(other).identify(itself).faults(false).run();
    always(&unknown, Anomaly::Invented, "output \"other\" (written to");
    always(&unknown, Anomaly::Invented, "it identifies to nothing that is expected");
    let short = |payload: &[u8]| payload.get(..8).map(<[u8]>::to_vec);
    let none = headless(other).identify(short).faults(false).run();
    always(&none, Anomaly::Invented, "it identifies to nothing that is expected");
    // The right identity, and another payload under it.
    let cut =
        |record: Record| vec![Record { payload: Payload::copy_from_slice(&record.payload[..12]), ..record }];
    always(&headless(cut).identify(short).faults(false).run(), Anomaly::Invented, "its payload is another");
}

#[test]
fn identities_and_expected_outputs_go_together() {
    let copies = |payload: &Payload| ["x", "y"].map(|copy| [copy.as_bytes(), payload].concat());
    let writes = move |record: Record| {
        copies(&record.payload).map(|copy| Record { id: record.id, payload: copy.into() }).to_vec()
    };
    let expects = move |record: &Record| copies(&record.payload);
    headless(writes).expect(expects).identify(itself).run().assert_exactly_once();
    let first_twice = move |record| vec![writes(record)[0].clone(); 2];
    let shifted = headless(move |record: Record| first_twice(record)).expect(expects).identify(itself);
    always(&shifted.faults(false).run(), Anomaly::Duplicate, "output 1 of 2");
}

#[test]
fn two_outputs_with_one_identity_are_an_error_that_names_both() {
    let same = fan_out(&["a"]).identify(|_: &[u8]| Some(7));
    let said = said(|| drop(same.run()));
    assert!(
        said.contains("identify(..) gives 7 for the output \"") && said.contains("\" of record s0:0"),
        "{said}"
    );
    assert!(said.contains("expected an identity of its own for each"), "{said}");
    assert!(said.contains(": seed "), "{said}");
}

#[test]
fn an_expected_output_without_identity_is_an_error() {
    let none = fan_out(&["a"]).identify(|_: &[u8]| None::<u8>);
    let said = said(|| drop(none.run()));
    assert!(said.contains("identify(..) gives None for the output \""), "{said}");
}

#[test]
fn a_panic_in_what_says_what_to_expect_is_found_as_such_with_its_line() {
    let expect = |record: &Record| -> [Payload; 1] { panic!("nobody knows {}", record.id) };
    let report = fan_out(&["a"]).expect(expect).seeds(0..10).run();
    always(&report, Anomaly::Panicked, "expect(..) panicked: nobody knows s0:0\nat tests/outputs.rs:");
    let at_once = fan_out(&["a"]).identify(|_: &[u8]| -> Option<u8> { panic!("no key") }).seeds(0..10).run();
    always(&at_once, Anomaly::Panicked, "identify(..) panicked: no key\nat tests/outputs.rs:");
    let number = |payload: &[u8]| {
        assert_ne!(payload, b"z", "it is the last letter");
        Some(payload.to_vec())
    };
    let later = fan_out(&["z"]).identify(number).faults(false).run();
    always(&later, Anomaly::Panicked, "identify(..) panicked: ");
    always(&later, Anomaly::Panicked, "it is the last letter");
}

#[test]
fn a_sweep_of_which_nothing_is_to_come_out_is_vacuous() {
    let nothing = mapping(|_| vec![]).expect(|_: &Record| None::<Output>);
    let said = said(|| nothing.run().assert_exactly_once());
    assert!(said.contains("FAIL  vacuous"), "{said}");
}

#[test]
fn to_expect_what_went_in_changes_nothing() {
    let plain = mapping(|record| vec![record]).run();
    let said = mapping(|record| vec![record]).expect(|record: &Record| [record.payload.clone()]).run();
    assert_eq!(plain.summary(), said.summary());
}

#[test]
fn a_trace_names_each_output_by_the_record_it_comes_from() {
    let subject = Subject::sink("fan-out", exactly_once).identify(itself);
    let schedule = Arc::new(Generator::default().schedule(Seed(1)).unwrap());
    let outcome = play(&subject, &schedule, Keep { history: true, output: true, ..Keep::default() });
    let history = outcome.history.expect("it was kept").to_string();
    let first = schedule.input[0][0].clone();
    let text = std::str::from_utf8(&first).expect("made-up records are text");
    assert!(history.contains(&format!(": the output {text:?} of record s0:0")), "{history}");
    let output = outcome.output.expect("it was kept");
    assert_eq!(output.len(), schedule.records());
    assert_eq!(output[0].1, first);
}
