//! The downstream servers: kept in memory beside the snapshot, as computers are, since what one of
//! them does must not make readers build anything anew.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::json;
use uuid::Uuid;

use super::transaction::Transaction;
use super::{State, StateError, Tracked, rollup};
use crate::downstream::{Decided, DownstreamServer, ListKind, Listed, SERVERS_KEPT};
use crate::policy::by::By;

/// Seconds within which a server that authorizes itself once more costs no write.
const SEEN_JUST_NOW: i64 = 60;

/// All known downstream servers, for readers. A lock is held for a lookup only.
#[derive(Debug, Default)]
pub(super) struct Downstream {
    servers: RwLock<BTreeMap<Uuid, Arc<DownstreamServer>>>,
}

impl Downstream {
    pub(super) fn put(&self, server: Arc<DownstreamServer>) {
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        servers.insert(server.id, server);
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.servers.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub(super) fn replace(&self, all: BTreeMap<Uuid, Arc<DownstreamServer>>) {
        *self.servers.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

impl State {
    /// The downstream server with this id, if it is known.
    pub fn downstream_server(&self, id: Uuid) -> Option<Arc<DownstreamServer>> {
        let servers = self.downstream.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.get(&id).cloned()
    }

    /// All downstream servers, by id.
    pub fn downstream_servers(&self) -> Vec<Arc<DownstreamServer>> {
        let servers = self.downstream.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.values().cloned().collect()
    }

    /// Takes note of a server that authorizes itself here.
    pub async fn note_authorization(&self, id: Uuid, name: String) -> Result<(), StateError> {
        if let Some(known) = self.downstream_server(id)
            && known.name == name
            && known.parent.is_none()
            && (0..SEEN_JUST_NOW).contains(&self.now().saturating_sub(known.authorized))
        {
            return Ok(());
        }
        self.writer
            .submit(move |transaction| {
                let now = transaction.now;
                let known = transaction.model.downstream.get(&id);
                let server = match known {
                    Some(known) => DownstreamServer::clone(known),
                    None => {
                        make_room(transaction, 1)?;
                        DownstreamServer::new(id, name.clone(), now)
                    }
                };
                let server = DownstreamServer { name, parent: None, authorized: now, ..server };
                transaction.put_downstream(server);
                Ok(())
            })
            .await
    }

    /// Takes note of the list of revisions that a server was told. One that was forgotten meanwhile
    /// stays forgotten.
    pub async fn note_listed(
        &self,
        id: Uuid,
        kind: ListKind,
        told: Listed,
    ) -> Result<(), StateError> {
        self.note_told_server(id, move |server| match kind {
            ListKind::Configuration => server.configured = Some(told),
            ListKind::Updates => server.listed = Some(told),
        })
        .await
    }

    /// Takes note of the decisions that a replica was told of, as of lists.
    pub async fn note_decided(&self, id: Uuid, told: Decided) -> Result<(), StateError> {
        self.note_told_server(id, move |server| server.decided = Some(told)).await
    }

    async fn note_told_server(
        &self,
        id: Uuid,
        note: impl FnOnce(&mut DownstreamServer) + Send + 'static,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                if let Some(known) = transaction.model.downstream.get(&id) {
                    let mut server = DownstreamServer::clone(known);
                    note(&mut server);
                    transaction.put_downstream(server);
                }
                Ok(())
            })
            .await
    }

    /// Lets a server synchronize where that needs an administrator's approval.
    pub async fn approve_downstream(
        &self,
        server: String,
        by: By,
    ) -> Result<Arc<DownstreamServer>, StateError> {
        self.writer
            .submit(move |transaction| {
                let known = find(transaction, &server)?;
                if !known.approved {
                    let before = json!({ "name": known.name, "approved": known.approved });
                    let entry = json!({ "approve_downstream": known.id, "before": before });
                    transaction.journal(&by, entry);
                    let server = DownstreamServer::clone(&known);
                    transaction.put_downstream(DownstreamServer { approved: true, ..server });
                }
                find(transaction, &known.id.to_string())
            })
            .await
    }

    /// Forgets a server. Should it come back, it is new here, and is told everything again.
    pub async fn forget_downstream(
        &self,
        server: String,
        by: By,
    ) -> Result<Arc<DownstreamServer>, StateError> {
        self.writer
            .submit(move |transaction| {
                let known = find(transaction, &server)?;
                let before = json!({ "name": known.name, "approved": known.approved });
                let entry = json!({ "forget_downstream": known.id, "before": before });
                transaction.journal(&by, entry);
                forget(transaction, known.id);
                Ok(known)
            })
            .await
    }
}

/// Makes room for more servers. Those go first that were longest not heard of; their computers stay,
/// as in a flood of servers there is no time to look for them.
///
/// # Errors
/// When too many of those that are kept are approved.
pub(super) fn make_room(
    transaction: &mut Transaction<'_>,
    wanted: usize,
) -> Result<(), StateError> {
    let servers = &transaction.model.downstream;
    let over = servers.len().saturating_add(wanted).saturating_sub(SERVERS_KEPT);
    if over == 0 {
        return Ok(());
    }
    let heard_of = |server: &DownstreamServer| {
        server.reported.as_ref().map_or(i64::MIN, |it| it.at).max(server.authorized)
    };
    let dispensable = servers.values().filter(|server| !server.approved);
    let mut dispensable: Vec<(i64, Uuid)> =
        dispensable.map(|server| (heard_of(server), server.id)).collect();
    if dispensable.len() < over {
        return Err(StateError::Refused(format!("{SERVERS_KEPT} downstream servers are approved")));
    }
    dispensable.sort_unstable();
    dispensable.into_iter().take(over).for_each(|(_, id)| transaction.delete_downstream(id));
    Ok(())
}

/// Forgets a server, all below it, and their computers ([MS-WSUSSS] 3.1.1, DSS Table).
fn forget(transaction: &mut Transaction<'_>, server: Uuid) {
    let servers = transaction.model.downstream.values();
    let family = rollup::family(servers.map(AsRef::as_ref), server);
    let is_theirs =
        |tracked: &&Tracked| tracked.below.as_ref().is_some_and(|it| family.contains(&it.parent));
    let computers = transaction.model.computers.values();
    let computers: Vec<Tracked> = computers.filter(is_theirs).cloned().collect();
    computers.iter().for_each(|tracked| transaction.delete_computer(tracked));
    family.into_iter().for_each(|server| transaction.delete_downstream(server));
}

/// By id, or by name where that is unambiguous.
fn find(transaction: &Transaction<'_>, wanted: &str) -> Result<Arc<DownstreamServer>, StateError> {
    let servers = &transaction.model.downstream;
    let by_id = Uuid::try_parse(wanted).ok().and_then(|id| servers.get(&id));
    if let Some(server) = by_id {
        return Ok(Arc::clone(server));
    }
    let mut named = servers.values().filter(|server| server.name.eq_ignore_ascii_case(wanted));
    match (named.next(), named.next()) {
        (Some(server), None) => Ok(Arc::clone(server)),
        (Some(_), Some(_)) => Err(StateError::Refused(format!(
            "several downstream servers are called '{wanted}'; name one by its id"
        ))),
        (None, _) => {
            Err(StateError::NotFound { kind: "downstream server", name: wanted.to_owned() })
        }
    }
}
