//! The state as its callers see it, over a store that can be told to fail.

mod commits;
mod computers;
mod decisions;
mod downstream;
mod groups;
mod imports;
mod meta;
mod mirror;
mod picture;
mod reopening;
mod staging;
mod support;
