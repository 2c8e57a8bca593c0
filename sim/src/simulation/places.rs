//! Where the files of a test are: in the package and the workspace whose test it is, wherever this library was built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::shell::quoted;

/// The directories of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// Of the workspace: from here people type `cargo test`.
    root: PathBuf,
    /// Of the package.
    package: PathBuf,
    /// Where a failing test writes.
    pub(super) failures: PathBuf,
    /// What stands here is replayed by every run.
    pub(super) regressions: PathBuf,
}

impl Places {
    /// From what cargo tells a test in variables of the environment. Without cargo it is the package around `here`;
    /// if there is none, there is no place.
    pub(super) fn of(variable: impl Fn(&str) -> Option<OsString>, here: Option<PathBuf>) -> Option<Self> {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let around = || here.and_then(|here| above(&here, is_package));
        let package = set("CARGO_MANIFEST_DIR").or_else(around)?;
        let root = above(&package, is_workspace).unwrap_or_else(|| package.clone());
        let target = root.join(set("CARGO_TARGET_DIR").unwrap_or_else(|| PathBuf::from("target")));
        Some(Places {
            failures: target.join("twophase"),
            regressions: package.join("tests").join("regressions"),
            root,
            package,
        })
    }

    /// A file as somebody types it: from where they are, or from the workspace or the package. Cargo runs a test in
    /// its package, wherever it was called.
    pub(super) fn typed(&self, name: &str) -> PathBuf {
        let from = [Path::new(""), &self.root, &self.package];
        let found = from.iter().map(|from| from.join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| PathBuf::from(name))
    }

    /// A path as somebody would type it in the workspace.
    pub(super) fn told(&self, path: &Path) -> String {
        quoted(&path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy())
    }
}

/// The nearest directory, from this one on upwards.
fn above(from: &Path, is_it: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    from.ancestors().find(|directory| is_it(directory)).map(Path::to_owned)
}

fn is_package(directory: &Path) -> bool {
    directory.join("Cargo.toml").is_file()
}

/// A package outside of any workspace is one of its own, and has a lock file.
fn is_workspace(directory: &Path) -> bool {
    let manifest = std::fs::read_to_string(directory.join("Cargo.toml"));
    manifest.is_ok_and(|manifest| {
        let mut lines = manifest.lines().map(str::trim_start);
        lines.any(|line| line.starts_with("[workspace]") || line.starts_with("[workspace."))
            || directory.join("Cargo.lock").is_file()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with a package in it.
    fn workspace() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("crates/orders");
        std::fs::create_dir_all(package.join("src")).unwrap();
        std::fs::write(root.path().join("Cargo.toml"), "[workspace]\nmembers = [\"crates/*\"]\n").unwrap();
        std::fs::write(package.join("Cargo.toml"), "[package]\nname = \"orders\"\n").unwrap();
        (root, package)
    }

    fn places(set: &[(&str, &Path)], here: Option<PathBuf>) -> Option<Places> {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        Places::of(variable, here)
    }

    #[test]
    fn failures_go_to_the_workspace_and_regressions_stay_with_the_package() {
        let (root, package) = workspace();
        let places = places(&[("CARGO_MANIFEST_DIR", &package)], None).unwrap();
        assert_eq!(places.failures, root.path().join("target/twophase"));
        assert_eq!(places.regressions, package.join("tests/regressions"));
        assert_eq!(places.told(&places.failures.join("a-1.json")), "target/twophase/a-1.json");
        assert_eq!(places.told(&places.regressions), "crates/orders/tests/regressions");
    }

    #[test]
    fn a_target_directory_of_ones_own_is_honoured() {
        let (root, package) = workspace();
        let elsewhere = tempfile::tempdir().unwrap();
        for (target, failures) in [
            (elsewhere.path(), elsewhere.path().join("twophase")),
            (Path::new("built"), root.path().join("built/twophase")),
            (Path::new(""), root.path().join("target/twophase")),
        ] {
            let set = [("CARGO_MANIFEST_DIR", &*package), ("CARGO_TARGET_DIR", target)];
            assert_eq!(places(&set, None).unwrap().failures, failures);
        }
    }

    #[test]
    fn without_cargo_it_is_the_package_around() {
        let (_root, package) = workspace();
        let with = places(&[("CARGO_MANIFEST_DIR", &package)], None);
        assert_eq!(places(&[], Some(package.join("src"))), with);
        assert_eq!(places(&[], None), None);
    }

    #[test]
    fn a_package_with_a_lock_file_is_no_part_of_what_lies_around_it() {
        let (_root, package) = workspace();
        std::fs::write(package.join("Cargo.lock"), "").unwrap();
        let places = places(&[("CARGO_MANIFEST_DIR", &package)], None).unwrap();
        assert_eq!(places.failures, package.join("target/twophase"));
    }

    #[test]
    fn a_file_is_found_from_where_it_was_typed() {
        let (root, package) = workspace();
        let places = places(&[("CARGO_MANIFEST_DIR", &package)], None).unwrap();
        std::fs::write(root.path().join("kept.json"), "").unwrap();
        assert_eq!(places.typed("kept.json"), root.path().join("kept.json"));
        assert_eq!(places.typed("nowhere.json"), Path::new("nowhere.json"));
    }
}
