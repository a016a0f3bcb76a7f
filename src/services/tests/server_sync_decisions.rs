//! What replicas are told of decisions, and what servers ask for.

use super::documents::{Document, digests, id};
use super::server::{Answer, MINUTE, Server, clock};
use super::server_sync::Downstream;
use crate::policy::approval::ApprovalAction;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::wire::operation::Operation;

const UPDATES: &str = "<GetConfig>false</GetConfig>";

async fn deployments(dss: &Downstream<'_>, deployment: &str, sync: &str) -> Answer {
    let anchors =
        format!("<deploymentAnchor>{deployment}</deploymentAnchor><syncAnchor>{sync}</syncAnchor>");
    dss.call(Operation::GetDeployments, &anchors).await.ok()
}

#[tokio::test]
async fn a_replica_is_told_of_groups_deployments_and_what_ended() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(10), Document::software(11), Document::software(12)]).await;
    server.group("Pilot").await;
    server.approve(10, "All Computers", ApprovalAction::Install).await;
    server.approve(11, "Pilot", ApprovalAction::Optional).await;
    server.decline(12).await;
    let dss = Downstream::connect(&server).await;
    let (sync, _) = dss.list(UPDATES).await;
    let first = deployments(&dss, "", &sync).await;
    let groups: Vec<_> = first.texts("Name").into_iter().zip(first.texts("IsBuiltin")).collect();
    assert_eq!(groups[0], ("All Computers".to_owned(), "true".to_owned()));
    assert!(groups.contains(&("Pilot".to_owned(), "false".to_owned())));
    let parents = first.texts("ParentGroupId");
    assert_eq!(parents[0], "00000000-0000-0000-0000-000000000000");
    assert!(parents[1..].iter().all(|parent| *parent == ALL_COMPUTERS.to_string()));
    let mut told: Vec<_> = first.texts("UpdateId");
    told.sort();
    assert_eq!(told, [id(10).to_string(), id(11).to_string()]);
    assert_eq!(first.texts("Deadline"), ["9999-12-31T23:59:59.9999999"; 2]);
    let mut assigned = first.texts("IsAssigned");
    assigned.sort();
    assert_eq!(
        (first.texts("Action"), assigned),
        (vec!["0".into(); 2], vec!["false".into(), "true".into()])
    );
    let hidden = first.document().descendants().any(|node| {
        node.tag_name().name() == "guid"
            && node.parent().is_some_and(|parent| parent.tag_name().name() == "HiddenUpdates")
            && node.text() == Some(&id(12).to_string())
    });
    assert!(hidden, "{}", first.text);

    let anchor = first.text_of("Anchor");
    let second = deployments(&dss, &anchor, &sync).await;
    assert!(second.texts("UpdateId").is_empty(), "nothing changed");
    server.pass(MINUTE);
    server.approve(10, "All Computers", ApprovalAction::Uninstall).await;
    let guids = first.texts("DeploymentGuid");
    let third = deployments(&dss, &anchor, &sync).await;
    assert_eq!(
        (third.texts("UpdateId"), third.texts("Action")),
        (vec![id(10).to_string()], vec!["1".into()])
    );
    assert!(!guids.contains(&third.text_of("DeploymentGuid")), "another deployment");
    let dead = third.text.split("<DeadDeployments>").nth(1).expect("a list of the dead");
    assert!(guids.iter().any(|guid| dead.contains(guid)), "{}", third.text);
}

#[tokio::test]
async fn a_deployment_waits_until_its_update_was_listed() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(10)]).await;
    let dss = Downstream::connect(&server).await;
    let (early, _) = dss.list(UPDATES).await;
    server.import([Document::software(11), Document::software(10).revision(2)]).await;
    server.approve(10, "All Computers", ApprovalAction::Install).await;
    server.approve(11, "All Computers", ApprovalAction::Install).await;
    let first = deployments(&dss, "", &early).await;
    assert_eq!(
        (first.texts("UpdateId"), first.texts("RevisionNumber")),
        (vec![id(10).to_string()], vec!["1".into()])
    );
    let (late, _) = dss.list(UPDATES).await;
    let second = deployments(&dss, &first.text_of("Anchor"), &late).await;
    let mut told: Vec<_> =
        second.texts("UpdateId").into_iter().zip(second.texts("RevisionNumber")).collect();
    told.sort();
    assert_eq!(told, [(id(10).to_string(), "2".into()), (id(11).to_string(), "1".into())]);
    let third = deployments(&dss, &second.text_of("Anchor"), &late).await;
    assert!(third.texts("UpdateId").is_empty());
    for (anchors, parameter) in [
        ("<deploymentAnchor>x</deploymentAnchor>", "deploymentAnchor"),
        ("<syncAnchor>x</syncAnchor>", "syncAnchor"),
    ] {
        let answer = dss.call(Operation::GetDeployments, anchors).await;
        answer.is_fault("InvalidParameters", parameter);
    }
}

/// What a restored server does not know any more it cannot take back, however often it tells what is new.
#[tokio::test]
async fn a_replica_that_was_told_what_a_restored_server_lost_starts_over() {
    let mut server = Server::start(clock!()).await;
    server.import([Document::software(10), Document::software(11)]).await;
    server.approve(10, "All Computers", ApprovalAction::Install).await;
    let dss = Downstream::connect(&server).await;
    let (sync, _) = dss.list(UPDATES).await;
    let early = deployments(&dss, "", &sync).await.text_of("Anchor");
    let backup = server.store_as_it_is();
    server.pass(MINUTE);
    server.approve(11, "All Computers", ApprovalAction::Install).await;
    let dss = Downstream::connect(&server).await;
    let late = deployments(&dss, &early, &sync).await.text_of("Anchor");
    server.restore(&backup).await;
    for action in [ApprovalAction::Uninstall, ApprovalAction::Install] {
        server.approve(10, "All Computers", action).await;
    }
    let dss = Downstream::connect(&server).await;
    let anchors =
        format!("<deploymentAnchor>{late}</deploymentAnchor><syncAnchor>{sync}</syncAnchor>");
    dss.call(Operation::GetDeployments, &anchors).await.is_fault("ServerChanged", "");
    let anew = deployments(&dss, "", &sync).await;
    assert_eq!(anew.texts("UpdateId"), [id(10).to_string()]);
    deployments(&dss, &anew.text_of("Anchor"), &sync).await;

    server.restore(&backup).await;
    let dss = Downstream::connect(&server).await;
    assert!(deployments(&dss, &early, &sync).await.texts("UpdateId").is_empty(), "nothing is new");
}

#[tokio::test]
async fn files_that_are_asked_for_are_wanted_until_they_are_here() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(10).file("content")]).await;
    let dss = Downstream::connect(&server).await;
    let base64 = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let ask = |digests: &[&[u8]]| {
        let items = digests.iter().map(|it| format!("<base64Binary>{}</base64Binary>", base64(it)));
        format!("<fileDigestList>{}</fileDigestList>", items.collect::<String>())
    };
    let sha1 = digests("content").sha1;
    let call = |children: String| {
        let dss = &dss;
        async move { dss.call(Operation::DownloadFiles, &children).await }
    };
    call(ask(&[&sha1.0])).await.ok();
    call(ask(&[&sha1.0])).await.ok();
    assert_eq!(server.state.wanted_content().await.expect("read"), [sha1]);
    let [unknown, short] = [[9; 20].as_slice(), &[7; 3]];
    let missing = format!("{}|{}", base64(unknown), base64(short));
    call(ask(&[unknown, &sha1.0, short])).await.is_fault("FileDigestsMissing", &missing);
    call(String::new()).await.is_fault("InvalidParameters", "fileDigestList");
    call(ask(&[sha1.0.as_slice(); 101])).await.is_fault("InvalidParameters", "fileDigestList");
    server.add_content("content").await;
    assert!(server.state.wanted_content().await.expect("read").is_empty());
    call(ask(&[&sha1.0])).await.ok();
    assert!(server.state.wanted_content().await.expect("read").is_empty(), "it is here");
}
