//! The services' contracts, as served at `?wsdl`.
//!
//! They are written from the specification and embedded in the binary. A test holds them and the
//! messages together: whatever a contract lets a client send is read, and whatever is written
//! obeys the contract.

use crate::wire::operation::Service;
use crate::wire::xml::escape_attribute;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

const CLIENT: &str = include_str!("../../wsdl/Client.wsdl");
const SIMPLE_AUTH: &str = include_str!("../../wsdl/SimpleAuth.wsdl");
const REPORTING: &str = include_str!("../../wsdl/Reporting.wsdl");
const SERVER_SYNC: &str = include_str!("../../wsdl/ServerSync.wsdl");
const DSS_AUTH: &str = include_str!("../../wsdl/DssAuth.wsdl");

/// What the embedded contracts have in place of the server's address.
const PLACEHOLDER: &str = "location=\"http://localhost/";

/// The contract of `service`, for a server that clients reach at `base_url`
/// (`http://updates.example.org:8530`, with or without a final slash).
pub fn wsdl(service: Service, base_url: &str) -> String {
    let mut location = String::from("location=\"");
    escape_attribute(&mut location, base_url.trim_end_matches('/'));
    location.push('/');
    text(service).replace(PLACEHOLDER, &location)
}

fn text(service: Service) -> &'static str {
    match service {
        Service::Client => CLIENT,
        Service::SimpleAuth => SIMPLE_AUTH,
        Service::Reporting => REPORTING,
        Service::ServerSync => SERVER_SYNC,
        Service::DssAuth => DSS_AUTH,
    }
}
