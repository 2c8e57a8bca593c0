//! What the environment asks of any test: `TWOPHASE_SEED`, `TWOPHASE_SEEDS` and `TWOPHASE_TRACE`.

use crate::seed::Seed;
use crate::seeds::{Extent, Seeds};

/// What the environment asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// These seeds, and not those of the test.
    pub(super) extent: Option<Extent>,
    /// The trace of a failing seed.
    pub(super) trace: bool,
}

/// Reads it, by a lookup of variables; or one line that names the variable and what was expected.
pub(super) fn asked(variable: impl Fn(&str) -> Option<String>) -> Result<Asked, String> {
    let trace = match variable("TWOPHASE_TRACE").as_deref() {
        None | Some("" | "0") => false,
        Some("1") => true,
        Some(other) => {
            let what = format!("is '{other}'; expected 1 or 0");
            return Err(bad("TWOPHASE_TRACE", &what));
        }
    };
    Ok(Asked { extent: extent(variable)?, trace })
}

fn extent(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Extent>, String> {
    match (variable("TWOPHASE_SEED"), variable("TWOPHASE_SEEDS")) {
        (None, None) => Ok(None),
        (Some(one), None) => match one.parse::<Seed>() {
            Ok(seed) => Ok(Some(Extent::One(seed))),
            Err(what) => Err(bad("TWOPHASE_SEED", &what)),
        },
        (None, Some(many)) => match many.parse() {
            Ok(Seeds(seeds)) => Ok(Some(Extent::Many(seeds))),
            Err(what) => Err(bad("TWOPHASE_SEEDS", &what)),
        },
        (Some(one), Some(many)) => {
            let what = format!("is '{one}', and TWOPHASE_SEEDS is '{many}'; expected only one of them");
            Err(bad("TWOPHASE_SEED", &what))
        }
    }
}

fn bad(name: &str, what: &str) -> String {
    format!("environment variable {name}: {what}; unset it to play what the test says")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(variables: &[(&str, &str)]) -> Result<Asked, String> {
        asked(|name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
    }

    fn extent_of(variables: &[(&str, &str)]) -> Option<Extent> {
        set(variables).unwrap().extent
    }

    #[test]
    fn the_environment_overrides_the_seeds() {
        assert_eq!(extent_of(&[]), None);
        assert_eq!(extent_of(&[("TWOPHASE_SEED", "0x29")]), Some(Extent::One(Seed(41))));
        assert_eq!(extent_of(&[("TWOPHASE_SEEDS", "3..9")]), Some(Extent::Many(3..9)));
    }

    #[test]
    fn a_trace_is_asked_for_with_one() {
        let traced = |value| set(&[("TWOPHASE_TRACE", value)]).unwrap().trace;
        assert_eq!([traced("1"), traced("0"), traced("")], [true, false, false]);
    }

    #[test]
    fn a_bad_value_names_the_variable_and_what_was_expected() {
        for (variables, name) in [
            (&[("TWOPHASE_SEED", "0xZZ")][..], "TWOPHASE_SEED:"),
            (&[("TWOPHASE_SEED", "")], "TWOPHASE_SEED:"),
            (&[("TWOPHASE_SEEDS", "9..3")], "TWOPHASE_SEEDS:"),
            (&[("TWOPHASE_SEED", "1"), ("TWOPHASE_SEEDS", "1..2")], "TWOPHASE_SEED:"),
            (&[("TWOPHASE_TRACE", "yes")], "TWOPHASE_TRACE:"),
        ] {
            let said = set(variables).unwrap_err();
            assert!(said.contains(name) && said.contains("expected"), "{said}");
        }
    }
}
