//! Downstream servers, and where files come from.

use uuid::Uuid;

use super::support::{Fixture, NOW};
use crate::downstream::{ListKind, Listed, SERVERS_KEPT};
use crate::policy::by::By;
use crate::state::StateError;
use crate::state::records::FileOrigin;
use crate::wire::types::{RevisionId, Sha1};

fn server(number: u128) -> Uuid {
    Uuid::from_u128(0x5e00_0000 + number)
}

#[tokio::test]
async fn a_server_is_known_from_its_authorization_on_and_after_a_restart() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    state.note_authorization(server(1), "dss.example".into()).await.expect("noted");
    state.note_authorization(server(2), "other.example".into()).await.expect("noted");
    let listed = Listed { at: NOW, newest: RevisionId(7) };
    state.note_listed(server(1), ListKind::Updates, listed).await.expect("noted");
    state.note_listed(server(3), ListKind::Configuration, listed).await.expect("nobody");
    let approved = state
        .approve_downstream("DSS.example".into(), By::administrator())
        .await
        .expect("approved");
    assert!(approved.approved);
    state.forget_downstream(server(2).to_string(), By::administrator()).await.expect("forgotten");
    let fixture = fixture.reopened().await;
    let servers = fixture.state.downstream_servers();
    assert_eq!(servers, [approved], "and only that");
    assert_eq!(servers[0].listed, Some(listed));
    assert_eq!((servers[0].first_seen, servers[0].parent), (NOW, None));
    let unknown =
        fixture.state.approve_downstream("other.example".into(), By::administrator()).await;
    assert!(matches!(unknown, Err(StateError::NotFound { kind: "downstream server", .. })));
}

#[tokio::test]
async fn who_authorizes_again_at_once_costs_no_write_and_another_name_does() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    for name in ["a", "a", "b"] {
        state.note_authorization(server(1), name.into()).await.expect("noted");
        assert_eq!(state.downstream_server(server(1)).expect("known").name, name);
    }
}

#[tokio::test]
async fn a_flood_of_servers_takes_the_place_of_those_that_nobody_approved() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    state.note_authorization(server(0), "first".into()).await.expect("noted");
    state.approve_downstream(server(0).to_string(), By::administrator()).await.expect("approved");
    let flood = (1..=SERVERS_KEPT as u128).map(|number| {
        let name = format!("dss{number}");
        async move { state.note_authorization(server(number), name).await.expect("noted") }
    });
    together(flood).await;
    assert_eq!(state.downstream_servers().len(), SERVERS_KEPT);
    assert!(state.downstream_server(server(0)).is_some(), "approved");
}

/// All of them at once, so that they share commits.
async fn together<F: Future<Output = ()>>(all: impl Iterator<Item = F>) {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| future.as_mut().poll(context).is_pending());
        match pending.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

#[tokio::test]
async fn origins_are_kept_as_they_were_told_last() {
    let fixture = Fixture::new();
    let url = |url: &str| FileOrigin { mu_url: Some(url.into()), decryption_key: None };
    let [first, second, third] = [1, 2, 3].map(|byte| Sha1([byte; 20]));
    let key = FileOrigin { mu_url: None, decryption_key: Some(vec![9; 32]) };
    for told in [
        vec![(first, url("http://a.example/1")), (second, url("file:///etc/passwd"))],
        vec![(first, url("HTTPS://b.example/1")), (third, key.clone())],
        vec![(second, FileOrigin::default()), (third, key.clone())],
    ] {
        fixture.state.set_origins(told).await.expect("kept");
    }
    let fixture = fixture.reopened().await;
    let origins = fixture.state.origins(vec![first, second, third]).await.expect("read");
    assert_eq!(origins.get(&first), Some(&url("HTTPS://b.example/1")));
    assert_eq!((origins.get(&second), origins.get(&third)), (None, Some(&key)));
}
