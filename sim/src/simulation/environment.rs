//! What the environment asks of any test: `TWOPHASE_SEED`, `TWOPHASE_SEEDS`, `TWOPHASE_REPLAY`, `TWOPHASE_RENEW` and
//! `TWOPHASE_TRACE`.

use crate::seed::Seed;
use crate::seeds::{Extent, Seeds};

/// What the environment asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// What is to be played, if not what the test says.
    pub(super) play: Option<Play>,
    /// The trace of a failing seed.
    pub(super) trace: bool,
}

/// What is to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// These seeds.
    Seeds(Extent),
    /// This file, and nothing else.
    Replay(String),
    /// This file has to be renewed.
    Renew(String),
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
    Ok(Asked { play: play(variable)?, trace })
}

fn play(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Play>, String> {
    let names = ["TWOPHASE_SEED", "TWOPHASE_SEEDS", "TWOPHASE_REPLAY", "TWOPHASE_RENEW"];
    let mut set = names.into_iter().filter_map(|name| Some((name, variable(name)?)));
    let Some((name, value)) = set.next() else {
        return Ok(None);
    };
    if let Some((other, also)) = set.next() {
        let what = format!("is '{value}', and {other} is '{also}'; expected only one of them");
        return Err(bad(name, &what));
    }
    let play = match name {
        "TWOPHASE_SEED" => value.parse().map(|seed: Seed| Play::Seeds(Extent::One(seed))),
        "TWOPHASE_SEEDS" => value.parse().map(|Seeds(seeds)| Play::Seeds(Extent::Many(seeds))),
        _ if value.is_empty() => Err("is empty; expected the name of a saved schedule".to_owned()),
        "TWOPHASE_REPLAY" => Ok(Play::Replay(value)),
        _ => Ok(Play::Renew(value)),
    };
    play.map(Some).map_err(|what| bad(name, &what))
}

pub(super) fn bad(name: &str, what: &str) -> String {
    format!("environment variable {name}: {what}; unset it to play what the test says")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(variables: &[(&str, &str)]) -> Result<Asked, String> {
        asked(|name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
    }

    fn play_of(variables: &[(&str, &str)]) -> Option<Play> {
        set(variables).unwrap().play
    }

    #[test]
    fn the_environment_overrides_what_is_played() {
        assert_eq!(play_of(&[]), None);
        assert_eq!(play_of(&[("TWOPHASE_SEED", "0x29")]), Some(Play::Seeds(Extent::One(Seed(41)))));
        assert_eq!(play_of(&[("TWOPHASE_SEEDS", "3..9")]), Some(Play::Seeds(Extent::Many(3..9))));
        assert_eq!(play_of(&[("TWOPHASE_REPLAY", "a.json")]), Some(Play::Replay("a.json".to_owned())));
        assert_eq!(play_of(&[("TWOPHASE_RENEW", "a.json")]), Some(Play::Renew("a.json".to_owned())));
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
            (&[("TWOPHASE_REPLAY", "a"), ("TWOPHASE_SEEDS", "1..2")], "TWOPHASE_SEEDS:"),
            (&[("TWOPHASE_REPLAY", "a"), ("TWOPHASE_RENEW", "a")], "TWOPHASE_REPLAY:"),
            (&[("TWOPHASE_REPLAY", "")], "TWOPHASE_REPLAY:"),
            (&[("TWOPHASE_TRACE", "yes")], "TWOPHASE_TRACE:"),
        ] {
            let said = set(variables).unwrap_err();
            assert!(said.contains(name) && said.contains("expected"), "{said}");
        }
    }
}
