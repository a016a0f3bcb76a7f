//! The state as its callers see it, over a store that can be told to fail.

mod audit;
mod cleanup;
mod commits;
mod compaction;
mod computers;
mod content_cleanup;
mod decisions;
mod deletion;
mod downstream;
mod groups;
mod imports;
mod meta;
mod mirror;
mod numbering;
mod packages;
mod picture;
mod refusals;
mod reopening;
mod rule_groups;
mod rules;
mod staging;
mod standing;
mod support;
mod trends;
mod update_groups;
mod whose_approvals;
