//! Requests to another server.

use crate::wire::body::BodyWriter;
use crate::wire::operation::Operation;

use super::envelope::write_envelope;
use super::message::Written;
use super::read::Structure;
use super::{Response, SoapVersion};

/// A request of an operation, for who sends it.
pub trait Call: Written {
    /// The operation.
    const OPERATION: Operation;

    /// What the other server answers; [`super::answer`] reads it.
    type Answer<'a>: Response + Structure<'a>;
}

/// Writes `request` in its envelope, as .NET writes it: it is what the other server was tested
/// with.
pub fn call<C: Call>(version: SoapVersion, request: &C) -> BodyWriter {
    let mut body = BodyWriter::new();
    write_envelope(&mut body, C::OPERATION.service().style(), version, true, |out| {
        let namespace = [("xmlns", C::OPERATION.namespace())];
        out.element_with(C::OPERATION.name(), &namespace, |out| request.write_fields(out));
    });
    body
}

/// Says which structures are the request and the response of an operation between servers.
macro_rules! operation {
    ($operation:ident($request:ty) -> $response:ident $(<$life:lifetime>)?) => {
        impl $crate::wire::soap::Call for $request {
            const OPERATION: $crate::wire::operation::Operation =
                $crate::wire::operation::Operation::$operation;
            type Answer<'a> = $response $(<$life>)?;
        }

        impl $(<$life>)? $crate::wire::soap::Response for $response $(<$life>)? {
            const OPERATION: $crate::wire::operation::Operation =
                $crate::wire::operation::Operation::$operation;

            fn write(&self, out: &mut $crate::wire::soap::write::Writer<'_>) {
                $crate::wire::soap::Written::write_fields(self, out);
            }
        }
    };
}
pub(crate) use operation;
