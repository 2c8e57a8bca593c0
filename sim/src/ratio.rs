//! A part of a whole.

use std::fmt;

/// A part of a whole, without floats: all platforms draw the same.
///
/// ```
/// use twophase_sim::Ratio;
///
/// assert_eq!(Ratio::new(1, 20).to_string(), "1/20");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    pub(crate) part: u32,
    pub(crate) whole: u32,
}

impl Ratio {
    /// In no case.
    pub const NEVER: Ratio = Ratio::new(0, 1);

    /// In each case.
    pub const ALWAYS: Ratio = Ratio::new(1, 1);

    /// In `part` of `whole` cases.
    pub const fn new(part: u32, whole: u32) -> Self {
        Ratio { part, whole }
    }

    /// Whether it is a part of a whole at all.
    pub(crate) fn is_one(self) -> bool {
        self.whole > 0 && self.part <= self.whole
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.whole)
    }
}
