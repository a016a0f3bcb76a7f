//! How long a downstream server waits to be told what there is, when nobody asked before it.

use std::time::Instant;

use tokio::runtime::Builder;

use super::{Found, middle};
use crate::agent::call;
use crate::connection::Target;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::soap::{DSS_AUTH, SERVER_SYNC, element};
use crate::{Outcome, stage};

/// Starts; the middle one counts.
const STARTS: usize = 3;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Found> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let data = copy.path().join("data");
    let starts = if options.quick { 1 } else { STARTS };
    let mut listed = 0;
    let mut times = Vec::new();
    for _ in 0..starts {
        // Nothing is remembered by a server that just started.
        let server = Process::serve(&data)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (took, count) = runtime.block_on(ask(&server))?;
        listed = count;
        times.push(took);
        server.stop()?;
    }
    let note = format!("{listed} revisions; the middle one of {starts} starts");
    Ok(Found { value: middle(times), reference: None, note })
}

/// Seconds until the whole list is here, and how long it is.
async fn ask(server: &Process) -> Outcome<(f64, usize)> {
    let mut connection = Target::plain(server.http).connect().await?;
    let identity = "<accountName>bench.example</accountName>\
                    <accountGuid>6f1c2f6e-3f0b-4d3a-9b1e-0d2f6a1c5e12</accountGuid>";
    let request = DSS_AUTH.request("GetAuthorizationCookie", identity);
    let answer = call(&mut connection, request).await?;
    let data = element(&answer, "CookieData").ok_or("no authorization")?;
    let request = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId>\
         <CookieData>{data}</CookieData></AuthorizationCookie></authCookies>\
         <protocolVersion>1.20</protocolVersion>"
    );
    let answer = call(&mut connection, SERVER_SYNC.request("GetCookie", &request)).await?;
    let data = element(&answer, "EncryptedData").ok_or("no cookie")?;
    let request = format!(
        "<cookie><EncryptedData>{data}</EncryptedData></cookie>\
         <filter><GetConfig>false</GetConfig></filter>"
    );
    let began = Instant::now();
    let answer = call(&mut connection, SERVER_SYNC.request("GetRevisionIdList", &request)).await?;
    let took = began.elapsed().as_secs_f64();
    Ok((took, answer.matches("<UpdateIdentity>").count()))
}
