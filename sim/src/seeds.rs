//! Which seeds are to be played, as people type them.

use std::ops::Range;
use std::str::FromStr;

use crate::seed::Seed;

/// One history, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    One(Seed),
    Many(Range<u64>),
}

/// A range of seeds that holds at least one: `A..B`, the end exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected A..B, the end exclusive, like 0..10000";
        let (from, to) =
            text.split_once("..").ok_or_else(|| format!("'{text}' is not a range of seeds; {expected}"))?;
        let (from, to) = (from.parse::<Seed>()?, to.parse::<Seed>()?);
        if from == to {
            return Err(format!("'{text}' holds no seed; {expected}"));
        }
        if from > to {
            return Err(format!("'{text}' ends before it begins; {expected}: did you mean {to}..{from}?"));
        }
        Ok(Seeds(from.0..to.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_in_both_notations_and_must_hold_a_seed() {
        assert_eq!("0x10..20".parse(), Ok(Seeds(16..20)));
        for text in ["9..3", "5..5", "5", "..", "1..=3", "-1..5", "0..0xZZ"] {
            assert!(text.parse::<Seeds>().unwrap_err().contains("expected"), "{text}");
        }
    }
}
