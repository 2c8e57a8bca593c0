//! A failing test keeps its failure as a file, which is replayed from then on: as `cargo test` runs a person's test,
//! in a project of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use twophase_sim::{Saved, Simulation, subjects};

/// The test of the project: of the sink that `MISTAKE` names, and of the correct one without.
#[test]
fn orders_arrive_exactly_once() {
    played().run().assert_exactly_once();
}

/// The same under a name of its own.
#[test]
fn named_otherwise() {
    played().name("my orders").run().assert_exactly_once();
}

/// Another test of the same project.
#[test]
fn invoices_arrive_exactly_once() {
    Simulation::new(subjects::exactly_once).seeds(0..20).run().assert_exactly_once();
}

/// A test that is meant to find something.
#[test]
fn a_mistake_is_found() {
    let mistake = subjects::named("fences-before-committing").expect("it is known");
    Simulation::of(mistake).seeds(0..20).run().assert_finds(twophase_sim::Anomaly::Lost);
}

fn played() -> Simulation {
    let mistake = std::env::var("MISTAKE").unwrap_or_else(|_| "kafka".to_owned());
    let mut played = subjects::named(&mistake).expect("it is known");
    played.name = "orders".to_owned();
    Simulation::of(played).seeds(0..40)
}

const MISTAKE: (&str, &str) = ("MISTAKE", "fences-before-committing");

/// A workspace with one package in it.
struct Project {
    root: TempDir,
}

impl Project {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("there is room");
        fs::create_dir_all(root.path().join("orders")).expect("it is new");
        fs::write(root.path().join("Cargo.toml"), "[workspace]\nmembers = [\"orders\"]\n")
            .expect("it is new");
        fs::write(root.path().join("orders/Cargo.toml"), "[package]\nname = \"orders\"\n")
            .expect("it is new");
        Project { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs one of the tests above as cargo would: in its package, with what cargo tells it.
    fn test(&self, name: &str, set: &[(&str, &str)]) -> Output {
        let mut test = Command::new(std::env::current_exe().expect("a test is a program"));
        test.args(["--exact", name]).current_dir(self.path("orders"));
        test.env("CARGO_MANIFEST_DIR", self.path("orders")).env_remove("CARGO_TARGET_DIR");
        test.envs(set.iter().copied()).output().expect("it starts")
    }

    fn passes(&self, name: &str, set: &[(&str, &str)]) -> String {
        let (output, said) = said(&self.test(name, set));
        assert!(output, "{said}");
        said
    }

    fn fails(&self, name: &str, set: &[(&str, &str)]) -> String {
        let (output, said) = said(&self.test(name, set));
        assert!(!output, "{said}");
        said
    }

    /// Lets the test fail, and puts what it keeps among the regressions, as it says. Returns the file there.
    fn with_regression(&self) -> PathBuf {
        let said = self.fails("orders_arrive_exactly_once", &[MISTAKE]);
        let line = said.lines().find_map(|line| line.trim().strip_prefix("keep     ")).expect("it says how");
        let kept = Command::new("sh").args(["-c", line]).current_dir(self.root.path()).status();
        assert!(kept.expect("there is a shell").success(), "{line}");
        let regressions = self.path("orders/tests/regressions");
        let file = fs::read_dir(&regressions).expect("it was made").next().expect("it was copied");
        file.expect("it can be read").path()
    }

    /// What it has written, by name.
    fn written(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.path("target/twophase")) else { return Vec::new() };
        let name = |file: std::io::Result<fs::DirEntry>| file.expect("it can be read").file_name();
        let mut names: Vec<_> = files.map(name).map(|name| name.into_string().expect("it is text")).collect();
        names.sort();
        names
    }
}

fn said(output: &Output) -> (bool, String) {
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    (output.status.success(), String::from_utf8(said).expect("it prints text"))
}

/// Changes a saved schedule, as text, at one place.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("it was written");
    assert!(text.contains(from), "{from} in:\n{text}");
    fs::write(file, text.replacen(from, to, 1)).expect("it can be written");
}

#[test]
fn a_failing_test_writes_the_smallest_schedule_and_its_picture_and_says_what_to_do_with_them() {
    let project = Project::new();
    let said = project.fails("orders_arrive_exactly_once", &[MISTAKE]);
    let [page, file] = &project.written()[..] else { panic!("{:?}", project.written()) };
    let name = file.strip_suffix(".json").expect("it is a schedule");
    assert_eq!(*page, format!("{name}.html"));
    assert!(name.starts_with("orders_arrive_exactly_once-"), "{name}");
    for line in [
        format!("  replay   TWOPHASE_REPLAY=target/twophase/{file} cargo test orders_arrive_exactly_once\n"),
        format!("  timeline target/twophase/{page}\n"),
        format!(
            "  keep     mkdir -p orders/tests/regressions && cp target/twophase/{file} orders/tests/regressions/\n"
        ),
    ] {
        assert!(said.contains(&line), "{line} in:\n{said}");
    }
    let saved = Saved::read(&project.path("target/twophase").join(file)).expect("it can be read");
    assert_eq!(
        (saved.subject.as_str(), saved.test.as_deref()),
        ("orders", Some("orders_arrive_exactly_once"))
    );
    assert_eq!(saved.expected.to_string(), "lost in W4");
    assert_eq!(saved.crashes_in, Some(twophase_sim::Window::W4));
    assert_eq!((saved.schedule.faults.len(), saved.schedule.records()), (1, 1));
}

#[test]
fn it_fails_in_the_same_place_again_and_nothing_of_anybody_else_is_touched() {
    let project = Project::new();
    project.fails("orders_arrive_exactly_once", &[MISTAKE]);
    let before = project.written();
    fs::write(project.path("target/twophase/mine"), "mine").expect("it can be written");
    fs::write(project.path("target/twophase").join(&before[0]), "my own page").expect("it can be written");
    let said = project.fails("orders_arrive_exactly_once", &[MISTAKE]);
    assert!(said.contains("no timeline: ") && said.contains("exists already"), "{said}");
    let mut expected = before.clone();
    expected.insert(0, "mine".to_owned());
    assert_eq!(project.written(), expected);
    let page = fs::read_to_string(project.path("target/twophase").join(&before[0]));
    assert_eq!(page.expect("it is there"), "my own page");
}

#[test]
fn a_name_of_its_own_overrides_the_one_of_the_test() {
    let project = Project::new();
    let said = project.fails("named_otherwise", &[MISTAKE]);
    assert!(project.written()[0].starts_with("my-orders-"), "{:?}", project.written());
    assert!(said.contains(" cargo test named_otherwise\n"), "{said}");
    let saved =
        Saved::read(&project.path("target/twophase").join(&project.written()[1])).expect("it can be read");
    assert_eq!(saved.test.as_deref(), Some("my orders"));
}

#[test]
fn a_test_that_passes_or_finds_what_it_looks_for_writes_nothing() {
    let project = Project::new();
    project.passes("orders_arrive_exactly_once", &[]);
    project.passes("a_mistake_is_found", &[]);
    assert!(!project.path("target").exists());
}

#[test]
fn what_was_kept_is_replayed_first_by_every_run_of_its_test_and_holds_once_it_is_mended() {
    let project = Project::new();
    let file = project.with_regression();
    // The seeds of this run find nothing: only the regression does.
    let calm = [MISTAKE, ("TWOPHASE_SEEDS", "1..2")];
    let said = project.fails("orders_arrive_exactly_once", &calm);
    let name = file.file_name().expect("it has one").to_str().expect("it is text");
    let told = format!("orders/tests/regressions/{name}");
    assert!(said.contains(&format!("FAIL  lost          {told}, again\n")), "{said}");
    assert!(said.contains("\n  why\n"), "{said}");
    assert!(
        said.contains(&format!("TWOPHASE_REPLAY={told} cargo test orders_arrive_exactly_once")),
        "{said}"
    );
    assert!(said.contains("FAIL   1 seeds   "), "{said}");
    let page = name.replace(".json", ".html");
    assert!(said.contains(&format!("  timeline target/twophase/{page}\n")), "{said}");
    assert_eq!(fs::read_dir(project.path("orders/tests/regressions")).expect("it is there").count(), 1);
    edit(&file, "\"anomaly\": \"lost\"", "\"anomaly\": \"duplicate\"");
    let said = project.fails("orders_arrive_exactly_once", &calm);
    assert!(said.contains(&format!("FAIL  lost          {told}, which was: duplicate in W4\n")), "{said}");
    project.passes("orders_arrive_exactly_once", &[]);
    project.passes("invoices_arrive_exactly_once", &[]);
}

#[test]
fn one_file_is_replayed_with_its_trace_in_the_test_that_it_names() {
    let project = Project::new();
    let said = project.fails("orders_arrive_exactly_once", &[MISTAKE]);
    let line = said.lines().find_map(|line| line.trim().strip_prefix("replay   TWOPHASE_REPLAY="));
    let (file, _) = line.expect("it says how").split_once(' ').expect("and in which test");
    let replay = ("TWOPHASE_REPLAY", file);
    let said = project.fails("orders_arrive_exactly_once", &[MISTAKE, replay]);
    assert!(said.contains("FAIL  lost   ") && said.contains("step        time  who"), "{said}");
    assert!(!said.contains(" seeds   "), "it plays nothing else: {said}");
    project.passes("orders_arrive_exactly_once", &[replay]);
    for (set, says) in [
        (
            &[replay][..],
            "is for the test orders_arrive_exactly_once; expected one for invoices_arrive_exactly_once",
        ),
        (&[replay, ("TWOPHASE_SEED", "1")], "expected only one of them"),
        (&[("TWOPHASE_REPLAY", "no/such/file.json")], "no/such/file.json: cannot read it"),
    ] {
        let said = project.fails("invoices_arrive_exactly_once", set);
        assert!(said.contains("environment variable TWOPHASE_") && said.contains(says), "{said}");
    }
    edit(&project.path(file), "\"subject\": \"orders\"", "\"subject\": \"invoices\"");
    let said = project.fails("orders_arrive_exactly_once", &[replay]);
    assert!(said.contains("is for the subject invoices; expected one for orders"), "{said}");
}

#[test]
fn a_regression_that_no_longer_gets_there_is_stale_and_can_be_renewed() {
    let project = Project::new();
    let file = project.with_regression();
    edit(&file, "end_txn.commit#1/", "end_txn.commit#3/");
    let stale = fs::read_to_string(&file).expect("it is there");
    let said = project.fails("orders_arrive_exactly_once", &[]);
    assert!(said.contains("FAIL  stale         orders/tests/regressions/"), "{said}");
    assert!(said.contains("no process is struck in W4 any more"), "{said}");
    assert!(said.contains("its fault never strikes any more:\n    crash sink-0 before its 3rd"), "{said}");
    let line = said.lines().find_map(|line| line.trim().strip_prefix("renew    TWOPHASE_RENEW="));
    let (told, _) = line.expect("it says how").split_once(' ').expect("and in which test");
    let renew = ("TWOPHASE_RENEW", told);
    let refused = project.fails("invoices_arrive_exactly_once", &[renew]);
    assert!(refused.contains("is for the test orders_arrive_exactly_once"), "{refused}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), stale);
    let said = project.passes("orders_arrive_exactly_once", &[renew]);
    assert!(said.contains("renewed  orders/tests/regressions/"), "{said}");
    assert!(
        said.contains("crash sink-0 before its 1st commit request") && said.contains("(was: crash"),
        "{said}"
    );
    project.passes("orders_arrive_exactly_once", &[]);
    let said = project.fails("orders_arrive_exactly_once", &[MISTAKE, ("TWOPHASE_SEEDS", "1..2")]);
    assert!(said.contains(".json, again\n"), "renewed, it still shows the mistake: {said}");
    let said = project.fails("orders_arrive_exactly_once", &[renew]);
    assert!(said.contains("there is nothing to renew"), "{said}");
}

#[test]
fn what_cannot_be_renewed_stays_as_it_is() {
    let project = Project::new();
    let file = project.with_regression();
    edit(&file, "\"sink-0/1/", "\"sink-7/1/");
    let stale = fs::read_to_string(&file).expect("it is there");
    let told = file.to_str().expect("it is text");
    let said = project.fails("orders_arrive_exactly_once", &[("TWOPHASE_RENEW", told)]);
    assert!(said.contains("nothing nearby gets where it was made for, and it is left as it is"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), stale);
}

#[test]
fn a_regression_that_nobody_could_replay_is_an_error_in_every_test_of_its_package() {
    let project = Project::new();
    let file = project.with_regression();
    let good = fs::read_to_string(&file).expect("it is there");
    for (bad, says) in [
        (good[..good.len() / 2].to_owned(), "ends in the middle"),
        (good.replace("\"heal_at\"", "\"heel_at\""), "unknown field `heel_at`"),
        (good.replace("  \"test\"", "  \"taste\""), "unknown field `taste`"),
        (
            good.replace("  \"test\": \"orders_arrive_exactly_once\",\n", ""),
            "names no test, so nobody replays it",
        ),
    ] {
        fs::write(&file, &bad).expect("it can be written");
        let said = project.fails("invoices_arrive_exactly_once", &[]);
        assert!(said.contains(&file.display().to_string()) && said.contains(says), "{says}: {said}");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), bad);
    }
    fs::write(&file, good.replace("\"subject\": \"orders\"", "\"subject\": \"bills\""))
        .expect("it can be written");
    let said = project.fails("orders_arrive_exactly_once", &[]);
    assert!(said.contains("is for the subject bills; expected one for orders"), "{said}");
    project.passes("invoices_arrive_exactly_once", &[]);
}
