//! ReportEventBatch and ReportEventBatch2 ([MS-WUSP] 3.1.5.11).

use std::borrow::Cow;

use tracing::debug;
use uuid::Uuid;

use crate::computers::computer;
use crate::computers::event::{Event, STATUS_REPORT};
use crate::services::call::Outcome;
use crate::services::clock::Clock;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::wire::time::DateTime;
use crate::wire::wusp::reporting::{
    ReportEventBatch2Request, ReportEventBatchRequest, ReportingEvent,
};

/// Most entries of MiscData looked at in a status report.
const MISC_READ: usize = 256;

impl Services {
    /// Whether the events were taken. A computer that is not registered is told no, and keeps them
    /// until it is.
    pub(super) async fn report(
        &self,
        request: ReportEventBatchRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<bool, ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        self.take(session.state.client_id, request.client_time, request.event_batch).await
    }

    /// The second form carries no cookie: it is believed no more and no less, since the id in a
    /// cookie is the client's own word too.
    pub(super) async fn report2(
        &self,
        request: ReportEventBatch2Request<'_>,
        outcome: &mut Outcome,
    ) -> Result<bool, ServiceError> {
        let client_id = request.computer_id.as_deref().and_then(computer::client_id);
        let client_id = client_id.ok_or_else(|| ServiceError::parameter("computerId"))?;
        outcome.client = Some(pseudonym(&client_id));
        self.take(client_id, request.client_time, request.event_batch).await
    }

    async fn take(
        &self,
        client_id: String,
        client_time: Option<DateTime>,
        batch: Option<Vec<ReportingEvent<'_>>>,
    ) -> Result<bool, ServiceError> {
        let client_time = client_time.ok_or_else(|| ServiceError::parameter("clientTime"))?;
        let batch = batch.ok_or_else(|| ServiceError::parameter("eventBatch"))?;
        let clock = Clock::new(self.now(), client_time);
        let received = batch.len();
        let mut unusable = false;
        let mut events = Vec::with_capacity(received);
        for event in batch {
            let is_status = is_status_report(&event, &client_id);
            match domain(event, &client_id, clock) {
                Some(event) => events.push(event),
                None => unusable |= is_status,
            }
        }
        if events.len() < received {
            debug!(dropped = received - events.len(), "events without a name or of someone else");
        }
        events.sort_by_key(|event| event.at);
        Ok(self.state.report(client_id, events, unusable).await?)
    }
}

/// Whether it is this computer's report of all states, be it whole or not.
fn is_status_report(event: &ReportingEvent<'_>, client_id: &str) -> bool {
    let Some(basic) = &event.basic_data else { return false };
    let sid = basic.target_id.as_ref().and_then(|target| target.sid.as_deref());
    basic.event_id == Some(STATUS_REPORT.into())
        && sid.is_none_or(|sid| sid.trim().eq_ignore_ascii_case(client_id))
}

/// The event as the domain has it; none when it names another computer or lacks what identifies it.
fn domain(event: ReportingEvent<'_>, client_id: &str, clock: Clock) -> Option<Event> {
    let basic = event.basic_data?;
    // "The server MAY ignore events with other values."
    if basic.namespace_id.is_some_and(|namespace| namespace != 1) {
        return None;
    }
    let sid = basic.target_id.and_then(|target| target.sid);
    if sid.is_some_and(|sid| !sid.trim().eq_ignore_ascii_case(client_id)) {
        return None;
    }
    let event_id = i16::try_from(basic.event_id?).ok()?;
    let extended = event.extended_data.unwrap_or_default();
    let strings = extended.replacement_strings.unwrap_or_default();
    let misc = extended.misc_data.filter(|_| event_id == STATUS_REPORT).unwrap_or_default();
    Some(Event {
        instance: basic.event_instance_id?,
        event_id,
        source: i16::try_from(basic.source_id.unwrap_or(0)).unwrap_or(0),
        update: basic.update_id.filter(|update| update.update_id != Uuid::nil()),
        at: clock.corrected(basic.time_at_target?),
        result: basic.win32_hresult.unwrap_or(0),
        app: basic.app_name.map(Cow::into_owned).unwrap_or_default(),
        strings: strings.into_iter().map(Cow::into_owned).collect(),
        misc: misc.iter().take(MISC_READ).filter_map(|text| tagged(text)).collect(),
    })
}

/// `x=value` ([MS-WUSP] 2.2.2.3.1, MiscData).
fn tagged(text: &str) -> Option<(String, String)> {
    let (tag, value) = text.split_once('=')?;
    Some((tag.to_owned(), value.to_owned()))
}
