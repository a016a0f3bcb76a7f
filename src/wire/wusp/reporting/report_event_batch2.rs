//! ReportEventBatch2: the same for a computer that has no cookie. In the contract only.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{date_time, list, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::wusp::limits;

use super::ReportingEvent;

request_structure! {
    /// The request.
    pub struct ReportEventBatch2Request<'a> {
        /// The computer, by its own word.
        computer_id: Cow<'a, str> = "computerId" => text,
        /// The client's clock.
        client_time: DateTime = "clientTime" => date_time,
        /// The events.
        event_batch: Vec<ReportingEvent<'a>> = "eventBatch" =>
            list(&["ReportingEvent"], limits::EVENTS, ReportingEvent::read),
    }
}

/// The response: whether the events were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportEventBatch2Response(pub bool);

impl Response for ReportEventBatch2Response {
    const OPERATION: Operation = Operation::ReportEventBatch2;

    fn write(&self, out: &mut Writer<'_>) {
        out.display("ReportEventBatch2Result", self.0);
    }
}
