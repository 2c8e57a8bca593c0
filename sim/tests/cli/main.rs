//! What people and scripts meet: printed lines, files, and exit codes.

mod one_seed;
mod pictures;
mod shrinking;
mod support;
mod sweeps;
mod what_is_given;
