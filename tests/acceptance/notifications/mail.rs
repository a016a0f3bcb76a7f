//! A mail server: SMTP with STARTTLS and a login (RFC 5321, 3207, 4954), as far as a client needs it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longest that a message may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a socket of its own, which calls itself localhost.
pub(super) struct MailServer {
    pub(super) port: u16,
    /// Its own certificate, to be trusted.
    pub(super) certificate: String,
    mails: mpsc::Receiver<Mail>,
}

/// A mail, taken or refused.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    pub(super) text: String,
    pub(super) encrypted: bool,
    pub(super) signed_in: bool,
}

/// What the server's sessions share.
struct Shared {
    tls: Arc<ServerConfig>,
    /// What AUTH PLAIN has to say.
    login: String,
    mails: mpsc::Sender<Mail>,
}

impl MailServer {
    /// A server that lets one user in, and refuses the first mails for the moment.
    pub(super) fn start(user: &str, password: &str, refused: usize) -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let certificate = key.cert.pem();
        let chain: Vec<CertificateDer<'static>> = vec![key.cert.der().clone()];
        let key = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("usable");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let (sender, mails) = mpsc::channel();
        let login = BASE64.encode(format!("\0{user}\0{password}"));
        let shared = Shared { tls: Arc::new(config), login, mails: sender };
        thread::spawn(move || {
            let mut left = refused;
            for stream in listener.incoming() {
                // Whoever goes away in the middle has sent no mail.
                let _ = shared.session(stream.expect("a connection"), &mut left);
            }
        });
        Self { port, certificate, mails }
    }

    pub(super) fn next(&self) -> Mail {
        self.mails.recv_timeout(PATIENCE).expect("a mail")
    }

    pub(super) fn comes_nothing_for(&self, time: Duration) -> bool {
        self.mails.recv_timeout(time).is_err()
    }
}

impl Shared {
    fn session(&self, mut stream: TcpStream, refused: &mut usize) -> io::Result<()> {
        stream.write_all(b"220 localhost ESMTP\r\n")?;
        let mut plain = BufReader::new(stream);
        loop {
            let line = read_line(&mut plain)?;
            let answer = match line.to_ascii_uppercase().as_str() {
                line if line.starts_with("EHLO ") => "250-localhost\r\n250 STARTTLS\r\n",
                "STARTTLS" => break,
                "QUIT" => return Ok(()),
                _ => "530 Must issue a STARTTLS command first\r\n",
            };
            plain.get_mut().write_all(answer.as_bytes())?;
        }
        let mut stream = plain.into_inner();
        stream.write_all(b"220 Go ahead\r\n")?;
        let connection = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        self.encrypted(StreamOwned::new(connection, stream), refused)
    }

    fn encrypted(&self, stream: impl Read + Write, refused: &mut usize) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut mail = Mail { encrypted: true, ..Mail::default() };
        loop {
            let line = read_line(&mut stream)?;
            let address = || {
                let (_, rest) = line.split_once('<')?;
                rest.split_once('>').map(|(address, _)| address.to_owned())
            };
            let answer = match line.as_str() {
                line if line.starts_with("EHLO ") => "250-localhost\r\n250 AUTH PLAIN\r\n",
                line if line.starts_with("AUTH PLAIN ") => {
                    mail.signed_in = line.trim_start_matches("AUTH PLAIN ") == self.login;
                    if mail.signed_in { "235 Welcome\r\n" } else { "535 Who is that?\r\n" }
                }
                line if line.starts_with("MAIL FROM:") && mail.signed_in => {
                    mail.sender = address().unwrap_or_default();
                    "250 OK\r\n"
                }
                line if line.starts_with("RCPT TO:") && mail.signed_in => {
                    mail.recipients.extend(address());
                    "250 OK\r\n"
                }
                "DATA" if mail.signed_in => {
                    stream.get_mut().write_all(b"354 Go ahead\r\n")?;
                    while let line = read_line(&mut stream)?
                        && line != "."
                    {
                        mail.text.push_str(&format!("{line}\n"));
                    }
                    drop(self.mails.send(std::mem::take(&mut mail)));
                    mail = Mail { encrypted: true, signed_in: true, ..Mail::default() };
                    if *refused > 0 {
                        *refused -= 1;
                        "451 Try again later\r\n"
                    } else {
                        "250 OK\r\n"
                    }
                }
                "QUIT" => return stream.get_mut().write_all(b"221 Bye\r\n"),
                "RSET" | "NOOP" => "250 OK\r\n",
                _ => "503 Not now\r\n",
            };
            stream.get_mut().write_all(answer.as_bytes())?;
            stream.get_mut().flush()?;
        }
    }
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
