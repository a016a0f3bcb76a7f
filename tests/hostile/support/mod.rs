//! The program under attack, a client that sends whatever it is told to, and an honest agent.

mod agent;
mod documents;
mod http;
mod process;

pub(crate) use agent::{Agent, Answer, Cookie, assert_invalid, call, envelope, now, tag};
pub(crate) use documents::{Document, id};
pub(crate) use http::{Connection, Reply, post};
pub(crate) use process::{Weir, shared};
