//! One Windows Update Agent.

pub mod requests;
