//! Histories are drawn.

use crate::support::{code, fences, held, json, refused, stdout, text, twophase, with};

/// A failing seed, drawn in every way.
#[test]
fn a_history_is_drawn_as_a_page_a_trace_and_text() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (page, trace, saved) = (at("a.html"), at("a.trace.json"), at("a.json"));
    let words =
        ["--save", text(&saved), "--timeline", text(&page), "--chrome", text(&trace), "--shrink-budget", "0"];
    assert_eq!(code(&twophase(&with(&fences(), &words))), 2);
    let page = std::fs::read_to_string(&page).unwrap();
    for address in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(address), "the page needs nothing else, and has {address}");
    }
    assert_eq!(page.matches("</script>").count(), 2, "the model and the script");
    is_a_trace(&json(&std::fs::read_to_string(&trace).unwrap()));

    let shown = |words: &[&str]| {
        let output = twophase(&[&["show", text(&saved)], words].concat());
        assert_eq!(code(&output), 2, "{words:?}");
        stdout(&output)
    };
    for width in [60, 100, 200] {
        let lines = shown(&["--width", &width.to_string()]);
        let (_, lines) = lines.split_once("step  ").expect("the lanes stand above the steps");
        let widest = lines.lines().skip(1).map(|line| line.chars().count()).max();
        assert!(widest <= Some(width.max(84)), "{widest:?} of {width}"); // lanes and 24 columns are the least
        assert!(lines.lines().any(|line| line.starts_with(">>")), "the step is marked");
    }
    let all = shown(&["--width", "120"]).lines().count();
    let way = shown(&["--width", "120", "--record", "s2:0"]);
    assert!(way.contains("produce s2:0") && way.lines().count() < all / 2, "{way}");
}

/// Chrome's trace format: which phases there are, that what begins ends, and that arrows have two ends.
fn is_a_trace(trace: &serde_json::Value) {
    let events = trace["traceEvents"].as_array().expect("it has events");
    let (mut now, mut open) = (0, std::collections::BTreeMap::new());
    let (mut named, mut ends) = (std::collections::BTreeSet::new(), 0);
    for event in events {
        assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
        let phase = event["ph"].as_str().expect("a phase");
        let key = (event["cat"].to_string(), event["id"].to_string(), event["id2"].to_string());
        if phase == "M" {
            named.extend([(event["pid"].to_string(), event["tid"].to_string())]);
            continue;
        }
        let at = event["ts"].as_u64().expect("a time");
        assert!(at >= now, "sorted by time: {event}");
        now = at;
        assert!(named.contains(&(event["pid"].to_string(), event["tid"].to_string())), "unnamed: {event}");
        match phase {
            "X" => assert!(event["dur"].is_u64(), "{event}"),
            "i" => assert!(["g", "p", "t"].contains(&event["s"].as_str().unwrap_or("")), "{event}"),
            "b" | "s" => assert_eq!(open.insert(key, at), None, "begins twice: {event}"),
            "n" => assert!(open.contains_key(&key), "not begun: {event}"),
            "e" | "f" => {
                assert!(open.remove(&key).is_some_and(|began| began <= at), "not begun: {event}");
                ends += 1;
            }
            other => panic!("{other} is no phase that is written: {event}"),
        }
    }
    assert!(open.is_empty(), "never ends: {open:?}");
    assert!(ends > 20 && now > 0);
}

#[test]
fn a_failure_is_drawn_beside_its_saved_schedule_and_over_nothing_but_another_drawing() {
    let directory = tempfile::tempdir().unwrap();
    let (saved, page) = (directory.path().join("a.json"), directory.path().join("a.html"));
    let save = || stdout(&twophase(&with(&fences(), &["--save", text(&saved), "--shrink-budget", "0"])));
    assert!(save().contains(&format!("     timeline {}\n", text(&page))));
    let first = std::fs::read_to_string(&page).unwrap();
    std::fs::remove_file(&saved).unwrap();
    std::fs::write(&page, first.replace("W4", "W9")).unwrap();
    assert!(save().contains("     timeline "));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), first, "an older drawing is renewed");

    std::fs::remove_file(&saved).unwrap();
    std::fs::write(&page, "mine").unwrap();
    assert!(save().contains("a.html: exists already"));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "mine");
    assert!(saved.exists(), "the schedule is saved all the same");
    let held_page = directory.path().join("7.html");
    held(&["run", "--seed", "7", "--save", text(&directory.path().join("7.json"))]);
    assert!(!held_page.exists(), "what holds is not drawn unasked");
}

#[test]
fn pictures_that_cannot_be_drawn_are_refused_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (saved, there) = (directory.path().join("a.json"), directory.path().join("there"));
    held(&["run", "--seed", "7", "--save", text(&saved)]);
    std::fs::write(&there, "mine").unwrap();
    let nowhere = directory.path().join("no/such/directory/a.html");
    for flag in ["--timeline", "--chrome"] {
        for command in [&["replay", text(&saved)], &["show", text(&saved)], &["run", "--seed=7"]] {
            let words = |path| [&command[..], &[flag, path]].concat();
            assert!(refused(&words(text(&there))).contains("there: exists already"));
            assert!(refused(&words(text(&nowhere))).contains("cannot be written"));
        }
        assert!(refused(&["run", "--seeds", "0..9", flag, "new"]).contains("expected a single seed"));
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    assert!(refused(&["show", "no/such/file"]).contains("cannot read it"));
    for (words, says) in [
        (["--record", "s99:9"], "s99:9 is no record"),
        (["--transaction", "t9"], "t9 is no transaction"),
        (["--around", "99999"], "99999 is no step"),
    ] {
        let said = refused(&["show", text(&saved), words[0], words[1]]);
        assert!(said.contains(says) && said.contains("expected"), "{said}");
    }
    assert!(refused(&["show", text(&saved), "--width", "9"]).contains("40"));
}
