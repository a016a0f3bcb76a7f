//! Whatever an upstream server and the network do, a downstream server is neither damaged nor
//! blocked, and says what failed.

use super::levels::{Level, generate, import};
use crate::harness::agent::Agent;
use crate::harness::http::Connection;
use crate::harness::relay::Spoil;
use crate::harness::scan::Machine;

const DOCUMENTS: usize = 100;
const MORE: usize = 6;

/// What is tried again, so that one of it does no harm.
const PASSING: &[Spoil] = &[
    Spoil::Drop,
    Spoil::Status(500),
    Spoil::Status(503),
    Spoil::Truncate,
    Spoil::TooLong,
    Spoil::TooShort,
    Spoil::Drip,
    Spoil::Cabinets,
    Spoil::Fault("InvalidCookie"),
    Spoil::Fault("ConfigChanged"),
    Spoil::Fault("RegistrationRequired"),
    Spoil::Fault("CookieExpired"),
    Spoil::Fault("InvalidAuthorizationCookie"),
    Spoil::Fault("ServerBusy"),
];

/// What ends a synchronization, or sets revisions aside, with its reason.
const ENDING: &[Spoil] = &[
    Spoil::Status(404),
    Spoil::Fault("ServerChanged"),
    Spoil::Fault("InternalServerError"),
    Spoil::Fault("InvalidParameters"),
    Spoil::Fault("RegistrationNotRequired"),
    Spoil::Fault("FileLocationChanged"),
    Spoil::Fault("IncompatibleProtocolVersion"),
    Spoil::Fault("FileDigestsMissing"),
];

const OPERATIONS: &[&str] = &["GetCookie", "GetConfigData", "GetRevisionIdList", "GetUpdateData"];

#[test]
fn a_spoilt_answer_damages_nothing_and_is_named() {
    let mut root = Level::root();
    let mut documents = DOCUMENTS;
    import(&root.directory, &generate(&root.directory, documents));
    root.start();
    let mut middle = Level::below(&root, true);
    middle.start();
    middle.sync_well();
    let all = PASSING.iter().map(|spoil| (spoil, true));
    let all = all.chain(ENDING.iter().map(|spoil| (spoil, false)));
    for (number, (spoil, passes)) in all.enumerate() {
        documents += MORE;
        import(&root.directory, &generate(&root.directory, documents));
        // What is said of a cookie is said when there is one.
        let operations =
            if matches!(spoil, Spoil::Fault(_)) { &OPERATIONS[1..] } else { OPERATIONS };
        let operation = operations[number % operations.len()];
        // A cabinet is only in documents, and one answer is not enough for what is tried again.
        let operation = if *spoil == Spoil::Cabinets { "GetUpdateData" } else { operation };
        middle.relay().spoil(spoil.clone(), operation, if passes { 1 } else { 1000 });
        let run = middle.sync();
        let what = format!("{spoil:?} of {operation}: {run}");
        let failed = run["status"] == 6703;
        assert_eq!(
            failed,
            run["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{what}"
        );
        if passes && *spoil != Spoil::Cabinets {
            assert!(!failed, "{what}");
        } else if !failed {
            let reasons = run["failed"].as_array().expect("a list");
            assert!(reasons.iter().all(|it| it["reason"].is_string()), "{what}");
        }
        middle.relay().behave();
        // Its own computers are served meanwhile, from what it had or has. One in four will do.
        if number % 4 == 0 {
            let mut agent = Agent::registered(Connection::plain(middle.http()), "pc.example");
            let machine = Machine { installed: &|revision| !revision.is_leaf, devices: &[] };
            assert!(agent.scan(&machine).expect("a scan").new.len() > 10, "{what}");
        }
        let run = middle.sync_well();
        assert_eq!(run["failures"], 0, "{what}: {run}");
    }
    root.stop();
    middle.stop();
    let top = root.picture();
    assert!(top.revisions.len() > documents / 2);
    assert!(middle.picture() == top, "what was spoilt on the way differs");
}
