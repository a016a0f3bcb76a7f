//! Every operation the server knows by name, and what follows from the name alone.
//!
//! A request is turned into an [`Operation`] from its path and SOAPAction before anything of its
//! body is read: the body limit, the log line, the metric and the fault's shape hang on it.

/// A web service: one path, one way to write envelopes ([MS-WUSP] 2.1, [MS-WSUSSS] 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// `/ClientWebService/Client.asmx`
    Client,
    /// `/SimpleAuthWebService/SimpleAuth.asmx`
    SimpleAuth,
    /// `/ReportingWebService/ReportingWebService.asmx`
    Reporting,
}

/// How the real server writes envelopes of a service (it runs two SOAP stacks).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeStyle {
    /// No XML declaration, prefix `s`, `xsi` and `xsd` declared on the body.
    Wcf,
    /// XML declaration, prefix `soap`, `xsi` and `xsd` declared on the envelope.
    Asmx,
}

const CLIENT_NS: &str = "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService";
const SIMPLE_AUTH_NS: &str =
    "http://www.microsoft.com/SoftwareDistribution/Server/SimpleAuthWebService";
const REPORTING_NS: &str = "http://www.microsoft.com/SoftwareDistribution";

impl Service {
    /// All services.
    pub const ALL: [Self; 3] = [Self::Client, Self::SimpleAuth, Self::Reporting];

    /// The path in lower case; requests match it in any case.
    pub fn path(self) -> &'static str {
        match self {
            Self::Client => "/clientwebservice/client.asmx",
            Self::SimpleAuth => "/simpleauthwebservice/simpleauth.asmx",
            Self::Reporting => "/reportingwebservice/reportingwebservice.asmx",
        }
    }

    /// The service at `path`, in any letter case and with doubled slashes.
    pub fn from_path(path: &str) -> Option<Self> {
        let mut canonical = String::with_capacity(path.len());
        for character in path.chars() {
            if character != '/' || !canonical.ends_with('/') {
                canonical.push(character.to_ascii_lowercase());
            }
        }
        match canonical.as_str() {
            // The contract's own spelling, which Microsoft's sample code uses.
            "/reportingwebservice/webservice.asmx" => Some(Self::Reporting),
            path => Self::ALL.into_iter().find(|service| service.path() == path),
        }
    }

    /// Namespace of the service's messages, and what its SOAPActions start with.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Client => CLIENT_NS,
            Self::SimpleAuth => SIMPLE_AUTH_NS,
            Self::Reporting => REPORTING_NS,
        }
    }

    /// How the real server writes this service's envelopes.
    pub fn style(self) -> EnvelopeStyle {
        match self {
            Self::Client => EnvelopeStyle::Wcf,
            Self::SimpleAuth | Self::Reporting => EnvelopeStyle::Asmx,
        }
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $service:ident $name:ident $body:expr;)*) => {
        /// One operation of one service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($(#[$doc])* $name,)* }

        impl Operation {
            /// All operations.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the contract, which is also the request element's.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The service it belongs to.
            pub fn service(self) -> Service {
                match self { $(Self::$name => Service::$service,)* }
            }

            /// Most bytes accepted of a request body.
            pub fn body_limit(self) -> usize {
                match self { $(Self::$name => $body,)* }
            }
        }
    };
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

// Body limits: the largest recorded request of each kind, times at least ten. A SyncUpdates
// request with 10,000 cached ids is 151 KB, a driver pass with 75 devices 50 KB.
operations! {
    /// [MS-WUSP] 2.2.2.2.1
    Client GetConfig 16 * KIB;
    /// The contract's second form of GetConfig; not in the prose of the specification.
    Client GetConfig2 16 * KIB;
    /// [MS-WUSP] 2.2.2.2.2
    Client GetCookie 64 * KIB;
    /// [MS-WUSP] 2.2.2.2.3
    Client RegisterComputer 64 * KIB;
    /// [MS-WUSP] 2.2.2.2.8
    Client StartCategoryScan 64 * KIB;
    /// [MS-WUSP] 2.2.2.2.4
    Client SyncUpdates 4 * MIB;
    /// [MS-WUSP] 2.2.2.2.5
    Client RefreshCache 4 * MIB;
    /// [MS-WUSP] 2.2.2.2.6
    Client GetExtendedUpdateInfo 256 * KIB;
    /// [MS-WUSP] 2.2.2.2.10
    Client GetExtendedUpdateInfo2 256 * KIB;
    /// [MS-WUSP] 2.2.2.2.7
    Client GetFileLocations 256 * KIB;
    /// [MS-WUSP] 2.2.2.2.9
    Client SyncPrinterCatalog MIB;
    /// In the contract only.
    Client GetTimestamps 64 * KIB;
    /// [MS-WUSP] 2.2.2.1.1
    SimpleAuth GetAuthorizationCookie 16 * KIB;
    /// [MS-WUSP] 2.2.2.3.1
    Reporting ReportEventBatch 8 * MIB;
    /// In the contract only.
    Reporting ReportEventBatch2 8 * MIB;
    /// In the contract only.
    Reporting GetRequiredInventoryType 16 * KIB;
    /// In the contract only.
    Reporting ReportInventory 8 * MIB;
}

impl Operation {
    /// The SOAPAction, without quotes.
    pub fn action(self) -> String {
        format!("{}/{}", self.service().namespace(), self.name())
    }

    /// The operation of `service` that a SOAPAction names; quotes are optional.
    pub fn from_action(service: Service, action: &str) -> Option<Self> {
        let action = action.trim().trim_matches('"');
        let name = action.strip_prefix(service.namespace())?.strip_prefix('/')?;
        Self::from_name(service, name)
    }

    /// The operation of `service` whose request element is called `name`.
    pub fn from_name(service: Service, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.service() == service && op.name() == name)
    }
}
