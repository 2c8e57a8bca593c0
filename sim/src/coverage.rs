//! What a history has been through: the crash windows that were entered, with a record in the transaction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The gaps of the protocol in which everything may stop. With c the checkpoint under way and c-1 the last
/// one completed before it:
///
/// | window | the crash falls | restore from | must |
/// | --- | --- | --- | --- |
/// | W1 | before pre-commit | c-1 | abort the open transaction |
/// | W2 | after pre-commit, before the ack | c-1 | abort it, though it is pre-committed |
/// | W3 | after the ack, before complete | c-1 | abort on every sink |
/// | W4 | after complete, before commit | c | commit from the snapshot |
/// | W5 | after commit, before the sink knows | c | commit again, change nothing |
/// | W6 | during restore | the same | decide the same again |
/// | W7 | none: the old process still runs | c | refuse it by epoch |
/// | W8 | none: the transaction times out after complete | - | report it as lost |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the table above says it in one place
pub enum Window {
    W1,
    W2,
    W3,
    W4,
    W5,
    W6,
    W7,
    W8,
}

/// Which windows were entered.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Windows(u8);

impl Window {
    /// All windows, in order.
    pub const ALL: [Window; 8] =
        [Window::W1, Window::W2, Window::W3, Window::W4, Window::W5, Window::W6, Window::W7, Window::W8];

    /// Where the crash falls.
    pub fn meaning(self) -> &'static str {
        match self {
            Window::W1 => "crash before pre-commit",
            Window::W2 => "crash after pre-commit, before the ack",
            Window::W3 => "crash after the ack, before complete",
            Window::W4 => "crash after complete, before commit",
            Window::W5 => "crash after commit, before the sink knows",
            Window::W6 => "crash during restore",
            Window::W7 => "the old process still runs",
            Window::W8 => "the transaction timed out after complete",
        }
    }
}

impl Windows {
    /// This one was entered.
    pub fn enter(&mut self, window: Window) {
        self.0 |= 1 << window as u8;
    }

    /// Whether this one was.
    pub fn has(self, window: Window) -> bool {
        self.0 & 1 << window as u8 != 0
    }

    /// Whether anything dangerous happened.
    pub fn any(self) -> bool {
        self.0 != 0
    }

    /// Those that were entered, in order.
    pub fn iter(self) -> impl Iterator<Item = Window> {
        Window::ALL.into_iter().filter(move |window| self.has(*window))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{}", *self as u8 + 1)
    }
}

impl fmt::Debug for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
