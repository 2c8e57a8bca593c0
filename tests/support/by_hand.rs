//! Short words for histories that are written by hand.

use std::time::Duration;

use twophase_sim::site::Site;
use twophase_sim::{Subject, subjects};

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn site(text: &str) -> Site {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn named(subject: &str) -> Subject {
    subjects::named(subject).unwrap_or_else(|| panic!("there is no subject {subject}"))
}
