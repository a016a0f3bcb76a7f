//! Any body is a request of some operation or refused with a reason, in text and in time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::wire::operation::Service;
use weir::wire::request::Request;
use weir::wire::soap;

const CONTENT_TYPES: [Option<&str>; 3] =
    [None, Some("text/xml; charset=utf-16"), Some("application/soap+xml; charset=utf-8")];

fuzz_target!(|data: &[u8]| {
    for content_type in CONTENT_TYPES {
        if let Ok(text) = soap::decode(data, content_type) {
            read(&text);
        }
        if let Ok(text) = soap::repair(data, content_type) {
            read(&text);
        }
    }
});

fn read(text: &str) {
    for service in Service::ALL {
        if let Ok(envelope) = soap::open(text, service, None) {
            let _ = Request::read(envelope);
        }
    }
}
