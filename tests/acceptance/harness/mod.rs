//! What the acceptance tests drive the program with: its own command line, and a client that
//! shares no code with the server but the xpress decoder.
//!
//! Answers are read with another XML parser than the server's, digests are computed here, and every
//! claim about the protocol is spelled out again, so that a mistake has to be made twice to pass.

pub(crate) mod agent;
pub(crate) mod corpus;
pub(crate) mod directory;
pub(crate) mod download;
pub(crate) mod http;
pub(crate) mod relay;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod soap;
pub(crate) mod xml;
