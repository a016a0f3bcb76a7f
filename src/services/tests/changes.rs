//! ChangedUpdates: a client that has a revision cached learns whenever its deployment, or whether
//! it is a leaf, is no longer what it was told ([MS-WUSP] 3.1.5.7) - once.

use super::agent::Agent;
use super::documents::Document;
use super::server::{MINUTE, Server, clock};
use crate::policy::approval::ApprovalAction::{
    Block, Install, None as Withdrawn, NotApproved, Optional,
};
use crate::policy::by::By;
use crate::policy::terms::Terms;

/// Checks what an agent that has `cached` is told, and that it is told once.
macro_rules! assert_told {
    ($agent:ident, $cached:expr, [$($change:expr),*]) => {{
        let expected: Vec<(u32, &str, bool)> = vec![$($change),*];
        assert_eq!($agent.scan(&[], $cached).await.changes(), expected);
        assert_eq!($agent.scan(&[], $cached).await.changes(), [], "told twice");
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_told_and_so_is_its_end() {
    let server = Server::start(clock!()).await;
    let [update, _] = server.import([Document::software(1), Document::software(2)]).await;
    let mut agent = Agent::new(&server).await;
    let cached = &agent.scan(&[], &[]).await.new_ids();
    server.approve(1, "All Computers", Install).await;
    assert_told!(agent, cached, [(update, "Install", true)]);
    server.approve(1, "Unassigned Computers", Block).await;
    assert_told!(agent, cached, [(update, "PreDeploymentCheck", true)]);
    server.approve(1, "Unassigned Computers", Withdrawn).await;
    assert_told!(agent, cached, [(update, "Install", true)]);
    server.approve(1, "All Computers", Withdrawn).await;
    assert_told!(agent, cached, [(update, "PreDeploymentCheck", true)]);
    server.group("Elsewhere").await;
    server.approve(1, "Elsewhere", Install).await;
    assert_told!(agent, cached, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_update_is_dropped_and_comes_back_as_new() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    server.decline(1).await;
    let pass = agent.scan(&[], &[update]).await;
    assert_eq!((pass.out_of_scope, pass.changed, pass.new), (vec![update], vec![], vec![]));
    server.approve(1, "All Computers", Install).await;
    assert_eq!(agent.scan(&[], &[]).await.action(update), "Install");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_update_that_others_need_is_only_evaluated() {
    let server = Server::start(clock!()).await;
    let [needed, update] =
        server.import([Document::software(1), Document::software(2).needs(&[1])]).await;
    let mut agent = Agent::new(&server).await;
    let cached = &[needed, update];
    agent.scan(&[], &[]).await;
    agent.scan(&[needed], &[]).await;
    server.decline(1).await;
    let pass = agent.scan(&[needed], &[update]).await;
    assert_eq!(pass.changes(), [(needed, "Evaluate", false)]);
    server.group("Elsewhere").await;
    server.approve(1, "Elsewhere", Install).await;
    let pass = agent.scan(&[needed], &[update]).await;
    assert_eq!(pass.changes(), [(needed, "PreDeploymentCheck", false)]);
    assert_eq!(agent.scan(&[needed], cached).await.changed, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_moves_is_told_everything_anew() {
    let server = Server::start(clock!()).await;
    let [one, two] = server.import([Document::software(1), Document::software(2)]).await;
    server.group("Pilot").await;
    server.approve(1, "Pilot", Install).await;
    let mut agent = Agent::new(&server).await;
    let cached = &agent.scan(&[], &[]).await.new_ids();
    server.place(&agent.client_id, &["Pilot"]).await;
    assert_told!(agent, cached, [(one, "Install", true), (two, "PreDeploymentCheck", true)]);
    // It asks for no group itself, so registering again does not take it out.
    agent.register(26200).await.ok();
    assert_told!(agent, cached, []);
    server.delete_group("Pilot").await;
    assert_told!(
        agent,
        cached,
        [(one, "PreDeploymentCheck", true), (two, "PreDeploymentCheck", true)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_moves_brings_what_is_decided_above_its_new_place() {
    let server = Server::start(clock!()).await;
    let [one, two] = server.import([Document::software(1), Document::software(2)]).await;
    for (name, parent) in
        [("Office", "All Computers"), ("Lab", "All Computers"), ("Room", "Office")]
    {
        server.group_below(name, parent).await;
    }
    server.approve(1, "Office", Install).await;
    server.approve(2, "Lab", Install).await;
    let mut agent = Agent::new(&server).await;
    server.place(&agent.client_id, &["Room"]).await;
    let pass = agent.scan(&[], &[]).await;
    assert_eq!((pass.action(one), pass.action(two)), ("Install", "PreDeploymentCheck"));
    let cached = &pass.new_ids();
    let by = By::administrator();
    server.state.move_group(by, "Room".into(), Some("Lab".into())).await.expect("moved");
    assert_told!(agent, cached, [(one, "PreDeploymentCheck", true), (two, "Install", true)]);
    server.approve(2, "Room", NotApproved).await;
    assert_told!(agent, cached, [(two, "PreDeploymentCheck", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_live_is_told_without_another_change() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    let cached = &agent.scan(&[], &[]).await.new_ids();
    server.approve(1, "All Computers", Optional).await;
    assert_told!(agent, cached, [(update, "OptionalInstall", true)]);
    let later = Terms { go_live: Some(server.now() + 10 * MINUTE), ..Install.into() };
    server.approve(1, "Unassigned Computers", later).await;
    let pass = agent.scan(&[], cached).await;
    assert!(pass.changes().iter().all(|change| change.1 == "OptionalInstall"), "{pass:?}");
    server.pass(10 * MINUTE - 1);
    server.state.ping().await.expect("a writer");
    assert_told!(agent, cached, []);
    server.pass(1);
    // Nobody changes anything: the server looks at the clock by itself.
    let sequence = server.state.published().sequence;
    while server.state.published().sequence == sequence {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_told!(agent, cached, [(update, "Install", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_live_while_no_server_ran_is_told() {
    let mut server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let later = Terms { go_live: Some(server.now() + MINUTE), ..Install.into() };
    server.approve(1, "All Computers", later).await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.scan(&[], &[]).await.action(update), "PreDeploymentCheck");
    let (client_id, cookie) = (agent.client_id.clone(), agent.cookie.clone());
    server.pass(MINUTE);
    server.restart(|_, _| ()).await;
    server.state.ping().await.expect("a writer");
    let mut agent = Agent { server: &server, client_id, cookie };
    assert_told!(agent, &[update], [(update, "Install", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_takes_effect_when_the_last_file_arrives() {
    let server = Server::start(clock!()).await;
    let [member, bundle] = server
        .import([
            Document::member(1).file("inner"),
            Document::software(2).bundles(&[(1, 1)]).file("outer"),
        ])
        .await;
    let mut agent = Agent::new(&server).await;
    let cached = &agent.scan(&[], &[]).await.new_ids();
    assert_eq!(cached, &[member, bundle]);
    server.approve(2, "All Computers", Install).await;
    assert_told!(agent, cached, [(bundle, "PreDeploymentCheck", true)]);
    server.add_content("outer").await;
    assert_told!(agent, cached, []);
    server.add_content("inner").await;
    assert_told!(agent, cached, [(bundle, "Install", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_no_longer_waits_for_content_tells_everyone() {
    let mut server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1).file("missing")]).await;
    server.approve(1, "All Computers", Install).await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.scan(&[], &[]).await.action(update), "PreDeploymentCheck");
    let (client_id, cookie) = (agent.client_id.clone(), agent.cookie.clone());
    server.restart(|_, content| content.hold_installs = false).await;
    let mut agent = Agent { server: &server, client_id, cookie };
    assert_told!(agent, &[update], [(update, "Install", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_that_becomes_a_prerequisite_is_told() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    server.import([Document::detectoid(2), Document::software(3).needs(&[1, 2])]).await;
    let pass = agent.scan(&[], &[update]).await;
    assert_eq!(pass.changes(), [(update, "PreDeploymentCheck", false)]);
    server.import([Document::software(4).needs(&[1])]).await;
    let pass = agent.scan(&[], &[update]).await;
    assert_eq!(pass.changes(), [], "it was no leaf before");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_becomes_a_member_is_told() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    let [_bundle] = server.import([Document::software(2).bundles(&[(1, 1)])]).await;
    let pass = agent.scan(&[], &[update]).await;
    assert_eq!(pass.changes(), [(update, "Bundle", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_bundles_come_and_go_is_told() {
    let server = Server::start(clock!()).await;
    let [member, bundle] =
        server.import([Document::software(1), Document::software(2).bundles(&[(1, 1)])]).await;
    let mut agent = Agent::new(&server).await;
    let told = |pass: super::agent::Pass| -> Vec<(u32, String)> {
        pass.changed.into_iter().map(|told| (told.id, told.action)).collect()
    };
    let is_bundled = vec![(member, "Bundle".to_owned())];
    let stands_alone = vec![(member, "PreDeploymentCheck".to_owned())];
    assert_eq!(agent.scan(&[], &[]).await.action(member), "Bundle");
    server.decline(2).await;
    assert_eq!(told(agent.scan(&[], &[member, bundle]).await), stands_alone);
    server.approve(2, "All Computers", Withdrawn).await;
    assert_eq!(told(agent.scan(&[], &[member]).await), is_bundled);
    // The next revision no longer bundles it, the one after does again and a third is expired.
    server.import([Document::software(2).revision(2)]).await;
    assert_eq!(told(agent.scan(&[], &[member]).await), stands_alone);
    server.import([Document::software(2).revision(3).bundles(&[(1, 1)])]).await;
    assert_eq!(told(agent.scan(&[], &[member]).await), is_bundled);
    server.import([Document::software(2).revision(4).expired()]).await;
    assert_eq!(told(agent.scan(&[], &[member]).await), stands_alone);
    assert_eq!(told(agent.scan(&[], &[member]).await), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_approved_itself_is_told_when_its_next_revision_is_expired() {
    let server = Server::start(clock!()).await;
    let [member, bundle] =
        server.import([Document::software(1), Document::software(2).bundles(&[(1, 1)])]).await;
    server.approve(1, "All Computers", Install).await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.scan(&[], &[]).await.action(member), "Install");
    server.import([Document::software(1).revision(2).expired()]).await;
    let told = agent.scan(&[], &[member, bundle]).await;
    assert_eq!(told.changes(), [(member, "Bundle", true)]);
    assert!(told.out_of_scope.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_whose_member_arrives_late_waits_again() {
    let server = Server::start(clock!()).await;
    let [bundle] = server.import([Document::software(2).bundles(&[(1, 1)])]).await;
    server.approve(2, "All Computers", Install).await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.scan(&[], &[]).await.action(bundle), "Install");
    let [_member] = server.import([Document::member(1).file("late")]).await;
    assert_eq!(agent.scan(&[], &[bundle]).await.changes(), [(bundle, "PreDeploymentCheck", true)]);
    server.add_content("late").await;
    assert_eq!(agent.scan(&[], &[bundle]).await.changes(), [(bundle, "Install", true)]);
}
