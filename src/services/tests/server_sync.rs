//! A downstream server, as far as its cookie and its calls.

use std::fmt::Write as _;

use uuid::Uuid;

use super::documents::id;
use super::server::{Answer, Server};
use crate::wire::operation::Operation;

pub(super) const DSS: &str = "6f1c2f6e-3f0b-4d3a-9b1e-0d2f6a1c5e12";

/// A downstream server with its cookie.
pub(super) struct Downstream<'s> {
    pub(super) server: &'s Server,
    pub(super) cookie: String,
}

impl<'s> Downstream<'s> {
    pub(super) async fn connect(server: &'s Server) -> Self {
        let cookie = cookie(server, DSS).await.ok().text_of("EncryptedData");
        Self { server, cookie }
    }

    pub(super) async fn call(&self, operation: Operation, children: &str) -> Answer {
        let children = format!("{}{children}", cookie_element(&self.cookie));
        self.server.call(operation, &children).await
    }

    /// The anchor and the identities of a list.
    pub(super) async fn list(&self, filter: &str) -> (String, Vec<String>) {
        let filter = format!("<filter>{filter}</filter>");
        let answer = self.call(Operation::GetRevisionIdList, &filter).await.ok();
        let numbers = answer.texts("RevisionNumber");
        let named = answer.texts("UpdateID").into_iter().zip(numbers);
        let named = named.map(|(id, number)| format!("{}/{number}", number_of(&id)));
        (answer.text_of("Anchor"), named.collect())
    }

    pub(super) async fn data(&self, identities: &str) -> Answer {
        let ids = format!("<updateIds>{identities}</updateIds>");
        self.call(Operation::GetUpdateData, &ids).await
    }
}

pub(super) fn number_of(id: &str) -> u128 {
    Uuid::parse_str(id).expect("a GUID").as_u128()
}

pub(super) fn cookie_element(data: &str) -> String {
    format!("<cookie><EncryptedData>{data}</EncryptedData></cookie>")
}

pub(super) fn identity(update: u128, revision: u32) -> String {
    format!(
        "<UpdateIdentity><UpdateID>{}</UpdateID><RevisionNumber>{revision}</RevisionNumber></UpdateIdentity>",
        id(update)
    )
}

pub(super) fn wanted(list: &str, ids: &[(u128, bool)]) -> String {
    let mut text = format!("<{list}>");
    for (update, delta) in ids {
        let id = id(*update);
        let _ = write!(text, "<IdAndDelta><Id>{id}</Id><Delta>{delta}</Delta></IdAndDelta>");
    }
    text + &format!("</{list}>")
}

/// GetAuthorizationCookie and GetCookie.
pub(super) async fn cookie(server: &Server, dss: &str) -> Answer {
    let identity =
        format!("<accountName>dss.example</accountName><accountGuid>{dss}</accountGuid>");
    let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &identity).await;
    if answer.status != 200 {
        return answer;
    }
    let data = answer.text_of("CookieData");
    let children = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{data}\
         </CookieData></AuthorizationCookie></authCookies><protocolVersion>1.20</protocolVersion>"
    );
    server.call(Operation::ServerSyncGetCookie, &children).await
}
