//! What is asked of updates beyond their Core fragments, and what has to be answered.

use super::*;

/// Software that can be installed.
pub(super) const SOFTWARE: &str = "<Properties UpdateType=\"Software\" /><ApplicabilityRules><IsInstalled>\
    <False /></IsInstalled><IsInstallable><True /></IsInstallable></ApplicabilityRules>";

/// The handshake, a page with these numbers of updates that can be installed, and no drivers.
fn scan(numbers: &[u128]) -> Vec<RecordedResponse> {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    let revisions =
        numbers.iter().map(|number| revision(*number, "PreDeploymentCheck", true, SOFTWARE));
    answers.push(page(&revisions.collect::<Vec<_>>()));
    answers.push(good("SyncUpdates"));
    answers
}

/// Title and handler of a revision, which has no files.
pub(super) fn described(numbers: &[u32]) -> RecordedResponse {
    let updates = numbers.iter().map(|number| {
        format!(
            "<Update><ID>{number}</ID><Xml>&lt;ExtendedProperties \
             DefaultPropertiesLanguage=\"en\" /&gt;</Xml></Update><Update><ID>{number}</ID>\
             <Xml>&lt;LocalizedProperties&gt;&lt;Language&gt;en&lt;/Language&gt;\
             &lt;Title&gt;A&lt;/Title&gt;&lt;/LocalizedProperties&gt;</Xml></Update>"
        )
    });
    let updates: String = updates.collect();
    let result = format!(
        "<GetExtendedUpdateInfoResult><Updates>{updates}</Updates></GetExtendedUpdateInfoResult>"
    );
    response("GetExtendedUpdateInfo", &result)
}

/// The server's numbers for revisions 1 of updates.
fn refreshed(rows: &[(u32, u128)]) -> RecordedResponse {
    let rows = rows.iter().map(|(number, update)| {
        let (id, deployment) = (Uuid::from_u128(*update), deployment("PreDeploymentCheck"));
        format!(
            "<RefreshCacheResult><RevisionID>{number}</RevisionID><GlobalID><UpdateID>{id}\
             </UpdateID><RevisionNumber>1</RevisionNumber></GlobalID><IsLeaf>true</IsLeaf>\
             {deployment}</RefreshCacheResult>"
        )
    });
    let rows: String = rows.collect();
    response("RefreshCache", &format!("<RefreshCacheResult>{rows}</RefreshCacheResult>"))
}

#[tokio::test]
async fn a_question_is_asked_again_with_the_numbers_that_the_server_has_now() {
    for code in ["ServerChanged", "InvalidCookie"] {
        let mut answers = scan(&[1, 2]);
        answers.push(fault(code));
        answers.extend(DAY[..3].iter().map(|name| good(name)));
        answers.push(refreshed(&[(31, 1), (42, 2)]));
        answers.push(described(&[31, 42]));
        answers.push(good("ReportEventBatch"));
        let day = Day::before(answers).await;
        assert_eq!(day.rules(), [], "{code}: {:?}", day.complaints);
        let asked = day.asked.iter().zip(&day.bodies);
        let asked = asked.filter(|(name, _)| *name == "GetExtendedUpdateInfo");
        let bodies: Vec<&String> = asked.map(|(_, body)| body).collect();
        assert!(bodies[0].contains("<int>1</int><int>2</int>"), "{}", bodies[0]);
        assert!(bodies[1].contains("<int>31</int><int>42</int>"), "{}", bodies[1]);
        let titles = day.agent.details.values().filter(|details| details.title.is_some());
        assert_eq!(titles.count(), 2);
    }
}

/// The config asks for 50 at most: what was answered before the recovery is kept.
#[tokio::test]
async fn a_recovery_between_two_questions_loses_nothing() {
    let numbers: Vec<u128> = (1..=51).collect();
    let mut answers = scan(&numbers);
    answers.push(described(&(1..=50).collect::<Vec<_>>()));
    answers.push(fault("ServerChanged"));
    answers.extend(DAY[..3].iter().map(|name| good(name)));
    answers
        .push(refreshed(&(1..=51).map(|number| (number + 100, number.into())).collect::<Vec<_>>()));
    answers.push(described(&[151]));
    answers.push(good("ReportEventBatch"));
    let day = Day::before(answers).await;
    assert_eq!(day.rules(), [], "{:?}", day.complaints);
    assert_eq!(day.agent.details.len(), 51);
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_not_asked_for_again() {
    let mut answers = scan(&[1]);
    answers.push(fault("ServerChanged"));
    answers.extend(DAY[..3].iter().map(|name| good(name)));
    answers.push(refreshed(&[]));
    answers.push(fault("InvalidParameters"));
    answers.push(good("ReportEventBatch"));
    let day = Day::before(answers).await;
    assert_eq!(day.rules(), [], "{:?}", day.complaints);
    assert!(day.agent.details.is_empty());
}

#[tokio::test]
async fn files_have_to_be_somewhere() {
    let mut answers = scan(&[1]);
    answers.push(response(
        "GetExtendedUpdateInfo",
        "<GetExtendedUpdateInfoResult><Updates><Update><ID>1</ID><Xml>&lt;ExtendedProperties \
         DefaultPropertiesLanguage=\"en\" /&gt;&lt;Files&gt;&lt;File \
         Digest=\"D2zdslftJ5kG/B9a2zSqQu83qTs=\" DigestAlgorithm=\"SHA1\" FileName=\"a.exe\" \
         Size=\"1\" /&gt;&lt;/Files&gt;</Xml></Update></Updates><FileLocations><FileLocation>\
         <FileDigest>o3nVUm+zp6BCPaHNf8MYKo1EhEk=</FileDigest><Url>/Content/a.exe</Url>\
         </FileLocation></FileLocations></GetExtendedUpdateInfoResult>",
    ));
    answers.push(good("ReportEventBatch"));
    let mut rules = live(answers).await.1;
    rules.sort_unstable();
    // The location is no URL, and of another file.
    let gaps = [Rule::FragmentMissing, Rule::FileLocationMissing];
    let locations = [Rule::FileLocation, Rule::FileLocation];
    assert_eq!(rules, [&gaps[..], &locations, &[Rule::FileDigest]].concat());
}

/// The answer that these revisions are not deployed to the computer.
fn out_of_scope(numbers: &[u32]) -> RecordedResponse {
    let numbers: String = numbers.iter().map(|number| format!("<int>{number}</int>")).collect();
    let result = format!(
        "<GetExtendedUpdateInfoResult><OutOfScopeRevisionIDs>{numbers}</OutOfScopeRevisionIDs>\
         </GetExtendedUpdateInfoResult>"
    );
    response("GetExtendedUpdateInfo", &result)
}

#[tokio::test]
async fn what_was_withdrawn_since_the_scan_is_forgotten() {
    let mut answers = scan(&[1]);
    answers.extend([out_of_scope(&[1]), good("ReportEventBatch")]);
    let day = Day::before(answers).await;
    assert_eq!(day.rules(), [], "{:?}", day.complaints);
    assert!(day.agent.store.is_empty());
}

#[tokio::test]
async fn not_everything_can_have_been_withdrawn_since_the_scan() {
    let mut answers = scan(&[1, 2]);
    answers.extend([out_of_scope(&[1, 2]), good("ReportEventBatch")]);
    assert_eq!(Day::before(answers).await.rules(), [Rule::FragmentMissing]);
    let mut answers = scan(&[1]);
    answers.extend([out_of_scope(&[1, 9]), good("ReportEventBatch")]);
    assert_eq!(Day::before(answers).await.rules(), [Rule::UnknownRevision]);
}

#[tokio::test]
async fn what_was_withdrawn_is_not_sent_again() {
    let mut answers = scan(&[1]);
    answers.extend([out_of_scope(&[1]), good("ReportEventBatch")]);
    let software = revision(1, "PreDeploymentCheck", true, SOFTWARE);
    answers.extend([page(&[software]), good("SyncUpdates"), described(&[1])]);
    answers.push(good("ReportEventBatch"));
    let mut day = Day::before(answers).await;
    assert_eq!(day.rules(), []);
    day.go_on().await;
    assert_eq!(day.rules(), [Rule::FragmentMissing]);
}
