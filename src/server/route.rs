//! From a request's path to what it asks for.
//!
//! IIS matches paths in any letter case, and agents join a configured URL with or without a
//! trailing slash to a path, so both are forgiven here. Nothing else is: a content path is parsed
//! into a digest or refused, and no part of it reaches the file system.

use crate::wire::operation::Service;
use crate::wire::types::Sha1;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// An operation of a web service.
    Soap(Service),
    /// The contract of a web service: `?wsdl` on its path.
    Contract(Service),
    /// A content file ([MS-WUSP] 2.2.2.5).
    Content(Sha1),
    /// A content path without an extension; IIS answers 403, and a downstream server can tell that
    /// from an absent file.
    ContentWithoutExtension,
    /// The agent's own update for Windows 8.1 and older ([MS-WUSP] 2.2.2.5), which is Microsoft's
    /// to sign and is not here.
    SelfUpdate,
    /// The file that administrators open in a browser to see that a client reaches its server.
    ServerVersion,
    /// Whether the process is alive and takes changes.
    Health,
    /// Metrics in the text format of Prometheus.
    Metrics,
    /// Nothing of ours.
    Unknown,
}

/// Longest file name extension in a content path.
const MAX_EXTENSION: usize = 8;

impl Route {
    /// The route of a request, from the undecoded path and query of its URI.
    pub fn of(path: &str, query: Option<&str>) -> Self {
        if let Some(service) = Service::from_path(path) {
            return match query {
                Some(query) if query.eq_ignore_ascii_case("wsdl") => Self::Contract(service),
                _ => Self::Soap(service),
            };
        }
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let Some(first) = segments.next() else { return Self::Unknown };
        let rest = (segments.next(), segments.next(), segments.next());
        match (first.to_ascii_lowercase().as_str(), rest) {
            ("content", (Some(folder), Some(file), None)) => content(folder, file),
            ("selfupdate", _) => Self::SelfUpdate,
            ("clientwebservice", (Some(file), None, None))
                if file.eq_ignore_ascii_case("wusserverversion.xml") =>
            {
                Self::ServerVersion
            }
            ("healthz", (None, None, None)) => Self::Health,
            ("metrics", (None, None, None)) => Self::Metrics,
            _ => Self::Unknown,
        }
    }

    /// The name in logs and metrics of what is not an operation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Soap(Service::Client) => "client",
            Self::Soap(Service::SimpleAuth) => "simple_auth",
            Self::Soap(Service::Reporting) => "reporting",
            Self::Soap(Service::ServerSync) => "server_sync",
            Self::Soap(Service::DssAuth) => "dss_auth",
            Self::Contract(_) => "wsdl",
            Self::Content(_) | Self::ContentWithoutExtension => "content",
            Self::SelfUpdate => "self_update",
            Self::ServerVersion => "server_version",
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Unknown => "unknown",
        }
    }
}

/// `<XX>/<SHA-1>.<ext>`, where `XX` repeats the last two digits.
///
/// Anything outside hexadecimal digits and a short alphanumeric extension is refused, and with it
/// percent-encoding, dots, backslashes, colons and NUL in any spelling.
fn content(folder: &str, file: &str) -> Route {
    let (digits, extension) = match file.split_once('.') {
        Some((digits, extension)) => (digits, Some(extension)),
        None => (file, None),
    };
    let Some(sha1) = Sha1::from_hex(digits) else { return Route::Unknown };
    if !digits.get(digits.len() - 2..).is_some_and(|last| last.eq_ignore_ascii_case(folder)) {
        return Route::Unknown;
    }
    match extension {
        None => Route::ContentWithoutExtension,
        Some(extension)
            if (1..=MAX_EXTENSION).contains(&extension.len())
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            Route::Content(sha1)
        }
        Some(_) => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA1: &str = "A379D5526FB3A7A0423DA1CD7FC3182A8D448449";

    fn route(path: &str) -> Route {
        Route::of(path, None)
    }

    #[test]
    fn services_in_any_case_and_with_doubled_slashes() {
        assert_eq!(route("/ClientWebService/client.asmx"), Route::Soap(Service::Client));
        assert_eq!(route("//CLIENTWEBSERVICE//Client.ASMX"), Route::Soap(Service::Client));
        assert_eq!(
            route("/SimpleAuthWebService/SimpleAuth.asmx"),
            Route::Soap(Service::SimpleAuth)
        );
        assert_eq!(
            Route::of("/ReportingWebService/ReportingWebService.asmx", Some("WSDL")),
            Route::Contract(Service::Reporting)
        );
        assert_eq!(
            Route::of("/ClientWebService/client.asmx", Some("x=1")),
            Route::Soap(Service::Client)
        );
    }

    #[test]
    fn content_as_agents_spell_it() {
        let sha1 = Sha1::from_hex(SHA1).expect("digest");
        for path in [
            format!("/Content/49/{SHA1}.exe"),
            format!("/content/49/{}.CAB", SHA1.to_lowercase()),
            format!("//Content//49//{SHA1}.psf"),
        ] {
            assert_eq!(route(&path), Route::Content(sha1), "{path}");
        }
        assert_eq!(route(&format!("/Content/49/{SHA1}")), Route::ContentWithoutExtension);
    }

    #[test]
    fn content_in_every_other_spelling_is_nothing() {
        for path in [
            format!("/Content/48/{SHA1}.exe"),
            format!("/Content/{SHA1}.exe"),
            format!("/Content/4/{SHA1}.exe"),
            format!("/Content/49/{SHA1}."),
            format!("/Content/49/{SHA1}.tar.gz"),
            format!("/Content/49/{SHA1}.waytoolong"),
            format!("/Content/49/{SHA1}.ex%65"),
            format!("/Content/49/x/{SHA1}.exe"),
            format!("/Content/49/{SHA1}.exe/x"),
            format!("/Content/49/{SHA1}.exe::$DATA"),
            format!("/Content/49/{SHA1}:stream.exe"),
            format!("/Content/49/{SHA1}.exe%00"),
            format!("/Content/49/..%2f49%2f{SHA1}.exe"),
            format!("/Content/%34%39/{SHA1}.exe"),
            format!("/Content/49/../49/{SHA1}.exe"),
            format!("/Content/49\\{SHA1}.exe"),
            format!("/Content/49/..\\..\\{SHA1}.exe"),
            format!("/Content/../Content/49/{SHA1}.exe"),
            format!("/Content%2f49%2f{SHA1}.exe"),
            "/Content/..%c0%af..%c0%afetc/passwd".into(),
            "/Content/../../etc/passwd".into(),
            "/Content/".into(),
            "/Content/49/".into(),
            "/Content/€9/€€€€€€€€€€€€€.e".into(),
        ] {
            assert_eq!(route(&path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!(route("/selfupdate/wuident.cab"), Route::SelfUpdate);
        assert_eq!(route("/SelfUpdate/a/b/c/d.cab"), Route::SelfUpdate);
        assert_eq!(route("/ClientWebService/WusServerVersion.xml"), Route::ServerVersion);
        assert_eq!(route("/healthz"), Route::Health);
        assert_eq!(route("/metrics"), Route::Metrics);
        for path in ["", "/", "*", "/healthz/x", "/Inventory/inventoryrules.cab", "/ServerSync"] {
            assert_eq!(route(path), Route::Unknown, "{path}");
        }
    }

    proptest! {
        #[test]
        fn only_a_digest_ever_reaches_the_store(path in "/Content/[0-9A-F]{2}/.{0,60}") {
            if let Route::Content(sha1) = route(&path) {
                prop_assert!(path.to_uppercase().contains(&sha1.to_hex()));
            }
        }

        #[test]
        fn never_panics(path in ".{0,80}", query in proptest::option::of(".{0,10}")) {
            Route::of(&path, query.as_deref());
        }
    }
}
