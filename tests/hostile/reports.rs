//! Reports and scans of computers that are not what they say, or say too much.

use std::fmt::Write;

use weir::wire::operation::Operation;

use super::support::{Agent, Weir, assert_invalid, call, now, shared};

/// An event; `instance` makes it another than the others.
fn event(sid: &str, instance: u32, event_id: i32, extended: &str) -> String {
    event_at("2026-11-20T00:00:00Z", sid, instance, event_id, extended)
}

fn event_at(at: &str, sid: &str, instance: u32, event_id: i32, extended: &str) -> String {
    format!(
        "<ReportingEvent><BasicData><TargetID><Sid>{sid}</Sid></TargetID>\
         <SequenceNumber>0</SequenceNumber><TimeAtTarget>{at}</TimeAtTarget>\
         <EventInstanceID>{instance:08x}-0000-4000-8000-000000000000</EventInstanceID>\
         <NamespaceID>1</NamespaceID><EventID>{event_id}</EventID><SourceID>101</SourceID>\
         <UpdateID><UpdateID>4c21514f-5c01-412b-9866-52125b1a0110</UpdateID>\
         <RevisionNumber>100</RevisionNumber></UpdateID><Win32HResult>-2145124329</Win32HResult>\
         <AppName>x</AppName></BasicData><ExtendedData>{extended}</ExtendedData></ReportingEvent>"
    )
}

/// A status report that says of the sample's update that it is installed, or is not.
fn status(at: &str, sid: &str, instance: u32, tag: char) -> String {
    let misc =
        format!("<MiscData><string>{tag}=4C21514F-5C01-412B-9866-52125B1A0110</string></MiscData>");
    event_at(at, sid, instance, 156, &misc)
}

fn state_of(weir: &Weir, id: &str) -> String {
    let (_, shown) = weir.json(&["computer", "show", id]);
    let updates = shown["updates"].as_array().expect("updates").clone();
    let update = updates
        .iter()
        .find(|update| update["update_id"] == "4c21514f-5c01-412b-9866-52125b1a0110")
        .expect("the sample's update");
    update["state"].as_str().expect("a state").to_owned()
}

fn events_of(weir: &Weir, id: &str) -> usize {
    let (_, shown) = weir.json(&["computer", "show", id]);
    shown["events"].as_array().expect("events").len()
}

#[test]
fn nobody_reports_for_another_computer() {
    const VICTIM: &str = "7d1f0c57-0000-4000-8000-000000000e01";
    const ATTACKER: &str = "7d1f0c57-0000-4000-8000-000000000e02";
    let weir = shared();
    let (_victim, attacker) = (Agent::enrol(&weir, VICTIM), Agent::enrol(&weir, ATTACKER));
    let answer = attacker.report(&event(VICTIM, 1, 182, ""));
    assert_eq!((answer.status, answer.value("ReportEventBatchResult").as_str()), (200, "true"));
    assert_eq!((events_of(&weir, VICTIM), events_of(&weir, ATTACKER)), (0, 0));
    attacker.report(&event(ATTACKER, 2, 182, ""));
    assert_eq!((events_of(&weir, VICTIM), events_of(&weir, ATTACKER)), (0, 1));
    weir.serves_an_honest_client();
}

#[test]
fn a_flood_of_events_replaces_itself() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e03";
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, ID);
    let batch = |from: u32, count: u32| {
        (from..from + count).fold(String::new(), |mut text, at| {
            let _ = write!(text, "{}", event(ID, at, 182, ""));
            text
        })
    };
    weir.grows_at_most(64, || {
        for round in 0..3 {
            let answer = agent.report(&batch(round * 2000, 2000));
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        assert_invalid(&agent.report(&batch(0, 2001)));
        let long = "<ReplacementStrings><string>".to_owned()
            + &"x".repeat(60_000)
            + "</string></ReplacementStrings>";
        let texts: String = (0..100).map(|at| event(ID, 10_000 + at, 182, &long)).collect();
        assert_eq!(agent.report(&texts).status, 200);
    });
    assert_eq!(events_of(&weir, ID), 64);
    weir.serves_an_honest_client();
}

#[test]
fn an_event_counts_once_however_often_it_comes() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e04";
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    assert_eq!(agent.report(&event(ID, 7, 182, "").repeat(100)).status, 200);
    assert_eq!(agent.report(&event(ID, 7, 182, "")).status, 200);
    assert_eq!(events_of(&weir, ID), 1);
    weir.serves_an_honest_client();
}

#[test]
fn a_report_from_the_future_does_not_silence_those_to_come() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e05";
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    assert_eq!(agent.report(&status("9999-12-31T23:59:59Z", ID, 1, 'U')).status, 200);
    assert_eq!(state_of(&weir, ID), "NotInstalled");
    assert_eq!(agent.report(&status("0001-01-01T00:00:00Z", ID, 2, 'W')).status, 200);
    assert_eq!(state_of(&weir, ID), "NotInstalled", "it was overtaken");
    let present = agent.report(&status(&now(), ID, 3, 'V'));
    assert_eq!(present.status, 200);
    assert_eq!(state_of(&weir, ID), "Installed");
    weir.serves_an_honest_client();
}

#[test]
fn a_status_report_of_everything_there_could_be_is_bounded() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e06";
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, ID);
    let lists: String = (0..100).fold(String::new(), |mut lists, list| {
        lists.push_str("<string>U=");
        for at in 0..1000 {
            let _ = write!(lists, "{list:08x}-{at:04x}-4000-8000-000000000000;");
        }
        lists.push_str("</string>");
        lists
    });
    weir.grows_at_most(96, || {
        let report = event(ID, 1, 156, &format!("<MiscData>{lists}</MiscData>"));
        assert_eq!(agent.report(&report).status, 200);
    });
    let (_, shown) = weir.json(&["computer", "show", ID]);
    let rows = shown["updates"].as_array().expect("updates").len();
    assert!(rows <= 10_100, "{rows}");
    weir.serves_an_honest_client();
}

#[test]
fn events_that_are_none_are_passed_over() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e07";
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    for events in [
        "<ReportingEvent/>".repeat(100),
        "<ReportingEvent><BasicData/></ReportingEvent>".to_owned(),
        event(ID, 1, i32::MAX, ""),
        event(ID, 2, i32::MIN, ""),
        event(
            ID,
            3,
            156,
            "<MiscData><string/><string>U</string><string>U=;;;x;{}</string></MiscData>",
        ),
        event(ID, 4, 156, "<MiscData i:nil='1'/><ReplacementStrings i:nil='1'/>"),
        String::new(),
    ] {
        let answer = agent.report(&events);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for events in [
        event(ID, 5, 182, "").replace("<RevisionNumber>100", "<RevisionNumber>-100"),
        event(ID, 6, 182, "").replace("4c21514f-", "../../"),
        event(ID, 7, 182, "").replace(">101<", ">99999999999<"),
        event(ID, 8, 182, "").replace("2026-11-20", "2026-02-30"),
        event(ID, 9, 182, "").replace("2026-11-20", "-99999-11-20"),
    ] {
        assert_invalid(&agent.report(&events));
    }
    assert_eq!(events_of(&weir, ID), 0);
    weir.serves_an_honest_client();
}

#[test]
fn a_report_with_forbidden_characters_is_taken_all_the_same() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e08";
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    // Each puts other bytes behind the reference, and so its limit at another byte of a character.
    for (at, text) in
        ["&#1;", "&#27;é", "&#x1b;éé", "\u{1}\u{7}", "&#11;日本語日本語", "&#0;&#00000000;"]
            .iter()
            .enumerate()
    {
        let strings = format!(
            "<ReplacementStrings><string>{text}{}</string></ReplacementStrings>",
            "é".repeat(20)
        );
        let answer = agent.report(&event(ID, u32::try_from(at).expect("few"), 182, &strings));
        assert_eq!(answer.status, 200, "{text:?}: {}", answer.text);
    }
    assert_eq!(events_of(&weir, ID), 6);
    weir.serves_an_honest_client();
}

#[test]
fn revision_ids_that_nobody_was_given_do_no_harm() {
    let weir = shared();
    let agent = Agent::enrol(&weir, "7d1f0c57-0000-4000-8000-000000000e09");
    for ids in [
        "<int>2147483647</int>".to_owned(),
        "<int>0</int><int>0</int><int>0</int>".to_owned(),
        "<int>1</int>".repeat(50_000),
        (0..10_000).map(|id| format!("<int>{id}</int>")).collect(),
    ] {
        let answer = agent.scan(&format!("<OtherCachedUpdateIDs>{ids}</OtherCachedUpdateIDs>"));
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for id in ["-1", "-2147483648", "2147483648", "99999999999999999999", "1.0", "0x1", "", "NaN"] {
        let list = format!("<OtherCachedUpdateIDs><int>{id}</int></OtherCachedUpdateIDs>");
        assert_invalid(&agent.scan(&list));
    }
    let cookie = agent.session.element("cookie");
    let many = "<int>2147483647</int>".repeat(51);
    for (operation, content) in [
        (
            Operation::GetExtendedUpdateInfo,
            format!("<revisionIDs>{many}</revisionIDs><infoTypes/>"),
        ),
        (Operation::GetExtendedUpdateInfo, "<revisionIDs><int>-1</int></revisionIDs>".to_owned()),
        (
            Operation::GetFileLocations,
            "<fileDigests><base64Binary>AAAA</base64Binary></fileDigests>".to_owned(),
        ),
    ] {
        assert_invalid(&call(&weir, operation, &format!("{cookie}{content}")));
    }
    weir.serves_an_honest_client();
}

#[test]
fn installed_ids_are_taken_up_to_the_cap_and_not_beyond() {
    let weir = shared();
    let agent = Agent::enrol(&weir, "7d1f0c57-0000-4000-8000-000000000e0a");
    let installed = |count: usize| {
        format!(
            "<InstalledNonLeafUpdateIDs>{}</InstalledNonLeafUpdateIDs>",
            "<int>1</int>".repeat(count)
        )
    };
    assert_eq!(agent.scan(&installed(400)).status, 200);
    for count in [401, 100_000, 100_001] {
        let answer = agent.scan(&installed(count));
        assert_invalid(&answer);
        assert!(
            answer.fault().1.starts_with("parameters.InstalledNonLeafUpdateIDs"),
            "{}",
            answer.text
        );
    }
    weir.serves_an_honest_client();
}

#[test]
fn a_driver_pass_does_without_what_is_missing_and_with_too_much() {
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, "7d1f0c57-0000-4000-8000-000000000e0b");
    let pass = |devices: &str| {
        agent.scan(&format!(
            "<SkipSoftwareSync>true</SkipSoftwareSync><SystemSpec>{devices}</SystemSpec>"
        ))
    };
    for devices in [
        "",
        "<Device/>",
        "<Device><HardwareIDs/></Device>",
        "<Device><HardwareIDs><string>PCI\\VEN_0</string></HardwareIDs></Device>",
        "<Device><HardwareIDs><string/></HardwareIDs><installedDriver i:nil='1'/></Device>",
        "<Device><HardwareIDs><string>x</string></HardwareIDs><installedDriver/></Device>",
    ] {
        let answer = pass(devices);
        assert_eq!(answer.status, 200, "{devices}: {}", answer.text);
    }
    assert_eq!(agent.scan("<SkipSoftwareSync>true</SkipSoftwareSync>").status, 200);
    weir.grows_at_most(64, || {
        let device = "<Device><HardwareIDs><string>PCI\\VEN_8086&amp;DEV_15F3</string></HardwareIDs></Device>";
        assert_eq!(pass(&device.repeat(10_000)).status, 200);
        assert_invalid(&pass(&device.repeat(10_001)));
        let ids = "<string>PCI\\VEN_8086</string>".repeat(1000);
        let wide = format!("<Device><HardwareIDs>{ids}</HardwareIDs><CompatibleIDs>{ids}</CompatibleIDs></Device>");
        assert_eq!(pass(&wide.repeat(60)).status, 200);
    });
    weir.serves_an_honest_client();
}

#[test]
fn a_registration_of_endless_texts_is_refused_or_cut() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000e0c";
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let field = |name: &str, length: usize| format!("<{name}>{}</{name}>", "é".repeat(length / 2));
    let answer = agent.register(&field("DnsName", 1 << 20));
    assert_eq!((answer.status, answer.fault().0.as_str()), (413, "InvalidParameters"));
    let answer = agent.register(&field("OSDescription", 60_000));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (_, shown) = weir.json(&["computer", "show", ID]);
    assert_eq!(shown["os"].as_str().expect("text").len(), 512);
    // The identity is in the cookie, so its texts have limits of their own.
    for (id, name, group) in [
        ("a".repeat(256), "pc".to_owned(), String::new()),
        ("../../etc".to_owned(), "pc".to_owned(), String::new()),
        ("a b".to_owned(), "pc".to_owned(), String::new()),
        (String::new(), "pc".to_owned(), String::new()),
        ("a".to_owned(), "p".repeat(256), String::new()),
        ("a".to_owned(), String::new(), String::new()),
        ("a".to_owned(), "pc\u{9b}31m".to_owned(), String::new()),
        ("a".to_owned(), "pc/../x".to_owned(), String::new()),
        ("a".to_owned(), "pc".to_owned(), "g".repeat(513)),
    ] {
        let content = format!(
            "<clientId>{id}</clientId><targetGroupName>{group}</targetGroupName><dnsName>{name}</dnsName>"
        );
        assert_invalid(&call(&weir, Operation::GetAuthorizationCookie, &content));
    }
    weir.serves_an_honest_client();
}
