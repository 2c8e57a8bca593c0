//! Reads a folder of recordings; whatever cannot be read as one is named by file and line.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::lines;

/// One schedule with what it must lead to.
pub(super) struct Recording {
    pub(super) name: String,
    pub(super) schedule: Vec<Value>,
    pub(super) trace: Vec<Value>,
}

/// All recordings of a folder, by name. Every schedule has its trace and every trace its schedule.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<Recording>, String> {
    let schedules = names_in(&folder.join("schedules"))?;
    let traces = names_in(&folder.join("traces"))?;
    if let Some(lonely) = schedules.symmetric_difference(&traces).next() {
        let (has, lacks) =
            if schedules.contains(lonely) { ("schedule", "trace") } else { ("trace", "schedule") };
        return Err(format!("{}: {has} {lonely} has no {lacks}", folder.display()));
    }
    if schedules.is_empty() {
        return Err(format!("{} holds no schedules", folder.display()));
    }
    schedules.into_iter().map(|name| read_recording(folder, name)).collect()
}

fn read_recording(folder: &Path, name: String) -> Result<Recording, String> {
    let file = format!("{name}.jsonl");
    let schedule = read_lines(&folder.join("schedules").join(&file))?;
    let trace = read_lines(&folder.join("traces").join(&file))?;
    if schedule.is_empty() {
        return Err(format!(
            "{}: line 1: the schedule is empty",
            folder.join("schedules").join(&file).display()
        ));
    }
    Ok(Recording { name, schedule, trace })
}

/// The names of the recordings in a directory. A file of another kind is an error: it would be skipped.
fn names_in(directory: &Path) -> Result<BTreeSet<String>, String> {
    let unreadable = |why| format!("cannot read {}: {why}", directory.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        match file.strip_suffix(".jsonl") {
            Some(name) => names.insert(name.to_owned()),
            None => return Err(format!("{}: not a .jsonl file", directory.join(file).display())),
        };
    }
    Ok(names)
}

fn read_lines(file: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(file).map_err(|why| format!("cannot read {}: {why}", file.display()))?;
    lines::parse(file, &text)
}
