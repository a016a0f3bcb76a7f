//! The calls of an agent, or of a downstream server, as bytes, and what to find in the answers.

/// A web service as an agent knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    path: &'static str,
    namespace: &'static str,
}

pub(crate) const CLIENT: Service = Service {
    path: "/ClientWebService/client.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService",
};
pub(crate) const SIMPLE_AUTH: Service = Service {
    path: "/SimpleAuthWebService/SimpleAuth.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution/Server/SimpleAuthWebService",
};
pub(crate) const REPORTING: Service = Service {
    path: "/ReportingWebService/ReportingWebService.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution",
};

pub(crate) const SERVER_SYNC: Service = Service {
    path: "/ServerSyncWebService/ServerSyncWebService.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution",
};
pub(crate) const DSS_AUTH: Service = Service {
    path: "/DssAuthWebService/DssAuthWebService.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution/Server/DssAuthWebService",
};

impl Service {
    /// A whole request with the headers that agents send.
    pub(crate) fn request(self, operation: &str, children: &str) -> Vec<u8> {
        let Self { path, namespace } = self;
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <{operation} xmlns=\"{namespace}\">{children}</{operation}></s:Body></s:Envelope>"
        );
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nCache-Control: no-cache\r\nConnection: Keep-Alive\r\n\
             Pragma: no-cache\r\nContent-Type: text/xml; charset=utf-8\r\n\
             Accept-Encoding: xpress\r\n\
             User-Agent: Windows-Update-Agent/1507.2601.30012.0 Client-Protocol/2.90\r\n\
             SOAPAction: \"{namespace}/{operation}\"\r\nMS-CV: 6DdQBxIzrE+qz/uo.1.0.0.2.12\r\n\
             Content-Length: {}\r\nHost: 127.0.0.1:8530\r\n\r\n",
            body.len()
        );
        request.push_str(&body);
        request.into_bytes()
    }
}

/// The text between the first `<NAME>` and the `</NAME>` after it.
pub(crate) fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    elements(text, name).next()
}

/// The text in each `<NAME>`, in order. Elements of this name must not be nested.
pub(crate) fn elements<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> + use<'t> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let found = &rest[start..end];
        rest = &rest[end + close.len()..];
        Some(found)
    })
}

/// A list of ids; agents leave out an empty one.
pub(crate) fn ids(name: &str, ids: &[u32]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let ids: String = ids.iter().map(|id| format!("<int>{id}</int>")).collect();
    format!("<{name}>{ids}</{name}>")
}
