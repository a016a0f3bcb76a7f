//! From a call to its operation and back to an answer: the only path into the services.

use tracing::{debug, error};
use uuid::Uuid;

use crate::services::call::{Outcome, Refusal, SoapAnswer, SoapCall};
use crate::services::get_config::PLUG_IN;
use crate::services::{ServiceError, Services};
use crate::wire::body::BodyWriter;
use crate::wire::fault::{ErrorCode, Fault};
use crate::wire::operation::Service;
use crate::wire::request::{AgentRequest, Request};
use crate::wire::soap::{self, Envelope, SoapVersion};
use crate::wire::wusp::{client, reporting, simple_auth};

impl Services {
    /// Answers a call. Every failure becomes a fault; its cause is logged under the fault's id.
    pub async fn soap(&self, call: SoapCall) -> SoapAnswer {
        let version = SoapVersion::of_content_type(call.content_type.as_deref());
        let mut outcome = Outcome { operation: call.operation, ..Outcome::default() };
        let mut answer = self.attempt(&call, &mut outcome).await;
        // What agents pass on from installers and firmware may hold characters that XML forbids.
        // The event is true all the same, and a refused report is sent again for ever.
        if let Err(error) = &answer
            && call.service == Service::Reporting
            && is_repairable(error)
            && let Ok(text) = soap::repair(&call.body, call.content_type.as_deref())
        {
            answer = self.operation(&call, &text, &mut outcome).await;
        }
        match answer {
            Ok((version, body)) => SoapAnswer {
                status: 200,
                content_type: version.content_type(),
                pieces: body.finish(),
                close: false,
                outcome,
            },
            Err(error) => self.fault(&call, version, &error, outcome),
        }
    }

    /// Answers a call that the server refuses before its operation sees it.
    pub fn refuse(&self, call: &SoapCall, refusal: Refusal) -> SoapAnswer {
        let version = SoapVersion::of_content_type(call.content_type.as_deref());
        let error = match refusal {
            Refusal::Busy => ServiceError::code(ErrorCode::ServerBusy),
            Refusal::TooLarge { limit } => ServiceError::Protocol {
                code: ErrorCode::InvalidParameters,
                message: Some(format!("the request is longer than {limit} bytes")),
            },
            Refusal::Incomplete => ServiceError::parameter("the request is incomplete"),
            Refusal::Encoded => ServiceError::parameter("Content-Encoding"),
        };
        let outcome = Outcome { operation: call.operation, ..Outcome::default() };
        let answer = self.fault(call, version, &error, outcome);
        SoapAnswer { status: refusal.status(), close: true, ..answer }
    }

    async fn attempt(
        &self,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<(SoapVersion, BodyWriter), ServiceError> {
        if let Some(answer) = self.scan_again(call, outcome) {
            return Ok(answer);
        }
        let text = soap::decode(&call.body, call.content_type.as_deref())?;
        self.operation(call, &text, outcome).await
    }

    async fn operation(
        &self,
        call: &SoapCall,
        text: &str,
        outcome: &mut Outcome,
    ) -> Result<(SoapVersion, BodyWriter), ServiceError> {
        let envelope = soap::open(text, call.service, call.operation)?;
        let version = envelope.version;
        outcome.operation = Some(envelope.operation);
        let limit = envelope.operation.body_limit();
        // The body was read under the limit of what the headers named, which may be another
        // operation's, or the largest of the service when they named none.
        if call.body.len() > limit {
            return Err(ServiceError::parameter(&format!(
                "the request is longer than {limit} bytes"
            )));
        }
        let body = self.run(envelope, call, outcome).await?;
        Ok((version, body))
    }

    async fn run(
        &self,
        envelope: Envelope<'_>,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let version = envelope.version;
        match Request::read(envelope)? {
            Request::Agent(request) => self.run_agents(request, version, call, outcome).await,
            Request::Server(request) => self.run_servers(request, version, call, outcome).await,
        }
    }

    async fn run_agents(
        &self,
        request: AgentRequest<'_>,
        version: SoapVersion,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        match request {
            AgentRequest::GetConfig(request) => {
                let config = self.config(&request)?;
                Ok(soap::respond(version, &client::GetConfigResponse(config)))
            }
            AgentRequest::GetConfig2(_) => {
                let config = self.configuration();
                Ok(soap::respond(version, &client::GetConfig2Response(config)))
            }
            AgentRequest::GetAuthorizationCookie(request) => {
                let cookie_data = &self.authorization_cookie(&request, outcome)?;
                let plug_in_id = PLUG_IN;
                let response =
                    simple_auth::GetAuthorizationCookieResponse { plug_in_id, cookie_data };
                Ok(soap::respond(version, &response))
            }
            AgentRequest::GetCookie(request) => {
                let cookie = self.cookie(&request, outcome)?;
                Ok(soap::respond(version, &client::GetCookieResponse(cookie.as_wire())))
            }
            AgentRequest::RegisterComputer(request) => {
                self.register(request, call, outcome).await?;
                Ok(soap::respond(version, &client::RegisterComputerResponse))
            }
            AgentRequest::StartCategoryScan(request) => {
                let found = self.category_scan(&request)?;
                let response = client::StartCategoryScanResponse {
                    preferred_category_ids: &found.preferred,
                    requested_category_ids_in_error: &found.in_error,
                };
                Ok(soap::respond(version, &response))
            }
            AgentRequest::SyncUpdates(request) => {
                self.sync_updates(request, version, call, outcome)
            }
            AgentRequest::SyncPrinterCatalog(request) => {
                self.sync_printer_catalog(&request, version, outcome)
            }
            AgentRequest::RefreshCache(request) => self.refresh_cache(&request, version, outcome),
            AgentRequest::GetExtendedUpdateInfo(request) => {
                self.extended_update_info(request, version, call, outcome)
            }
            AgentRequest::GetExtendedUpdateInfo2(request) => {
                self.extended_update_info2(request, version, call, outcome)
            }
            AgentRequest::GetFileLocations(request) => {
                let session = self.session(request.cookie.as_ref(), outcome)?;
                let file_locations = &self.locations_of(&request, call)?;
                let cookie = self.seal(&session)?;
                let new_cookie = cookie.as_wire();
                let response = client::GetFileLocationsResponse { file_locations, new_cookie };
                Ok(soap::respond(version, &response))
            }
            AgentRequest::GetTimestamps(request) => {
                self.session(request.cookie.as_ref(), outcome)?;
                Ok(soap::respond(version, &client::GetTimestampsResponse))
            }
            AgentRequest::ReportEventBatch(request) => {
                let taken = self.report(request, outcome).await?;
                Ok(soap::respond(version, &reporting::ReportEventBatchResponse(taken)))
            }
            AgentRequest::ReportEventBatch2(request) => {
                let taken = self.report2(request, outcome).await?;
                Ok(soap::respond(version, &reporting::ReportEventBatch2Response(taken)))
            }
            AgentRequest::GetRequiredInventoryType(request) => {
                self.session(request.cookie.as_ref(), outcome)?;
                // IsInventoryRequired "MUST be 0": no inventory is wanted.
                Ok(soap::respond(version, &reporting::GetRequiredInventoryTypeResponse(0)))
            }
            AgentRequest::ReportInventory(request) => {
                self.session(request.cookie.as_ref(), outcome)?;
                // None was asked for, so none is kept, and the client is told so.
                Ok(soap::respond(version, &reporting::ReportInventoryResponse(false)))
            }
        }
    }

    fn fault(
        &self,
        call: &SoapCall,
        version: SoapVersion,
        error: &ServiceError,
        outcome: Outcome,
    ) -> SoapAnswer {
        let (code, message) = error.fault();
        let id = Uuid::new_v4();
        match error.is_failure() {
            true => error!(fault.id = %id, code = code.name(), cause = %error, "fault"),
            false => debug!(fault.id = %id, code = code.name(), cause = %error, "fault"),
        }
        let method = call.soap_action.clone();
        let method = method.or_else(|| outcome.operation.map(|op| format!("\"{}\"", op.action())));
        let fault = Fault { code, message, id, method, actor: actor(call) };
        SoapAnswer {
            status: Fault::HTTP_STATUS,
            content_type: version.content_type(),
            pieces: fault.write(call.service.style(), version).finish(),
            close: false,
            outcome: Outcome { fault: Some(code.name()), ..outcome },
        }
    }
}

fn is_repairable(error: &ServiceError) -> bool {
    match error {
        ServiceError::Soap(error) => error.is_repairable(),
        ServiceError::Request(error) => error.is_repairable(),
        _ => false,
    }
}

/// The service's own address, which the real server's ASMX stack adds to faults.
fn actor(call: &SoapCall) -> Option<String> {
    let scheme = if call.https { "https" } else { "http" };
    let host = call.host.as_deref()?;
    Some(format!("{scheme}://{host}{}", call.service.path()))
}
