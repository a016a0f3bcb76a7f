//! The HTTP server: sockets, TLS, limits, paths, encodings. It knows operations by name only.
//!
//! Everything below assumes that the other end is hostile until the services say otherwise: each
//! wait has a time-out, each buffer a limit, and what is over a limit is answered, not dropped.
//! Only HTTP/1.1 is spoken, which is all that agents and downstream servers speak.
//!
//! A request passes through these files: `listener` accepts and shakes hands, `handler` finds
//! the `route`, `soap` or `content` answers, `encoding` compresses, `body` carries the answer to
//! the socket, and `log` writes the one line about it when the last byte is on its way.

mod administration;
pub mod application;
mod authority;
mod body;
pub mod certificates;
mod chunk;
mod content;
pub mod encoding;
mod file_body;
mod handler;
mod http_date;
mod listener;
mod local;
mod log;
pub mod metrics;
mod reply;
pub mod route;
pub mod settings;
mod soap;
mod stream;
pub mod tls;

pub use administration::{
    AdminListen, AdminServer, Api, ApiAnswer, ApiBody, ApiRequest, RequestBody,
};
pub use application::Application;
pub use authority::Authority;
pub use handler::Way;
pub use listener::{BindError, Drained, Server};
pub use local::SOCKET;
pub use settings::{Limits, Settings};
