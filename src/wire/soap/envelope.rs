//! Envelopes: opened for reading, and written around a response.

use std::fmt::Write as _;

use crate::wire::body::BodyWriter;
use crate::wire::operation::{EnvelopeStyle, Operation, Service};
use crate::wire::xml::{Cursor, XmlError};

use super::read::{RequestError, Structure};
use super::write::Writer;
use super::{SoapError, SoapVersion};

/// A request's envelope, opened at the operation's element.
pub struct Envelope<'a> {
    /// The version of SOAP it is written in.
    pub version: SoapVersion,
    /// The operation it calls.
    pub operation: Operation,
    cursor: Cursor<'a>,
}

/// Opens the envelope in `text`, which was sent to `service` and, by its headers, for the
/// operation `expected`.
///
/// Headers are passed over, also those marked mustUnderstand: what clients send there (WS-Addressing,
/// WS-Security tickets) says nothing that the transport did not say.
pub fn open(
    text: &str,
    service: Service,
    expected: Option<Operation>,
) -> Result<Envelope<'_>, SoapError> {
    let mut cursor = Cursor::new(text, service.limits());
    let version = enter_message(&mut cursor)?;
    let operation = Operation::from_name(service, cursor.local())
        .filter(|operation| cursor.namespace() == operation.namespace())
        .ok_or_else(|| SoapError::unknown(cursor.local()))?;
    match expected {
        Some(expected) if expected != operation && !is_misprinted(expected, operation) => {
            Err(SoapError::mismatch(expected, operation))
        }
        _ => Ok(Envelope { version, operation, cursor }),
    }
}

/// Steps from the start of an envelope onto the first element in its body.
pub(super) fn enter_message(cursor: &mut Cursor<'_>) -> Result<SoapVersion, SoapError> {
    if !cursor.enter_child()? {
        return Err(XmlError::Truncated.into());
    }
    let version = [SoapVersion::V11, SoapVersion::V12]
        .into_iter()
        .find(|it| cursor.local() == "Envelope" && cursor.namespace() == it.namespace())
        .ok_or_else(|| SoapError::NotAnEnvelope(cursor.local().chars().take(64).collect()))?;
    loop {
        if !cursor.enter_child()? {
            return Err(SoapError::Empty);
        }
        if cursor.local() == "Body" && cursor.namespace() == version.namespace() {
            break;
        }
        cursor.skip()?;
    }
    if cursor.enter_child()? { Ok(version) } else { Err(SoapError::Empty) }
}

/// Passes over the rest of Body and of Envelope, to the envelope's well-formed end.
pub(super) fn finish_message(mut cursor: Cursor<'_>) -> Result<(), XmlError> {
    for _ in 0..2 {
        while cursor.enter_child()? {
            cursor.skip()?;
        }
    }
    cursor.finish()
}

/// [MS-WUSP] 2.2.2.2.9 prints the SOAPAction of SyncUpdates for SyncPrinterCatalog; its WSDL does
/// not. Both are read.
fn is_misprinted(action: Operation, request: Operation) -> bool {
    action == Operation::SyncUpdates && request == Operation::SyncPrinterCatalog
}

impl<'a> Envelope<'a> {
    /// Reads the request, and the rest of the envelope to its well-formed end.
    pub fn read<T: Structure<'a>>(mut self) -> Result<T, RequestError> {
        let request = T::read(&mut self.cursor)?;
        finish_message(self.cursor)?;
        Ok(request)
    }
}

/// A response of an operation.
pub trait Response {
    /// The operation.
    const OPERATION: Operation;

    /// Writes the content of the response element.
    fn write(&self, out: &mut Writer<'_>);
}

/// Writes `response` in its envelope, as the real server's stack for the service writes it.
pub fn respond<R: Response>(version: SoapVersion, response: &R) -> BodyWriter {
    let mut body = BodyWriter::new();
    write_envelope(&mut body, R::OPERATION.service().style(), version, true, |out| {
        let name = format!("{}Response", R::OPERATION.name());
        let namespace = [("xmlns", R::OPERATION.namespace())];
        out.element_with(&name, &namespace, |out| response.write(out));
    });
    body
}

const INSTANCE_DECLARATIONS: &str = r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema""#;

/// Writes an envelope with what `content` writes as its body. The one stack declares `xsi` and
/// `xsd` on the body and only of results, the other always on the envelope.
pub(crate) fn write_envelope(
    body: &mut BodyWriter,
    style: EnvelopeStyle,
    version: SoapVersion,
    is_result: bool,
    content: impl FnOnce(&mut Writer<'_>),
) {
    let (declaration, prefix, on_envelope, on_body) = match style {
        EnvelopeStyle::Wcf if is_result => ("", "s", "", INSTANCE_DECLARATIONS),
        EnvelopeStyle::Wcf => ("", "s", "", ""),
        EnvelopeStyle::Asmx => {
            (r#"<?xml version="1.0" encoding="utf-8"?>"#, "soap", INSTANCE_DECLARATIONS, "")
        }
    };
    let namespace = version.namespace();
    // Writing to a String does not fail.
    let _ = write!(
        body.text(),
        r#"{declaration}<{prefix}:Envelope xmlns:{prefix}="{namespace}"{on_envelope}><{prefix}:Body{on_body}>"#
    );
    content(&mut Writer::new(body, style));
    let _ = write!(body.text(), "</{prefix}:Body></{prefix}:Envelope>");
}
