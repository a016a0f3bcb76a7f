//! Texts of strangers on an administrator's terminal.

use super::support::{Agent, Document, Weir};

/// What a terminal, or who reads it, could take for something else: control characters of both
/// sets, and the marks that turn the direction of writing.
fn is_harmless(text: &str) -> bool {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().all(|c| c == '\n' || !(c.is_control() || turns(c)))
}

/// All that XML lets through: C1 controls, line ends, and changes of direction.
const HOSTILE: &str =
    "pc\u{9b}2J\u{9d}0;x\u{9c}\u{7f}\t&#13;&#10;root \u{202e}gpj.exe\u{2066}\u{2028}";

#[test]
fn a_computers_texts_cannot_move_the_cursor() {
    const ID: &str = "7d1f0c57-0000-4000-8000-000000000d01";
    let weir = Weir::start();
    let agent = Agent::named(&weir, ID, HOSTILE);
    let info = ["DnsName", "OSDescription", "ComputerModel", "BiosName", "OSLocale"]
        .map(|name| format!("<{name}>{HOSTILE}</{name}>"));
    assert_eq!(agent.register(&info.concat()).status, 200);
    let event = format!(
        "<ReportingEvent><BasicData><TimeAtTarget>2026-11-20T00:00:00Z</TimeAtTarget>\
         <EventInstanceID>00000001-0000-4000-8000-000000000000</EventInstanceID>\
         <EventID>182</EventID><AppName>{HOSTILE}</AppName></BasicData><ExtendedData>\
         <ReplacementStrings><string>{HOSTILE}\u{1b}[2J</string></ReplacementStrings>\
         </ExtendedData></ReportingEvent>"
    );
    assert_eq!(agent.report(&event).status, 200);
    for arguments in [&["computer", "list"][..], &["computer", "show", ID]] {
        for json in [&[][..], &["--json"]] {
            let output = weir.cli(&[arguments, json].concat());
            let printed = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(printed.contains("pc"), "{printed}");
            assert!(is_harmless(&printed), "{printed:?}");
        }
    }
    // A name takes one line of the list, and its program reads it unchanged.
    let listed = weir.cli(&["computer", "list"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2);
    let (_, shown) = weir.json(&["computer", "show", ID]);
    let name = HOSTILE.replace("&#13;", "\r").replace("&#10;", "\n");
    assert_eq!(shown["name"], name);
    weir.serves_an_honest_client();
}

#[test]
fn a_documents_texts_cannot_either() {
    let weir = Weir::start();
    let document = Document::software(1).titled(HOSTILE).file("a\u{9b}2J\u{202e}.exe", 7);
    let path = weir.scratch("update\u{9b}2J.xml");
    std::fs::write(&path, document.xml()).expect("written");
    let broken = weir.scratch("broken\u{202e}.xml");
    std::fs::write(&broken, "<\u{9b}2J/>").expect("written");
    let (path, broken) = (path.to_str().expect("text"), broken.to_str().expect("text"));
    let id = document.id.to_string();
    for arguments in [
        &["import", path, broken][..],
        &["update", "list"],
        &["update", "show", &id],
        &["content", "add", path],
        &["content", "status"],
        &["computer", "show", "no\u{9b}2Jbody"],
        &["group", "create", "group\u{9b}2J"],
        &["group", "list"],
    ] {
        let output = weir.cli(arguments);
        for printed in [output.stdout, output.stderr] {
            let printed = String::from_utf8(printed).expect("UTF-8");
            assert!(is_harmless(&printed), "{arguments:?}: {printed:?}");
        }
    }
    weir.serves_an_honest_client();
}
