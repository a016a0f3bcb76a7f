//! `weir tls`: what to compare, what to trust, and the policy values to paste.

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{cell, fields, write_out};
use super::{CliError, Context, failed};
use crate::server::Authority;
use crate::server::certificates::{CertificateFacts, describe};

/// Certificates, and what to tell Windows.
#[derive(Debug, Subcommand)]
pub(super) enum Tls {
    /// The root and the server's certificate, with fingerprints.
    Show,
    /// The root in PEM, and how to make Windows trust it.
    Trust,
}

impl Tls {
    pub(super) fn run(self, context: &Context) -> Result<(), CliError> {
        if context.remote.is_some() {
            // Over the network nobody could say whose root it is that they are told to trust.
            let reason = "certificates are shown on the machine of their server, without --api";
            return Err(CliError::Failed(reason.to_owned()));
        }
        let authority = Authority::new(&context.config.data, &context.config.tls.names);
        let own = context.config.tls.certificate.is_none();
        let server_file =
            context.config.tls.certificate.clone().unwrap_or_else(|| authority.server_file());
        let server = describe(&server_file).map_err(|error| failed(&error))?;
        let port = context.config.https.rsplit_once(':').map_or("8531", |(_, port)| port);
        let name = server.names.iter().find(|name| !is_local(name));
        let name = name.map_or("THIS-HOST", String::as_str);
        let address = format!("https://{name}:{port}");
        let mut answer = json!({
            "server": facts(&server),
            "policy": { "WUServer": address, "WUStatusServer": address, "UseWUServer": 1 },
        });
        if own {
            let root = authority.root().map_err(|error| failed(&error))?;
            answer["root"] = facts(&root);
            let pem = std::fs::read_to_string(authority.root_file());
            answer["root"]["pem"] = json!(pem.map_err(|error| failed(&error))?);
        }
        match self {
            Self::Show => context.output.print(&answer, fields),
            Self::Trust if !own => Err(CliError::Failed(
                "the server uses its own certificate file; trust the root of whoever issued it"
                    .into(),
            )),
            Self::Trust if context.output.json => context.output.print(&answer, fields),
            Self::Trust => write_out(&instructions(&answer)),
        }
    }
}

fn is_local(name: &str) -> bool {
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok()
}

fn facts(certificate: &CertificateFacts) -> Value {
    json!({
        "subject": certificate.subject,
        "expires": certificate.expires.to_string(),
        "names": certificate.names,
        "sha1": certificate.sha1,
        "sha256": certificate.sha256,
    })
}

/// Instructions on standard output as comments, so that the whole is still a PEM file.
fn instructions(answer: &Value) -> String {
    let root = &answer["root"];
    let policy = &answer["policy"];
    format!(
        "# Root of this server. Before trusting it, compare its fingerprint with `weir tls show`\n\
         # on the server:\n\
         #   SHA-1    {}\n\
         #   SHA-256  {}\n\
         # Windows, one computer, as administrator:\n\
         #   certutil -addstore -f Root weir-root.pem\n\
         # A domain: Computer Configuration > Windows Settings > Security Settings >\n\
         #   Public Key Policies > Trusted Root Certification Authorities > Import.\n\
         # Then set, under HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate:\n\
         #   WUServer        {}\n\
         #   WUStatusServer  {}\n\
         #   AU\\UseWUServer  1 (DWORD)\n\
         {}",
        cell(&root["sha1"]),
        cell(&root["sha256"]),
        cell(&policy["WUServer"]),
        cell(&policy["WUStatusServer"]),
        root["pem"].as_str().unwrap_or_default(),
    )
}
