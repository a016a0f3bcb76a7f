//! Requests, byte for byte as native agents write them.
//!
//! What a server gets from a fleet must be what it gets from Windows, or a measurement says nothing
//! and a bug hides in the difference. So requests are not written by the code that reads them in
//! `wire`, but after the recordings: element order, empty elements, `nil`, one prefix for all
//! services. `tests` writes every recorded request again and compares the bytes.

mod extended_update_info;
mod handshake;
mod head;
mod refresh_cache;
mod report_event_batch;
mod sync_updates;
mod system_spec;
#[cfg(test)]
mod tests;

pub use extended_update_info::{FileLocationsQuestion, Question};
pub use handshake::{
    Category, Registration, authorization_cookie, config, cookie, register, start_category_scan,
};
pub use head::{Agency, content, soap};
pub use refresh_cache::refresh_cache;
pub use report_event_batch::{Event, Reporter, report_event_batch};
pub use sync_updates::{Cached, DriverPass, Pass, SoftwarePass, SyncUpdates};
pub use system_spec::{Device, ExtensionDriver, InstalledDriver, Printer, system_spec};

use crate::wire::body::BodyWriter;
use crate::wire::operation::{EnvelopeStyle, Operation};
use crate::wire::soap::write::Writer;
use crate::wire::soap::{SoapVersion, write_envelope};

/// The protocol's version that agents of Windows 11 name.
pub const PROTOCOL_VERSION: &str = "2.90";

/// A cookie as a server issued it; agents give both texts back as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookie {
    /// When it expires.
    pub expiration: String,
    /// The server's own bytes, in Base64. Empty before the first cookie.
    pub encrypted_data: String,
}

impl Cookie {
    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.element(name, |out| {
            out.text("Expiration", &self.expiration);
            if !self.encrypted_data.is_empty() {
                out.text("EncryptedData", &self.encrypted_data);
            }
        });
    }
}

/// The request of `operation` with what `content` writes as its children. Agents use the style of
/// the one stack for all services.
fn request(operation: Operation, content: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut body = BodyWriter::new();
    write_envelope(&mut body, EnvelopeStyle::Wcf, SoapVersion::V11, false, |out| {
        out.element_with(operation.name(), &[("xmlns", operation.namespace())], content);
    });
    // Nothing prepared is in it, so all of it is text.
    std::mem::take(body.text()).into_bytes()
}

/// Texts as a list of strings.
fn strings<'t>(out: &mut Writer<'_>, name: &str, texts: impl IntoIterator<Item = &'t str>) {
    out.element(name, |out| texts.into_iter().for_each(|text| out.text("string", text)));
}

/// Revision ids; an empty list is left out.
fn revision_ids(out: &mut Writer<'_>, name: &str, ids: &[u32]) {
    out.list(name, ids, |out, id| out.display("int", id));
}
