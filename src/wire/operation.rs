//! Every operation the server knows by name, and what follows from the name alone.
//!
//! A request is turned into an [`Operation`] from its path and SOAPAction before anything of its
//! body is read: the body limit, the log line, the metric and the fault's shape hang on it.

use crate::wire::xml::Limits;

/// A web service: one path, one way to write envelopes ([MS-WUSP] 2.1, [MS-WSUSSS] 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// `/ClientWebService/Client.asmx`
    Client,
    /// `/SimpleAuthWebService/SimpleAuth.asmx`
    SimpleAuth,
    /// `/ReportingWebService/ReportingWebService.asmx`: what agents report, and what downstream
    /// servers do.
    Reporting,
    /// `/ServerSyncWebService/ServerSyncWebService.asmx`
    ServerSync,
    /// `/DssAuthWebService/DssAuthWebService.asmx`
    DssAuth,
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
/// Reporting and ServerSync share it, and with it the start of their SOAPActions: only the path
/// tells their operations apart.
const SOFTWARE_DISTRIBUTION_NS: &str = "http://www.microsoft.com/SoftwareDistribution";
const DSS_AUTH_NS: &str = "http://www.microsoft.com/SoftwareDistribution/Server/DssAuthWebService";
/// Three services inherit Ping from one interface, whose namespace it keeps.
pub(crate) const MONITORABLE_NS: &str =
    "http://www.microsoft.com/SoftwareDistribution/Server/IMonitorable";

impl Service {
    /// All services.
    pub const ALL: [Self; 5] =
        [Self::Client, Self::SimpleAuth, Self::Reporting, Self::ServerSync, Self::DssAuth];

    /// The path; requests match it in any letter case.
    pub fn path(self) -> &'static str {
        match self {
            Self::Client => "/ClientWebService/Client.asmx",
            Self::SimpleAuth => "/SimpleAuthWebService/SimpleAuth.asmx",
            Self::Reporting => "/ReportingWebService/ReportingWebService.asmx",
            Self::ServerSync => "/ServerSyncWebService/ServerSyncWebService.asmx",
            Self::DssAuth => "/DssAuthWebService/DssAuthWebService.asmx",
        }
    }

    /// The service at `path`, in any letter case and with doubled slashes.
    pub fn from_path(path: &str) -> Option<Self> {
        let at = |path: &str| Self::ALL.into_iter().find(|it| it.path().eq_ignore_ascii_case(path));
        // As agents write it.
        if let Some(service) = at(path) {
            return Some(service);
        }
        let mut canonical = String::with_capacity(path.len());
        for character in path.chars() {
            if character != '/' || !canonical.ends_with('/') {
                canonical.push(character.to_ascii_lowercase());
            }
        }
        match canonical.as_str() {
            // The contracts' own spellings; Microsoft's sample code uses the first.
            "/reportingwebservice/webservice.asmx" => Some(Self::Reporting),
            "/serversyncwebservice/serversyncproxy.asmx" => Some(Self::ServerSync),
            path => at(path),
        }
    }

    /// Namespace of the service's own messages; see [`Operation::namespace`].
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Client => CLIENT_NS,
            Self::SimpleAuth => SIMPLE_AUTH_NS,
            Self::Reporting | Self::ServerSync => SOFTWARE_DISTRIBUTION_NS,
            Self::DssAuth => DSS_AUTH_NS,
        }
    }

    /// How the real server writes this service's envelopes.
    pub fn style(self) -> EnvelopeStyle {
        match self {
            Self::Client => EnvelopeStyle::Wcf,
            Self::SimpleAuth | Self::Reporting | Self::ServerSync | Self::DssAuth => {
                EnvelopeStyle::Asmx
            }
        }
    }

    /// What a request's XML may contain.
    pub(crate) fn limits(self) -> Limits {
        match self {
            // A full rollup has 4 elements for each update on each computer of its batch.
            Self::Reporting => Limits { elements: 2_000_000, ..Limits::REQUEST },
            _ => Limits::REQUEST,
        }
    }
}

/// The name in the contract: the variant's, unless another service has an operation of that name.
macro_rules! contract_name {
    ($variant:ident) => {
        stringify!($variant)
    };
    ($variant:ident $name:literal) => {
        $name
    };
}

macro_rules! operations {
    ($($(#[$doc:meta])* $service:ident $variant:ident $(as $name:literal)? $body:expr;)*) => {
        /// One operation of one service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($(#[$doc])* $variant,)* }

        impl Operation {
            /// All operations.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the contract, which is also the request element's.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => contract_name!($variant $($name)?),)* }
            }

            /// A name that no operation of another service has, for logs and metrics.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// The service it belongs to.
            pub fn service(self) -> Service {
                match self { $(Self::$variant => Service::$service,)* }
            }

            /// Most bytes accepted of a request body.
            pub fn body_limit(self) -> usize {
                match self { $(Self::$variant => $body,)* }
            }
        }
    };
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

// Body limits of the agents' operations: the largest recorded request of each kind, times at least
// ten. A SyncUpdates request with 10,000 cached ids is 151 KB, a driver pass with 75 devices 50 KB.
//
// Body limits of the servers' operations: what the real server would let a downstream server send
// (100 revisions, 100 files), times at least ten, since the operation has to see a list that is
// too long to say which. A filter with all 3,000 products takes 300 KB. Of rollups the real server
// takes batches of 5,000 groups of computers, 1,500 computers (1.2 KB each) and 20,000 numbers
// (120 bytes each). 500 computers with all their update states can be of any size; 32 MiB hold
// 280 states of each, and this server announces smaller batches.
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
    /// [MS-WSUSSS] 3.1.4.13
    Reporting GetRollupConfiguration 16 * KIB;
    /// [MS-WSUSSS] 3.1.4.14
    Reporting RollupDownstreamServers 8 * MIB;
    /// [MS-WSUSSS] 3.1.4.15
    Reporting RollupComputers 16 * MIB;
    /// [MS-WSUSSS] 3.1.4.16
    Reporting GetOutOfSyncComputers 16 * MIB;
    /// [MS-WSUSSS] 3.1.4.17
    Reporting RollupComputerStatus 32 * MIB;
    /// [MS-WSUSSS] 3.1.4.12: unused.
    Reporting ReportingPing as "Ping" 16 * KIB;
    /// [MS-WSUSSS] 3.1.4.1
    ServerSync GetAuthConfig 16 * KIB;
    /// [MS-WSUSSS] 3.1.4.3
    ServerSync ServerSyncGetCookie as "GetCookie" 64 * KIB;
    /// [MS-WSUSSS] 3.1.4.4
    ServerSync GetConfigData 64 * KIB;
    /// [MS-WSUSSS] 3.1.4.5
    ServerSync GetRevisionIdList 4 * MIB;
    /// [MS-WSUSSS] 3.1.4.6
    ServerSync GetUpdateData MIB;
    /// [MS-WSUSSS] 3.1.4.18
    ServerSync GetUpdateDecryptionData MIB;
    /// [MS-WSUSSS] 3.1.4.11
    ServerSync DownloadFiles 256 * KIB;
    /// [MS-WSUSSS] 3.1.4.10
    ServerSync GetDeployments 64 * KIB;
    /// [MS-WSUSSS] 3.1.4.9: unused.
    ServerSync GetRelatedRevisionsForUpdates MIB;
    /// [MS-WSUSSS] 3.1.4.7
    ServerSync GetDriverIdList 4 * MIB;
    /// [MS-WSUSSS] 3.1.4.8
    ServerSync GetDriverSetData MIB;
    /// [MS-WSUSSS] 3.1.4.12: unused.
    ServerSync ServerSyncPing as "Ping" 16 * KIB;
    /// [MS-WSUSSS] 3.1.4.2
    DssAuth DssAuthGetAuthorizationCookie as "GetAuthorizationCookie" 16 * KIB;
    /// [MS-WSUSSS] 3.1.4.12: unused.
    DssAuth DssAuthPing as "Ping" 16 * KIB;
}

impl Operation {
    /// Namespace of the operation's messages, and what its SOAPAction starts with: the service's,
    /// except for Ping.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::ReportingPing | Self::ServerSyncPing | Self::DssAuthPing => MONITORABLE_NS,
            _ => self.service().namespace(),
        }
    }

    /// The SOAPAction, without quotes.
    pub fn action(self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }

    /// The operation of `service` that a SOAPAction names; quotes are optional.
    pub fn from_action(service: Service, action: &str) -> Option<Self> {
        let (namespace, name) = action.trim().trim_matches('"').rsplit_once('/')?;
        Self::from_name(service, name).filter(|operation| operation.namespace() == namespace)
    }

    /// The operation of `service` whose request element is called `name`.
    pub fn from_name(service: Service, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.service() == service && op.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_operations_of_one_action_apart() {
        let cookie = "http://www.microsoft.com/SoftwareDistribution/GetCookie";
        let sync = Some(Operation::ServerSyncGetCookie);
        assert_eq!(Operation::from_action(Service::ServerSync, cookie), sync);
        assert_eq!(Operation::from_action(Service::Reporting, cookie), None);
        let ping = "\"http://www.microsoft.com/SoftwareDistribution/Server/IMonitorable/Ping\"";
        for (service, operation) in [
            (Service::Reporting, Some(Operation::ReportingPing)),
            (Service::ServerSync, Some(Operation::ServerSyncPing)),
            (Service::DssAuth, Some(Operation::DssAuthPing)),
            (Service::Client, None),
        ] {
            assert_eq!(Operation::from_action(service, ping), operation);
        }
        let unqualified = "http://www.microsoft.com/SoftwareDistribution/Ping";
        assert_eq!(Operation::from_action(Service::ServerSync, unqualified), None);
    }

    #[test]
    fn every_operation_is_found_by_its_action_and_has_its_own_label() {
        let mut labels = std::collections::BTreeSet::new();
        for &operation in Operation::ALL {
            let found = Operation::from_action(operation.service(), &operation.action());
            assert_eq!(found, Some(operation));
            assert!(labels.insert(operation.label()), "{operation:?}");
        }
    }

    #[test]
    fn services_are_found_by_the_contracts_paths_too() {
        for (path, service) in [
            ("/serversyncwebservice/ServerSyncProxy.asmx", Service::ServerSync),
            ("//ServerSyncWebService/serversyncwebservice.ASMX", Service::ServerSync),
            ("/dssauthWebService/dssauthWebService.asmx", Service::DssAuth),
            ("/ReportingWebService/WebService.asmx", Service::Reporting),
        ] {
            assert_eq!(Service::from_path(path), Some(service), "{path}");
        }
        assert_eq!(Service::from_path("/ServerSyncWebService/"), None);
    }
}
