//! An agent: it keeps its cookie as a real one does, and asks in the same order.

use std::fmt::Write;

use super::documents::id;
use super::server::{Answer, Server};
use crate::wire::operation::Operation;

pub(super) struct Agent<'s> {
    pub(super) server: &'s Server,
    pub(super) client_id: String,
    /// The session's cookie: `Expiration` and `EncryptedData`.
    pub(super) cookie: (String, String),
}

/// What a handshake is made with.
pub(super) struct Hello<'h> {
    pub(super) client_id: &'h str,
    pub(super) protocol: &'h str,
    pub(super) target_group: &'h str,
    /// Build of Windows 10 or 11.
    pub(super) build: i32,
}

impl Default for Hello<'_> {
    fn default() -> Self {
        let client_id = "7d0e6e5c-0d7e-4a36-8f4c-3e7c6f0b5f11";
        Self { client_id, protocol: "2.90", target_group: "", build: 26200 }
    }
}

/// A SyncUpdates request's parameters.
#[derive(Default)]
pub(super) struct Parameters<'p> {
    pub(super) installed: &'p [u32],
    pub(super) other: &'p [u32],
    pub(super) drivers: &'p [u32],
    /// Makes it a driver pass.
    pub(super) system_spec: Option<&'p str>,
    pub(super) filter: &'p [u128],
    pub(super) two_groups: bool,
}

/// One UpdateInfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: u32,
    pub(super) deployment: u32,
    pub(super) action: String,
    pub(super) is_leaf: bool,
    /// As it was sent.
    pub(super) deadline: Option<String>,
}

/// What a pass was answered.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) new: Vec<Told>,
    pub(super) changed: Vec<Told>,
    pub(super) out_of_scope: Vec<u32>,
    pub(super) deployed_out_of_scope: Vec<u32>,
    pub(super) truncated: bool,
    pub(super) driver_sync_not_needed: Option<String>,
    pub(super) answer: Answer,
}

impl<'s> Agent<'s> {
    /// A registered agent of the latest version, that has asked for nothing yet.
    pub(super) async fn new(server: &'s Server) -> Agent<'s> {
        Self::with(server, Hello::default()).await
    }

    pub(super) async fn with(server: &'s Server, hello: Hello<'_>) -> Agent<'s> {
        let mut agent = Agent::unregistered(server, &hello).await;
        agent.register(hello.build).await.ok();
        agent
    }

    pub(super) async fn unregistered(server: &'s Server, hello: &Hello<'_>) -> Agent<'s> {
        let client_id = hello.client_id.to_owned();
        let mut agent = Agent { server, client_id, cookie: Default::default() };
        agent.renew(hello, "").await;
        agent
    }

    /// The handshake, with an oldCookie as GetCookie has it.
    pub(super) async fn renew(&mut self, hello: &Hello<'_>, old_cookie: &str) {
        let request = authorize(hello);
        let answer = self.server.call(Operation::GetAuthorizationCookie, &request).await.ok();
        let data = answer.text_of("CookieData");
        let last_change = last_change(self.server).await;
        let request = get_cookie(&authorization(&data), old_cookie, &last_change, hello.protocol);
        let answer = self.server.call(Operation::GetCookie, &request).await.ok();
        self.keep(&answer);
    }

    pub(super) async fn register(&mut self, build: i32) -> Answer {
        let info = format!(
            "<computerInfo><DnsName>pc.example</DnsName><OSMajorVersion>10</OSMajorVersion><OSMinorVersion>0</OSMinorVersion><OSBuildNumber>{build}</OSBuildNumber></computerInfo>"
        );
        self.call(Operation::RegisterComputer, &info).await
    }

    /// Calls an operation whose first child is the cookie.
    pub(super) async fn call(&self, operation: Operation, children: &str) -> Answer {
        let request = format!("{}{children}", self.cookie_as("cookie"));
        self.server.call(operation, &request).await
    }

    /// The cookie as an element of this name.
    pub(super) fn cookie_as(&self, name: &str) -> String {
        cookie(name, &self.cookie.0, &self.cookie.1)
    }

    pub(super) async fn sync(&mut self, parameters: &Parameters<'_>) -> Pass {
        let answer = self.call(Operation::SyncUpdates, &parameters.write()).await.ok();
        self.keep(&answer);
        Pass::read(answer)
    }

    /// A software pass with nothing but what is cached: installed and other revisions.
    pub(super) async fn scan(&mut self, installed: &[u32], other: &[u32]) -> Pass {
        self.sync(&Parameters { installed, other, ..Parameters::default() }).await
    }

    fn keep(&mut self, answer: &Answer) {
        self.cookie = (answer.text_of("Expiration"), answer.text_of("EncryptedData"));
    }
}

impl Parameters<'_> {
    pub(super) fn write(&self) -> String {
        let mut out = "<parameters><ExpressQuery>false</ExpressQuery>".to_owned();
        // As an agent does, a list without entries is left out.
        let mut list = |name: &str, ids: &[u32]| {
            if !ids.is_empty() {
                let ids: String = ids.iter().map(|id| format!("<int>{id}</int>")).collect();
                let _ = write!(out, "<{name}>{ids}</{name}>");
            }
        };
        list("InstalledNonLeafUpdateIDs", self.installed);
        list("OtherCachedUpdateIDs", self.other);
        list("CachedDriverIDs", self.drivers);
        let skip = self.system_spec.is_some();
        out += &self
            .system_spec
            .map_or_else(String::new, |it| format!("<SystemSpec>{it}</SystemSpec>"));
        let _ = write!(out, "<SkipSoftwareSync>{skip}</SkipSoftwareSync><FilterCategoryIds>");
        for category in self.filter {
            let category = id(*category);
            let _ = write!(out, "<CategoryIdentifier><Id>{category}</Id></CategoryIdentifier>");
        }
        let two_groups = self.two_groups;
        let _ = write!(
            out,
            "</FilterCategoryIds><NeedTwoGroupOutOfScopeUpdates>{two_groups}</NeedTwoGroupOutOfScopeUpdates><FeatureScoreMatchingKey>AMD64.10.0</FeatureScoreMatchingKey></parameters>"
        );
        out
    }
}

impl Pass {
    fn read(answer: Answer) -> Self {
        let flag = |name: &str| answer.texts(name).first().cloned();
        Self {
            new: told(&answer, "NewUpdates"),
            changed: told(&answer, "ChangedUpdates"),
            out_of_scope: numbers(&answer, "OutOfScopeRevisionIDs"),
            deployed_out_of_scope: numbers(&answer, "DeployedOutOfScopeRevisionIds"),
            truncated: answer.text_of("Truncated") == "true",
            driver_sync_not_needed: flag("DriverSyncNotNeeded"),
            answer,
        }
    }

    pub(super) fn new_ids(&self) -> Vec<u32> {
        self.new.iter().map(|told| told.id).collect()
    }

    /// What changed, as `(id, action, is leaf)`.
    pub(super) fn changes(&self) -> Vec<(u32, &str, bool)> {
        self.changed.iter().map(|told| (told.id, told.action.as_str(), told.is_leaf)).collect()
    }

    /// The action with which this revision came.
    #[track_caller]
    pub(super) fn action(&self, id: u32) -> &str {
        let told = self.new.iter().find(|told| told.id == id);
        &told.unwrap_or_else(|| panic!("{id} not in {:?}", self.new)).action
    }
}

/// The `UpdateInfo`s in the list of this name.
fn told(answer: &Answer, list: &str) -> Vec<Told> {
    let document = answer.document();
    let list = document.descendants().find(|node| node.tag_name().name() == list);
    let updates = list.into_iter().flat_map(|list| list.children()).map(|update| {
        let child = |path: &[&str]| {
            path.iter().fold(update, |node, name| {
                let mut children = node.children();
                children.find(|child| child.tag_name().name() == *name).expect(name)
            })
        };
        let text = |path: &[&str]| child(path).text().unwrap_or_default().to_owned();
        let mut deployment = child(&["Deployment"]).children();
        let deadline = deployment.find(|child| child.tag_name().name() == "Deadline");
        Told {
            deadline: deadline.and_then(|it| it.text()).map(str::to_owned),
            id: text(&["ID"]).parse().expect("a number"),
            deployment: text(&["Deployment", "ID"]).parse().expect("a number"),
            action: text(&["Deployment", "Action"]),
            is_leaf: text(&["IsLeaf"]) == "true",
        }
    });
    updates.collect()
}

fn numbers(answer: &Answer, list: &str) -> Vec<u32> {
    let document = answer.document();
    let list = document.descendants().find(|node| node.tag_name().name() == list);
    let numbers = list.into_iter().flat_map(|list| list.children());
    numbers.map(|node| node.text().unwrap_or_default().parse().expect("a number")).collect()
}

/// The children of a GetAuthorizationCookie.
pub(super) fn authorize(hello: &Hello<'_>) -> String {
    let group = match hello.target_group {
        "" => String::new(),
        group => format!("<targetGroupName>{group}</targetGroupName>"),
    };
    format!("<clientId>{}</clientId>{group}<dnsName>pc.example</dnsName>", hello.client_id)
}

/// An authorization cookie as GetCookie takes it.
pub(super) fn authorization(data: &str) -> String {
    format!(
        "<AuthorizationCookie><PlugInId>SimpleTargeting</PlugInId><CookieData>{data}</CookieData></AuthorizationCookie>"
    )
}

/// The children of a GetCookie.
pub(super) fn get_cookie(
    authorizations: &str,
    old_cookie: &str,
    last_change: &str,
    protocol: &str,
) -> String {
    format!(
        "<authCookies>{authorizations}</authCookies>{old_cookie}<lastChange>{last_change}</lastChange><currentTime>2026-10-04T12:00:00Z</currentTime><protocolVersion>{protocol}</protocolVersion>"
    )
}

/// A cookie as an element of this name.
pub(super) fn cookie(name: &str, expiration: &str, data: &str) -> String {
    format!(
        "<{name}><Expiration>{expiration}</Expiration><EncryptedData>{data}</EncryptedData></{name}>"
    )
}

/// What GetConfig says at the moment.
pub(super) async fn last_change(server: &Server) -> String {
    let request = "<protocolVersion>2.90</protocolVersion>";
    server.call(Operation::GetConfig, request).await.ok().text_of("LastChange")
}
