//! ReportEventBatch ([MS-WUSP] 2.2.2.3.1): an agent tells what happened.

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{date_time, list, request_structure};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::Cookie;

use super::ReportingEvent;

request_structure! {
    /// The request.
    pub struct ReportEventBatchRequest<'a> {
        /// The session's cookie, possibly close to its expiry.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The client's clock.
        client_time: DateTime = "clientTime" => date_time,
        /// The events.
        event_batch: Vec<ReportingEvent<'a>> = "eventBatch" =>
            list(&["ReportingEvent"], limits::EVENTS, ReportingEvent::read),
    }
}

/// The response: whether the events were taken. An agent that reads false sends them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportEventBatchResponse(pub bool);

impl Response for ReportEventBatchResponse {
    const OPERATION: Operation = Operation::ReportEventBatch;

    fn write(&self, out: &mut Writer<'_>) {
        out.display("ReportEventBatchResult", self.0);
    }
}
