//! Changes as calls of the API.

use serde_json::{Value, json};

use super::changes::Change;
use super::decisions::{Action, Deadline, Terms};
use super::model::Model;
use super::rules::{Rule, Target};
use crate::harness::directory::{Directory, Server};
use crate::harness::http::{Answer, Connection};

/// An administrator at the API.
pub(super) struct Administrator {
    address: String,
    authorization: String,
}

/// What a call was answered with, unless it was refused with a reason.
pub(super) type Outcome = Result<Value, String>;

impl Administrator {
    pub(super) fn new(directory: &Directory, server: &Server) -> Self {
        let made = directory.json(&["token", "create", "changes", "--role", "administrator"]);
        let authorization = format!("Bearer {}", made["token"].as_str().expect("a token"));
        let mut administrator = Self { address: String::new(), authorization };
        administrator.reconnect(server);
        administrator
    }

    /// Goes on with a server that started anew.
    pub(super) fn reconnect(&mut self, server: &Server) {
        self.address = server.admin.clone().expect("an address for administrators");
    }

    fn send(&mut self, method: &str, path: &[&str], media_type: &str, body: &[u8]) -> Outcome {
        let path: String = path.iter().map(|segment| format!("/{}", encoded(segment))).collect();
        let path = format!("/api/v1{}", path.replace("/?", "?"));
        let headers = [("Authorization", &*self.authorization), ("Content-Type", media_type)];
        let headers = if body.is_empty() { &headers[..1] } else { &headers[..] };
        // A server ends a connection on which nothing happens, and on a busy machine much may not.
        let answer = Connection::plain(&self.address).ask(method, &path, headers, body);
        outcome(&answer).map_err(|problem| format!("{method} {path}: {problem}"))
    }

    fn call(&mut self, method: &str, path: &[&str], body: Value) -> Outcome {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, "application/json", body.as_bytes())
    }

    fn get(&mut self, path: &[&str]) -> Value {
        self.call("GET", path, Value::Null).expect("what is there")
    }

    /// The number of the last decision.
    fn last_decision(&mut self) -> String {
        let last = self.get(&["audit", "?last=1"]);
        last[0]["number"].as_u64().expect("a number").to_string()
    }

    /// What a rule would do.
    pub(super) fn preview(&mut self, rule: &str) -> Value {
        self.get(&["rules", rule, "preview"])
    }

    /// Has the server make a change. `model` is as it was before.
    pub(super) fn make(&mut self, change: &Change, model: &Model) -> Outcome {
        let none = Value::Null;
        match change {
            Change::CreateGroup { name, parent } => {
                self.call("POST", &["groups"], json!({ "name": name, "parent": parent }))
            }
            Change::MoveGroup { name, parent } => {
                self.call("PUT", &["groups", name, "parent"], json!({ "parent": parent }))
            }
            Change::RenameGroup { name, new_name } => {
                self.call("PUT", &["groups", name, "name"], json!({ "new_name": new_name }))
            }
            Change::SetClock { name, minutes } => {
                self.call("PUT", &["groups", name, "clock"], json!({ "utc_offset": minutes }))
            }
            Change::DeleteGroup { name, children, members } => {
                let query = format!("?children={children}&members={members}");
                self.call("DELETE", &["groups", name, &query], none)
            }
            Change::MoveComputer { computer, groups } => {
                let path = ["computers", &super::agents::name(*computer), "groups"];
                self.call("PUT", &path, json!({ "groups": groups }))
            }
            Change::Approve { update, group, terms } => {
                let body = json!({ "group": group, "terms": terms_json(terms) });
                self.call("POST", &["updates", update, "approvals"], body)
            }
            Change::Decline { update } => self.call("POST", &["updates", update, "decline"], none),
            Change::AcceptLicence { update } => {
                self.call("POST", &["updates", update, "licences", "accept"], none)
            }
            Change::AddFile { sha1, path } => {
                let bytes = std::fs::read(path).expect("a file");
                self.send("PUT", &["content", sha1], "application/octet-stream", &bytes)
            }
            Change::Import { text, .. } => {
                let name = "revised.xml";
                let mut body = (name.len() as u32).to_le_bytes().to_vec();
                body.extend(name.as_bytes());
                body.extend((text.len() as u64).to_le_bytes());
                body.extend(text.as_bytes());
                let report =
                    self.send("POST", &["imports"], "application/vnd.weir.files", &body)?;
                assert_eq!((&report["new"], &report["rejected"]), (&json!(1), &json!([])));
                Ok(report)
            }
            Change::Tag { update, tags } => {
                self.call("PUT", &["updates", update, "tags"], json!({ "tags": tags }))
            }
            Change::CreateUpdateGroup { name } => {
                self.call("POST", &["update-groups"], json!({ "name": name }))
            }
            Change::DeleteUpdateGroup { name } => {
                self.call("DELETE", &["update-groups", name], none)
            }
            Change::EditUpdateGroup { name, add, remove } => {
                let body = json!({ "add": add, "remove": remove });
                self.call("POST", &["update-groups", name, "updates"], body)
            }
            Change::Deploy { name, group, terms, enabled } => {
                let body = json!({ "terms": terms_json(terms), "enabled": enabled });
                self.call("PUT", &["update-groups", name, "deployments", group], body)
            }
            Change::Withdraw { name, group } => {
                self.call("DELETE", &["update-groups", name, "deployments", group], none)
            }
            Change::PutRule { name, rule } => {
                self.call("PUT", &["rules", name], rule_json(rule, model))
            }
            Change::RemoveRule { name } => self.call("DELETE", &["rules", name], none),
            Change::RunRule { name } => self.call("POST", &["rules", name, "run"], none),
            Change::Undo => {
                let number = self.last_decision();
                self.call("POST", &["audit", &number, "undo"], none)
            }
            Change::AskFor { .. } | Change::InstallByHand { .. } | Change::Restart => Ok(none),
        }
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        200 => Ok(serde_json::from_slice(&answer.body).expect("JSON")),
        // What is refused is refused for a reason, and not because the request is broken.
        404 | 409 | 422 => Err(format!("{} {}", answer.status, answer.text())),
        status => panic!("{status} {}", answer.text()),
    }
}

fn encoded(segment: &str) -> String {
    segment.replace(' ', "%20")
}

fn action_json(action: Action) -> &'static str {
    match action {
        Action::Install => "install",
        Action::Optional => "optional",
        Action::Uninstall => "uninstall",
        Action::NotApproved => "not-approved",
        Action::Block => "block",
        Action::None => "none",
    }
}

fn priority_json(priority: u8) -> &'static str {
    ["low", "normal", "high"][usize::from(priority) - 1]
}

fn terms_json(terms: &Terms) -> Value {
    let deadline = terms.deadline.map(|Deadline { at, local, spread }| {
        let clock = if local { "local" } else { "utc" };
        json!({ "at": at, "clock": clock, "spread": spread })
    });
    json!({
        "action": action_json(terms.action),
        "deadline": deadline,
        "go_live": terms.go_live,
        "download_priority": priority_json(terms.priority),
    })
}

fn rule_json(rule: &Rule, model: &Model) -> Value {
    let target = |target: &Target| {
        json!({
            "group": model.groups[&target.group].name,
            "action": action_json(target.action),
            "deadline_after": target.deadline_after,
            "clock": "utc",
            "available_after": target.available_after,
            "download_priority": priority_json(target.priority),
        })
    };
    let list = |one: &Option<String>| one.iter().cloned().collect::<Vec<_>>();
    // Titles are patterns.
    let titles: Vec<String> = rule.title.iter().map(|start| format!("{start}*")).collect();
    json!({
        "criteria": {
            "titles": titles,
            "severities": list(&rule.severity),
            "classifications": list(&rule.classification),
            "tags": list(&rule.tag),
            "superseded": rule.superseded,
        },
        "schedule": "manual",
        "targets": rule.targets.iter().map(target).collect::<Vec<_>>(),
        "enables": true,
        "cap": rule.cap,
    })
}
