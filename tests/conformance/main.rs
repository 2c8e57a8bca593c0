//! Plays every schedule of a folder and compares each answer with the recorded one.

mod kafka_transactions;
mod recordings;

use serde_json::Value;

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("recordings are files");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

#[test]
fn the_log_answers_as_the_recorded_brokers_do() {
    let folder = match std::env::var("RECORDINGS") {
        Ok(folder) => std::path::PathBuf::from(folder),
        Err(_) => {
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/kafka-transactions")
        }
    };
    let mut names: Vec<_> = std::fs::read_dir(folder.join("schedules"))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    names.sort();
    let (mut agree, mut not_covered, mut differ) = (0, Vec::new(), 0);
    for schedule in &names {
        let name = schedule.file_name().expect("a file");
        let recorded = lines(&folder.join("traces").join(name));
        match kafka_transactions::play(&lines(schedule)) {
            Err(operation) => not_covered.push(format!("{name:?}: {operation:?}")),
            Ok(answers) if answers == recorded => agree += 1,
            Ok(answers) => {
                differ += 1;
                let at = answers.iter().zip(&recorded).position(|(a, b)| a != b);
                let at = at.unwrap_or(answers.len().min(recorded.len()));
                println!(
                    "{name:?}\n  recorded {:?}\n  answered {:?}",
                    recorded.get(at).map(Value::to_string),
                    answers.get(at).map(Value::to_string)
                );
            }
        }
    }
    println!(
        "kafka-transactions: {agree} agree, {differ} differ, {} not covered {not_covered:#?}",
        not_covered.len()
    );
    assert_eq!(differ, 0);
    assert_eq!(not_covered.len(), 5);
}
