//! Checks of what the server answers, by asking it: over its own listeners, as its clients do.
//!
//! The requests change nothing: Ping where there is one, and otherwise those with which a client begins.
//! Over TLS the listener has to show the certificate that is loaded; whether clients trust it, it
//! cannot know.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};

use super::{Found, Listeners, error, ok, warn};
use crate::admin::api::{BASE, Problem};
use crate::admin::{Subject, explain};
use crate::http::{Client, ClientLimits, Server, Trust, Whole};
use crate::wire::operation::Operation;
use crate::wire::soap::{self, SoapVersion};

/// How long an answer may take, and how much of it is read.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER: u64 = 1 << 20;

const PING: &str = "<pingLevel>0</pingLevel>";
/// What a server says that works.
const WORKS: &str = "<SuccessFlag>true</SuccessFlag>";

pub(super) async fn client(subject: &Subject) -> Found {
    soap(subject, Operation::GetConfig, "<protocolVersion>1.8</protocolVersion>", "").await
}

/// Nothing is stored of a client that only says who it is.
pub(super) async fn simple_auth(subject: &Subject) -> Found {
    let health = "<clientId>weir-health</clientId><targetGroupName></targetGroupName>\
                  <dnsName>localhost</dnsName>";
    soap(subject, Operation::GetAuthorizationCookie, health, "").await
}

pub(super) async fn reporting(subject: &Subject) -> Found {
    soap(subject, Operation::ReportingPing, PING, WORKS).await
}

pub(super) async fn server_sync(subject: &Subject) -> Found {
    soap(subject, Operation::ServerSyncPing, PING, WORKS).await
}

pub(super) async fn dss_auth(subject: &Subject) -> Found {
    soap(subject, Operation::DssAuthPing, PING, WORKS).await
}

/// What old agents look for is Microsoft's to sign and not here; they have to be told so.
pub(super) async fn self_update(subject: &Subject) -> Found {
    each(subject, |server| async move {
        let request = Request::get("/selfupdate/wuident.cab");
        let answer = ask(server, request, Bytes::new()).await?;
        match answer.head.status {
            StatusCode::NOT_FOUND if answer.body.starts_with(b"Agents of") => Ok(()),
            status => Err(format!("the answer is {status}")),
        }
    })
    .await
}

/// Over the socket, and over the network where it is there too. The path is that of no operation, so that
/// the answer waits for none.
pub(super) async fn api(subject: &Subject) -> Found {
    let Some(listeners) = subject.monitor.listeners() else { return unserved() };
    let mut servers = vec![("the socket", Ok(Server::at_socket(Path::new(&listeners.socket))))];
    if let Some((address, tls)) = listeners.admin {
        servers.push(("the network", server(listeners, address, tls)));
    }
    all(servers, |server| async move {
        let answer = ask(server, Request::get(BASE), Bytes::new()).await?;
        match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) if problem.status == 404 => Ok(()),
            _ => Err(format!("the answer is {} and no problem of this API", answer.head.status)),
        }
    })
    .await
}

async fn soap(subject: &Subject, operation: Operation, fields: &str, expected: &str) -> Found {
    let (name, namespace) = (operation.name(), operation.namespace());
    let body = Bytes::from(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <{name} xmlns=\"{namespace}\">{fields}</{name}></soap:Body></soap:Envelope>"
    ));
    each(subject, |server| {
        let request = Request::post(operation.service().path())
            .header(CONTENT_TYPE, SoapVersion::V11.content_type())
            .header("soapaction", format!("\"{}\"", operation.action()));
        let body = body.clone();
        async move {
            let answer = ask(server, request, body).await?;
            let text = String::from_utf8_lossy(&answer.body);
            soap::open_answer(&text, operation).map_err(|error| explain(&error))?;
            match text.contains(expected) {
                true => Ok(()),
                false => Err("it says that it does not work".to_owned()),
            }
        }
    })
    .await
}

/// Asks at every listener for clients.
async fn each<F: Future<Output = Result<(), String>>>(
    subject: &Subject,
    ask: impl Fn(Server) -> F,
) -> Found {
    let Some(listeners) = subject.monitor.listeners() else { return unserved() };
    let of = |address: Option<SocketAddr>, tls| {
        address.map(|address| (if tls { "https" } else { "http" }, server(listeners, address, tls)))
    };
    let servers = [of(listeners.http, false), of(listeners.https, true)];
    all(servers.into_iter().flatten().collect(), ask).await
}

async fn all<F: Future<Output = Result<(), String>>>(
    servers: Vec<(&str, Result<Server, String>)>,
    ask: impl Fn(Server) -> F,
) -> Found {
    let mut answered = Vec::new();
    for (way, server) in servers {
        let outcome = match server {
            Ok(server) => ask(server).await,
            Err(reason) => Err(reason),
        };
        match outcome {
            Ok(()) => answered.push(way),
            Err(reason) => return error(format!("over {way}: {reason}")),
        }
    }
    ok(format!("answers over {}", answered.join(" and ")))
}

fn unserved() -> Found {
    warn("this process serves nobody")
}

/// One of our own listeners. One that listens everywhere does so on the loopback address, too.
fn server(listeners: &Listeners, address: SocketAddr, tls: bool) -> Result<Server, String> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let scheme = if tls { "https" } else { "http" };
    let trust = match (tls, &listeners.certificates) {
        (true, Some(certificates)) => {
            let certificate = certificates.certificate().ok_or("there is no certificate")?;
            Some(Trust::exactly(certificate).map_err(|error| explain(&error))?)
        }
        _ => None,
    };
    let url = format!("{scheme}://{}", SocketAddr::new(ip, address.port()));
    Server::new(&url, trust).map_err(|error| explain(&error))
}

async fn ask(server: Server, request: Builder, body: Bytes) -> Result<Whole, String> {
    let request = request.header(HOST, server.authority()).body(Full::new(body));
    let request = request.map_err(|error| error.to_string())?;
    let limits = ClientLimits { body: ANSWER, connect: PATIENCE, exchange: PATIENCE };
    Client::new(server, limits).whole(request, true).await.map_err(|error| explain(&error))
}
