//! An upstream server that does what the test says, also what no real one should.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::metadata::parse::parse;
use crate::metadata::text::decode_document;
use crate::wire::body::BodyWriter;
use crate::wire::fault::{ErrorCode, Fault};
use crate::wire::operation::{Operation, Service};
use crate::wire::soap::codec::Content;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::time::DateTime;
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::dss_auth::{
    GetAuthorizationCookieRequest, GetAuthorizationCookieResponse,
};
use crate::wire::wsusss::rollup::{
    GetOutOfSyncComputersResponse, GetRollupConfigurationResponse, RollupComputerStatusResponse,
    RollupComputersResponse, RollupConfiguration, RollupDownstreamServersResponse,
};
use crate::wire::wsusss::server_sync::*;
use crate::wire::wsusss::{AuthorizationCookie, Cookie};
use crate::wire::xpress;

/// What the next answer to an operation is to be.
#[derive(Debug, Clone)]
pub(in crate::upstream) enum Misbehaviour {
    Fault(ErrorCode),
    /// A page of a proxy.
    Status(u16),
    /// The connection ends in the middle of the answer.
    Cut,
    /// Nothing comes.
    Silence,
    /// These bytes, with status 200.
    Garbage(&'static str),
}

/// What the server has and does.
#[derive(Default)]
pub(in crate::upstream) struct World {
    /// Each revision's document, and the moment at which it came.
    pub(in crate::upstream) documents: BTreeMap<UpdateIdentity, (String, u64)>,
    /// What is listed beside them, and not there.
    pub(in crate::upstream) phantoms: Vec<UpdateIdentity>,
    /// What is sent instead of a document.
    pub(in crate::upstream) blobs: HashMap<UpdateIdentity, Content<Vec<u8>>>,
    /// Most revisions in one answer, and in one request.
    pub(in crate::upstream) per_answer: usize,
    pub(in crate::upstream) per_request: i32,
    /// Most devices in a question for drivers.
    pub(in crate::upstream) devices_per_request: i32,
    /// Most revisions in a question for keys.
    pub(in crate::upstream) keys_per_request: i32,
    pub(in crate::upstream) misbehave: HashMap<Operation, VecDeque<Misbehaviour>>,
    /// `gzip`, `xpress` or none.
    pub(in crate::upstream) encoding: Option<&'static str>,
    /// Cookies of an earlier generation are refused.
    pub(in crate::upstream) generation: u8,
    pub(in crate::upstream) clock: u64,
    /// When its cookies expire, in Unix seconds.
    pub(in crate::upstream) expires: i64,
    pub(in crate::upstream) protocol_version: &'static str,
    pub(in crate::upstream) catalog_only: bool,
    pub(in crate::upstream) asked: Vec<(Operation, String)>,
    /// Files by their path, what is to go wrong with the next requests, and bytes sent.
    pub(in crate::upstream) files: HashMap<String, Vec<u8>>,
    pub(in crate::upstream) file_faults: VecDeque<FileFault>,
    pub(in crate::upstream) sent: u64,
    /// What faults say beside their code.
    pub(in crate::upstream) message: Option<String>,
    /// What GetDeployments answers.
    pub(in crate::upstream) decided: ServerSyncDeploymentResult<'static>,
    /// What answers instead, where it does: with a status and a body.
    pub(in crate::upstream) instead: Option<Instead>,
}

/// The key of every file that has one.
pub(in crate::upstream) const KEY: &[u8] = b"open sesame";

/// What goes wrong with a request for a file.
pub(in crate::upstream) enum FileFault {
    Status(u16),
    /// The connection ends after so many bytes.
    Cut(u64),
    /// Other bytes than were asked for.
    WrongRange,
    /// All of it.
    NoRanges,
    /// A bit is another one.
    Corrupt,
    Redirect(String),
}

pub(in crate::upstream) type Instead = Box<dyn Fn(Operation, &str) -> Option<(u16, String)> + Send>;

pub(in crate::upstream) struct Fake {
    pub(in crate::upstream) url: String,
    pub(in crate::upstream) world: Arc<Mutex<World>>,
}

impl Fake {
    pub(in crate::upstream) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let world = World {
            per_answer: 100,
            per_request: 100,
            expires: 2_000_000_000,
            protocol_version: "1.20",
            ..World::default()
        };
        let world = Arc::new(Mutex::new(world));
        let shared = Arc::clone(&world);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(Arc::clone(&shared), request));
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, world }
    }

    pub(in crate::upstream) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The bodies of the requests of one operation.
    pub(in crate::upstream) fn asked(&self, operation: Operation) -> Vec<String> {
        let world = self.world();
        let asked = world.asked.iter().filter(|(asked, _)| *asked == operation);
        asked.map(|(_, body)| body.clone()).collect()
    }
}

impl World {
    /// Adds a document as it is in a file.
    pub(in crate::upstream) fn add(&mut self, document: &[u8]) -> UpdateIdentity {
        let text = decode_document(document, 1 << 20).unwrap();
        let identity = parse(&text).unwrap().identity;
        self.clock += 1;
        self.documents.insert(identity, (text, self.clock));
        identity
    }

    fn respond(&self, operation: Operation, body: &str) -> Result<BodyWriter, ErrorCode> {
        let version = SoapVersion::V11;
        let envelope = soap::open(body, operation.service(), Some(operation)).unwrap();
        Ok(match operation {
            Operation::GetAuthConfig => soap::respond(version, &auth_config()),
            Operation::DssAuthGetAuthorizationCookie => {
                let request: GetAuthorizationCookieRequest<'_> = envelope.read().unwrap();
                assert!(request.account_name.is_some_and(|name| !name.is_empty()));
                let cookie = AuthorizationCookie {
                    plug_in_id: Some("DssTargeting".into()),
                    cookie_data: Some(vec![1; 496]),
                };
                soap::respond(version, &GetAuthorizationCookieResponse { result: Some(cookie) })
            }
            Operation::ServerSyncGetCookie => {
                let request: GetCookieRequest<'_> = envelope.read().unwrap();
                assert_eq!(
                    request.auth_cookies.unwrap()[0].cookie_data.as_ref().unwrap().len(),
                    496
                );
                soap::respond(version, &GetCookieResponse { result: Some(self.cookie()) })
            }
            Operation::GetConfigData => {
                let request: GetConfigDataRequest<'_> = envelope.read().unwrap();
                self.check(request.cookie)?;
                soap::respond(version, &self.config(request.config_anchor.is_some()))
            }
            Operation::GetRevisionIdList => {
                let request: GetRevisionIdListRequest<'_> = envelope.read().unwrap();
                self.check(request.cookie)?;
                soap::respond(version, &self.list(request.filter.unwrap())?)
            }
            Operation::GetDriverIdList => {
                let request: GetDriverIdListRequest<'_> = envelope.read().unwrap();
                self.check(request.cookie)?;
                soap::respond(version, &self.drivers(request.filter.unwrap())?)
            }
            Operation::GetUpdateData => {
                let request: GetUpdateDataRequest = envelope.read().unwrap();
                self.check(request.cookie)?;
                soap::respond(version, &self.data(request.update_ids.unwrap())?)
            }
            Operation::GetUpdateDecryptionData => {
                let request: GetUpdateDecryptionDataRequest = envelope.read().unwrap();
                self.check(request.cookie)?;
                let keys = request.update_ids.unwrap().into_iter().map(|update_id| {
                    let key = ServerSyncFileDecryption {
                        file_digest: Some(vec![7; 20]),
                        decryption_key: Some(KEY.to_vec()),
                    };
                    ServerSyncUpdateFileDecryption {
                        update_id: Some(update_id),
                        file_decryption_data: Some(vec![key]),
                    }
                });
                let update_file_decryption_data = Some(keys.collect());
                let result = Some(ServerDecryptionData { update_file_decryption_data });
                soap::respond(version, &GetUpdateDecryptionDataResponse { result })
            }
            Operation::DownloadFiles => {
                let request: DownloadFilesRequest = envelope.read().unwrap();
                self.check(request.cookie)?;
                assert_eq!(request.file_digest_list.unwrap()[0].len(), 20);
                soap::respond(version, &DownloadFilesResponse::default())
            }
            Operation::GetDeployments => {
                let request: GetDeploymentsRequest<'_> = envelope.read().unwrap();
                self.check(request.cookie)?;
                assert!(request.sync_anchor.is_some_and(|anchor| !anchor.is_empty()));
                let result = Some(self.decided.clone());
                soap::respond(version, &GetDeploymentsResponse { result })
            }
            Operation::GetRollupConfiguration => {
                let result = RollupConfiguration {
                    do_detailed_rollup: Some(true),
                    rollup_reset_guid: Some(Uuid::from_u128(1)),
                    server_id: Some(Uuid::from_u128(2)),
                    ..RollupConfiguration::default()
                };
                soap::respond(version, &GetRollupConfigurationResponse { result: Some(result) })
            }
            Operation::RollupDownstreamServers => {
                soap::respond(version, &RollupDownstreamServersResponse::default())
            }
            Operation::RollupComputers => {
                soap::respond(version, &RollupComputersResponse { result: Some(vec![]) })
            }
            Operation::GetOutOfSyncComputers => {
                soap::respond(version, &GetOutOfSyncComputersResponse { result: Some(vec![]) })
            }
            Operation::RollupComputerStatus => {
                soap::respond(version, &RollupComputerStatusResponse { result: Some(true) })
            }
            other => panic!("{other:?} is not expected"),
        })
    }

    fn cookie(&self) -> Cookie {
        Cookie {
            expiration: DateTime::from_unix(self.expires, 0),
            encrypted_data: Some(vec![self.generation; 32]),
        }
    }

    fn check(&self, cookie: Option<Cookie>) -> Result<(), ErrorCode> {
        match cookie == Some(self.cookie()) {
            true => Ok(()),
            false => Err(ErrorCode::InvalidCookie),
        }
    }

    fn config(&self, has_anchor: bool) -> GetConfigDataResponse<'static> {
        let german = ServerSyncLanguageData {
            language_id: Some(1031),
            short_language: Some("de".into()),
            long_language: Some("German".into()),
            enabled: Some(true),
        };
        let result = ServerSyncConfigData {
            catalog_only_sync: Some(self.catalog_only),
            lazy_sync: Some(true),
            max_number_of_updates_per_request: Some(self.per_request),
            max_number_of_pnp_hardware_ids_in_request: Some(self.devices_per_request),
            max_updates_per_request_in_get_update_decryption_data: Some(self.keys_per_request),
            new_config_anchor: Some("1,2026-10-04 16:33:26.668".into()),
            protocol_version: Some(self.protocol_version.into()),
            language_update_list: Some(if has_anchor { vec![] } else { vec![german] }),
            ..ServerSyncConfigData::default()
        };
        GetConfigDataResponse { result: Some(result) }
    }

    fn list(
        &self,
        filter: ServerSyncFilter<'_>,
    ) -> Result<GetRevisionIdListResponse<'static>, ErrorCode> {
        let anchor = match filter.anchor.as_deref().map(str::parse::<u64>) {
            None => 0,
            Some(Ok(anchor)) => anchor,
            Some(Err(_)) => return Err(ErrorCode::InvalidParameters),
        };
        let is_config = filter.get_config == Some(true);
        // Which entries a document is in: none of the list, or all it has; and whether one of those
        // wants all that there is.
        let within = |list: &Option<Vec<IdAndDelta>>, text: &str| match list {
            None => (true, false),
            Some(list) => {
                let text = text.to_lowercase();
                let own = list.iter().filter(|it| text.contains(&it.id.unwrap().to_string()));
                let own: Vec<_> = own.collect();
                (!own.is_empty(), own.iter().any(|it| it.delta == Some(false)))
            }
        };
        let revisions = self.documents.iter().filter(|(_, (text, added))| {
            let kind = parse(text).unwrap();
            let config = kind.category_type.is_some() || text.contains("\"Detectoid\"");
            if is_config || config {
                return is_config && config && *added > anchor;
            }
            let (product, all_of_product) = within(&filter.categories, text);
            let (class, all_of_class) = within(&filter.classifications, text);
            product && class && (all_of_product || all_of_class || *added > anchor)
        });
        let mut revisions: Vec<_> = revisions.map(|(identity, _)| *identity).collect();
        if !is_config {
            revisions.extend(&self.phantoms);
        }
        let result = RevisionIdList {
            anchor: Some(self.clock.to_string().into()),
            new_revisions: Some(Content::Value(revisions)),
        };
        Ok(GetRevisionIdListResponse { result: Some(result) })
    }

    /// Drivers of any category for the devices.
    fn drivers(
        &self,
        filter: ServerSyncDriverFilter<'_>,
    ) -> Result<GetDriverIdListResponse<'static>, ErrorCode> {
        let anchor = match filter.anchor.as_deref().map(str::parse::<u64>) {
            None => 0,
            Some(Ok(anchor)) => anchor,
            Some(Err(_)) => return Err(ErrorCode::InvalidParameters),
        };
        assert!(filter.categories.is_some(), "it has to be present");
        let devices = filter.pnp_hardware_ids.unwrap();
        if devices.len() > usize::try_from(self.devices_per_request).unwrap() {
            return Err(ErrorCode::InvalidParameters);
        }
        let fits = |text: &str, added: u64| {
            let drives = parse(text).unwrap().drivers;
            devices.iter().any(|device| {
                let id = device.id.as_deref().unwrap();
                drives.iter().any(|driver| driver.hardware_id.eq_ignore_ascii_case(id))
                    && (device.delta == Some(false) || added > anchor)
            })
        };
        let drivers = self.documents.iter().filter(|(_, (text, added))| fits(text, *added));
        let result = DriverSetAndRevisionIdList {
            anchor: Some(self.clock.to_string().into()),
            new_revisions: Some(drivers.map(|(identity, _)| *identity).collect()),
            ..DriverSetAndRevisionIdList::default()
        };
        Ok(GetDriverIdListResponse { result: Some(result) })
    }

    fn data(
        &self,
        asked: Vec<UpdateIdentity>,
    ) -> Result<GetUpdateDataResponse<'static>, ErrorCode> {
        if asked.len() > usize::try_from(self.per_request).unwrap() {
            return Err(ErrorCode::InvalidParameters);
        }
        if asked.iter().any(|id| !self.documents.contains_key(id)) {
            return Err(ErrorCode::InternalServerError);
        }
        let update = |id: &UpdateIdentity| ServerSyncUpdateData {
            id: Some(*id),
            xml_update_blob: match self.blobs.get(id) {
                None => Some(Content::Value(self.documents[id].0.clone().into())),
                Some(_) => None,
            },
            xml_update_blob_compressed: self.blobs.get(id).cloned(),
            file_digest_list: None,
        };
        let urls = asked.iter().flat_map(|id| parse(&self.documents[id].0).unwrap().files);
        let urls = urls.map(|file| ServerSyncUrlData {
            file_digest: Some(file.sha1.0.to_vec()),
            mu_url: Some(format!("http://download.example/{}", file.sha1.to_hex()).into()),
            ..ServerSyncUrlData::default()
        });
        let result = ServerUpdateData {
            file_urls: Some(urls.collect()),
            updates: Some(asked.iter().take(self.per_answer).map(update).collect()),
        };
        Ok(GetUpdateDataResponse { result: Some(result) })
    }
}

fn auth_config() -> GetAuthConfigResponse<'static> {
    let plug_in = AuthPlugInInfo {
        plug_in_id: Some("DssTargeting".into()),
        service_url: Some("DssAuthWebService/DssAuthWebService.asmx".into()),
        parameter: Some("".into()),
    };
    let result = ServerAuthConfig { auth_info: Some(vec![plug_in]), ..ServerAuthConfig::default() };
    GetAuthConfigResponse { result: Some(result) }
}

async fn answer(
    world: Arc<Mutex<World>>,
    request: Request<Incoming>,
) -> Result<Response<FileBody>, std::io::Error> {
    let (parts, body) = request.into_parts();
    if parts.method == hyper::Method::GET {
        return Ok(file(&mut world.lock().unwrap(), &parts));
    }
    let service = Service::from_path(parts.uri.path()).unwrap();
    let action = parts.headers["soapaction"].to_str().unwrap();
    let operation = Operation::from_action(service, action).unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let body = std::str::from_utf8(&body).unwrap();
    let (misbehaviour, (encoding, said), outcome) = {
        let mut world = world.lock().unwrap();
        world.asked.push((operation, body.to_owned()));
        let instead = world.instead.as_ref().and_then(|instead| instead(operation, body));
        if let Some((status, text)) = instead {
            return Ok(Response::builder().status(status).body(whole(text.into())).unwrap());
        }
        let next = world.misbehave.get_mut(&operation).and_then(VecDeque::pop_front);
        let outcome = match &next {
            Some(Misbehaviour::Fault(code)) => Err(*code),
            _ => world.respond(operation, body),
        };
        (next, (world.encoding, world.message.clone()), outcome)
    };
    match misbehaviour {
        Some(Misbehaviour::Status(status)) => {
            let mut response = Response::new(whole("<html>later</html>".into()));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            return Ok(response);
        }
        Some(Misbehaviour::Garbage(text)) => return Ok(Response::new(whole(text.into()))),
        Some(Misbehaviour::Silence) => std::future::pending().await,
        Some(Misbehaviour::Cut) => return Err(std::io::Error::other("cut")),
        _ => {}
    }
    let (status, written) = match outcome {
        Ok(written) => (200, written),
        Err(code) => {
            let parameter = (code == ErrorCode::InvalidParameters).then(|| "filter".to_owned());
            let message = parameter.or(said);
            let fault = Fault { code, message, id: Uuid::nil(), method: None, actor: None };
            (500, fault.write(service.style(), SoapVersion::V11))
        }
    };
    let plain: Vec<u8> =
        written.finish().iter().flat_map(|it| it.bytes().expect("whole")).collect();
    let mut response = Response::builder().status(status);
    let body = match encoding {
        Some("xpress") => {
            let mut packed = Vec::new();
            xpress::encode(&plain, &mut packed);
            packed
        }
        Some("gzip") => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&plain).unwrap();
            packed.finish().unwrap()
        }
        _ => plain,
    };
    if let Some(encoding) = encoding {
        response = response.header("Content-Encoding", encoding);
    }
    // So slow that several connections are busy at once.
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(response.body(whole(body.into())).unwrap())
}

type FileBody = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

fn file(world: &mut World, parts: &hyper::http::request::Parts) -> Response<FileBody> {
    let empty = |status: u16| Response::builder().status(status).body(whole(Bytes::new())).unwrap();
    let fault = world.file_faults.pop_front();
    match &fault {
        Some(FileFault::Status(status)) => return empty(*status),
        Some(FileFault::Redirect(to)) => {
            let mut response = empty(302);
            response.headers_mut().insert("Location", to.parse().unwrap());
            return response;
        }
        _ => {}
    }
    let Some(content) = world.files.get(parts.uri.path()) else { return empty(404) };
    let size = content.len() as u64;
    let range = parts.headers["range"].to_str().unwrap().strip_prefix("bytes=").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (mut first, mut last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    let mut status = 206;
    match fault {
        Some(FileFault::WrongRange) => first += 1,
        Some(FileFault::NoRanges) => (status, first, last) = (200, 0, size - 1),
        _ => {}
    }
    let mut bytes = content[first as usize..=last as usize].to_vec();
    if let Some(FileFault::Corrupt) = fault {
        bytes[0] ^= 1;
    }
    let response = Response::builder()
        .status(status)
        .header("Content-Range", format!("bytes {first}-{last}/{size}"))
        .header("Content-Length", bytes.len());
    let body = match fault {
        Some(FileFault::Cut(after)) if after < bytes.len() as u64 => {
            bytes.truncate(after as usize);
            let frame = hyper::body::Frame::data(Bytes::from(bytes.clone()));
            let frames = [Ok(frame), Err(std::io::Error::other("cut"))];
            Frames(frames.into_iter().collect()).boxed()
        }
        _ => whole(Bytes::from(bytes.clone())),
    };
    // What nobody asked for is not taken in, and says nothing of what is fetched twice.
    if status == 206 && first.to_string() == range.split('-').next().unwrap() {
        world.sent += bytes.len() as u64;
    }
    response.body(body).unwrap()
}

fn whole(bytes: Bytes) -> FileBody {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

struct Frames(VecDeque<Result<hyper::body::Frame<Bytes>, std::io::Error>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}
