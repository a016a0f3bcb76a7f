//! HTTPS with the certificates that the first start makes, and with those that replace them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use weir::server::tls::{Source, Tls};
use weir::server::{Authority, Drained, Limits};

use super::support::{CLIENT, Client, Running, post, start_with};

type Secured = Client<TlsStream<TcpStream>>;

async fn connect(
    server: &Running,
    root: &Path,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<Secured> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).expect("root")).expect("trusted");
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tcp = TcpStream::connect(server.https.expect("https")).await?;
    let name = ServerName::try_from(name.to_owned()).expect("name");
    Ok(Client::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?))
}

fn served(client: &Secured) -> Vec<u8> {
    let (_, session) = client.stream.get_ref();
    session.peer_certificates().expect("certificates")[0].to_vec()
}

struct Generated {
    authority: Authority,
    tls: Arc<Tls>,
    _data: tempfile::TempDir,
}

fn generated() -> Generated {
    generated_at(OffsetDateTime::now_utc())
}

fn generated_at(now: OffsetDateTime) -> Generated {
    let data = tempfile::tempdir().expect("dir");
    let authority = Authority::new(data.path(), &["wsus.corp.example".into()]);
    let source = Source::Generated(authority.clone());
    let tls = Tls::open(source, now).expect("tls");
    Generated { authority, tls, _data: data }
}

#[tokio::test]
async fn whoever_trusts_the_root_is_served_over_both_versions_and_all_names() {
    let Generated { authority, tls, _data } = generated();
    let server = start_with(Limits::default(), Some(tls), None).await;
    let root = authority.root_file();
    for version in [&TLS12, &TLS13] {
        for name in ["localhost", "127.0.0.1", "::1", "wsus.corp.example"] {
            let mut client = connect(&server, &root, name, &[version]).await.expect("handshake");
            let (_, session) = client.stream.get_ref();
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), None, "HTTP/1.1 needs no ALPN");
            let reply = client.ask(&post(CLIENT, "", "x")).await;
            assert!(reply.text().ends_with("https=true"), "{}", reply.text());
        }
    }
    assert!(connect(&server, &root, "other.example", &[&TLS13]).await.is_err());
    let stranger = generated();
    let distrusted =
        connect(&server, &stranger.authority.root_file(), "localhost", &[&TLS13]).await;
    assert!(distrusted.is_err());
}

#[tokio::test]
async fn reloading_swaps_the_certificate_under_open_connections() {
    let now = OffsetDateTime::now_utc();
    let Generated { authority, tls, _data } = generated_at(now - time::Duration::days(800));
    let server = start_with(Limits::default(), Some(tls.clone()), None).await;
    let root = authority.root_file();
    let mut before = connect(&server, &root, "localhost", &[&TLS13]).await.expect("before");

    assert!(tls.reload(now).expect("renewed"));

    let mut after = connect(&server, &root, "localhost", &[&TLS13]).await.expect("after");
    assert_ne!(served(&before), served(&after));
    assert_eq!(before.ask(&post(CLIENT, "", "x")).await.status, 200);
    assert_eq!(after.ask(&post(CLIENT, "", "x")).await.status, 200);
}

#[tokio::test]
async fn handshakes_that_never_end_hold_nothing() {
    let Generated { authority, tls, _data } = generated();
    let limits =
        Limits { handshake_time: Duration::from_millis(300), connections: 4, ..Limits::default() };
    let server = start_with(limits, Some(tls), None).await;
    let address = server.https.expect("https");
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(Client::new(TcpStream::connect(address).await.expect("connect")));
    }
    silent[0].send(b"\x16\x03\x01\x02\x00").await;
    for client in &mut silent {
        client.closed().await;
    }
    let mut plain = Client::new(TcpStream::connect(address).await.expect("connect"));
    plain.send(post(CLIENT, "", "x").as_bytes()).await;
    let root = authority.root_file();
    let mut honest = connect(&server, &root, "localhost", &[&TLS13]).await.expect("handshake");
    assert_eq!(honest.ask(&post(CLIENT, "", "x")).await.status, 200);
}

#[tokio::test]
async fn stopping_loses_no_answer_over_tls() {
    let Generated { authority, tls, _data } = generated();
    let server = start_with(Limits::default(), Some(tls), None).await;
    let app = server.app.clone();
    let root = authority.root_file();
    let mut idle = connect(&server, &root, "localhost", &[&TLS13]).await.expect("idle");
    assert_eq!(idle.ask(&post(CLIENT, "", "x")).await.status, 200);
    let mut busy = connect(&server, &root, "localhost", &[&TLS13]).await.expect("busy");
    busy.send(post(CLIENT, "", "wait").as_bytes()).await;
    app.waiting.notified().await;
    // Shaking hands at the moment of the stop.
    let _greeting = TcpStream::connect(server.https.expect("https")).await.expect("connect");

    let ended = server.stop();
    idle.closed().await;
    app.go_on.notify_one();
    assert_eq!(busy.receive(false).await.expect("the answer").status, 200);
    busy.closed().await;
    assert_eq!(ended.await.expect("ended"), Drained::Completely);
}
