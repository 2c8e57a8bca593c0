//! Many seeds: what a sweep adds up to, and what is said of it.

#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use crate::support::start;
use crate::support::{FLIGHTS, code, held, json, stdout, twophase};

/// The check of everything also runs this bare, where the last lines have to be there.
#[test]
fn a_report_ends_with_what_turns_the_sandbox_on_where_it_is_off() {
    let printed = held(&["run", "--seeds", "0..20"]);
    let last: Vec<_> = printed.lines().rev().take(4).collect();
    if twophase_sim::SANDBOXED {
        assert!(!printed.contains("virtualised"), "{printed}");
        return;
    }
    assert!(
        last[3].starts_with("note: standard clocks, entropy and threads were not virtualised"),
        "{printed}"
    );
    let lines =
        [r#"  rustdocflags = ["--cfg", "madsim"]"#, r#"  rustflags = ["--cfg", "madsim"]"#, "  [build]"];
    assert_eq!(last[..3], lines, "{printed}");
}

#[test]
fn a_sweep_prints_what_it_adds_up_to() {
    let printed = held(&["run", "--seeds", "0..300"]);
    assert!(printed.starts_with("ok   300 seeds   "), "{printed}");
    for part in ["0 anomalies", "histories per second", "crash ", "never struck", "W1 ", "W8 ", "held "] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn a_summary_for_programs_is_one_object() {
    let all = json(&held(&["run", "--seeds", "0x10..0x74", "--json"]));
    assert_eq!(all["seeds"]["from"], 16);
    assert_eq!(all["seeds"]["played"], 100);
    assert_eq!(all["played_twice"], 1);
    assert_eq!(all["exit"], 0);
    let count = |name: &str| all["verdicts"][name].as_u64().expect("a count");
    assert_eq!(count("held") + count("vacuous") + count("fail_stop") + count("failed"), 100);
    assert!(all["windows"]["W1"].as_u64().unwrap() > 0);
    assert!(all["faults"]["crash"].as_u64().unwrap() > 0);
}

#[test]
fn a_sweep_does_not_depend_on_the_number_of_threads() {
    let on = |jobs| {
        let mut words = vec!["run", "--settings", "unsafe", "--seeds", "0..400", "--jobs", jobs, "--json"];
        words.extend(["--shrink-budget", "0"]);
        let mut all = json(&stdout(&twophase(&words)));
        let fields = all.as_object_mut().expect("it is an object");
        for of_the_wall_clock in ["elapsed_seconds", "histories_per_second"] {
            assert!(fields.remove(of_the_wall_clock).is_some());
        }
        all
    };
    assert_eq!(on("1"), on("3"));
}

#[test]
fn digests_come_in_the_order_of_the_seeds_whatever_the_number_of_threads() {
    let one = held(&["digest", "--seeds", "95..205", "--jobs", "1"]);
    assert_eq!(one, held(&["digest", "--seeds", "95..205", "--jobs", "2"]));
    let lines: Vec<_> = one.lines().map(|line| line.split_once(' ').expect("two words")).collect();
    assert!(lines.iter().map(|(seed, _)| seed.parse()).eq((95..205_u64).map(Ok)));
    assert!(lines.iter().all(|(_, digest)| digest.len() == 16 && u64::from_str_radix(digest, 16).is_ok()));
}

#[test]
fn a_sweep_over_real_records_holds() {
    assert!(held(&["run", "--input", FLIGHTS, "--seeds", "0..200"]).starts_with("ok   200 seeds"));
}

#[test]
fn a_sweep_without_faults_is_vacuous_on_purpose() {
    let all = json(&held(&["run", "--faults", "off", "--seeds", "0..50", "--json"]));
    assert_eq!(all["verdicts"]["vacuous"], 50);
}

#[test]
fn a_sweep_that_shows_nothing_fails() {
    let is_vacuous = |seed: &u64| {
        let printed = held(&["run", "--seed", &seed.to_string(), "--json"]);
        json(&printed)["verdict"] == "vacuous"
    };
    let seed = (0..200).find(is_vacuous).expect("one seed in a few is vacuous");
    let output = twophase(&["run", "--seeds", &format!("{seed}..{}", seed + 1)]);
    let said = stdout(&output);
    assert_eq!(code(&output), 5, "{said}");
    for part in [
        "vacuous: no seed entered any crash window",
        "\n  windows never entered\n    W1   crash before pre-commit\n",
        "\n  calls at which no process was ever killed, by phase\n",
        "\n    end_txn.commit   before sent applied answered received\n",
        "\n  calls that the job never made\n    ",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    let output = twophase(&["run", "--seeds", &format!("{seed}..{}", seed + 1), "--json"]);
    assert_eq!(code(&output), 5);
    let all = json(&stdout(&output));
    assert_eq!(all["never_crashed_at"]["end_txn.commit"].as_array().map(Vec::len), Some(5));
    assert!(
        all["never_called"].as_array().is_some_and(|calls| calls.contains(&"add_offsets".into())),
        "{all}"
    );
    assert_eq!(all["never_crashed_at"]["add_offsets"], serde_json::Value::Null);
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_says_what_it_has_so_far() {
    use std::io::{BufRead, BufReader};

    let mut child = start(&["run", "--seeds", "0..1000000000000"]);
    // It says that it plays once it can be interrupted.
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut heading = String::new();
    said.read_line(&mut heading).expect("it says what it plays");
    assert!(heading.starts_with("playing seeds 0..1000000000000 of kafka"), "{heading}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("there is a kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130);
    assert!(stdout(&output).starts_with("interrupted   "), "{}", stdout(&output));
}

#[test]
fn settings_outside_the_safe_rule_lose_and_the_setting_is_named() {
    let output = twophase(&["run", "--settings", "unsafe", "--seeds", "0..400", "--shrink-budget", "0"]);
    let printed = stdout(&output);
    assert_eq!(code(&output), 2, "{printed}");
    let lost = printed.split("FAIL  ").find(|part| part.starts_with("lost") && part.contains("window W8"));
    let lost = lost.expect("something is lost");
    assert!(lost.contains("allowed by transaction_timeout = "), "{lost}");
    let mut lines = lost.lines().filter_map(|line| line.trim_start().strip_prefix("replay   "));
    let replay = lines.next().expect("a line replays it");
    let mut words = replay.split(' ').skip(1).collect::<Vec<_>>();
    assert_eq!(words[..4], ["run", "--subject", "kafka", "--seed"], "{replay}");
    words.push("--json");
    let again = twophase(&words);
    assert_eq!(code(&again), 2);
    assert_eq!(json(&stdout(&again))["failure"]["anomaly"], "lost");
}
