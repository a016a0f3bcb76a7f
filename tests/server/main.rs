//! The HTTP server over real sockets, driven byte by byte: what honest clients send, what hostile
//! ones do, and that the honest are served after the hostile.

mod abuse;
mod content;
mod logging;
mod overload;
mod shutdown;
mod soap;
mod support;
mod tls;
