//! What a history costs: one small scenario that other frameworks have been measured on too.

mod cost;
mod s1;

pub use cost::{Cost, play_s1};
pub use s1::s1;
