//! One module per operation, and what they share: the only place where wire and domain meet.

pub mod call;
pub mod cookie;
