//! What is reported of what went wrong.

use super::details::described;
use super::*;

/// A bundle of update 2.
const BUNDLE: &str = "<Properties UpdateType=\"Software\" /><Relationships><BundledUpdates>\
    <UpdateIdentity UpdateID=\"00000000-0000-0000-0000-000000000002\" RevisionNumber=\"1\" />\
    </BundledUpdates></Relationships>";

/// Says that it can be installed, and no installation makes a machine one for ARM.
const IMPOSSIBLE: &str = "<Properties UpdateType=\"Software\" /><ApplicabilityRules><IsInstalled>\
    <b.Processor Architecture=\"12\" /></IsInstalled><IsInstallable><True /></IsInstallable>\
    </ApplicabilityRules>";

/// As recorded: first the member, without texts, then the bundle, without a secondary error.
#[tokio::test]
async fn a_failure_is_reported_of_the_member_and_of_its_bundle() {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    answers.push(page(&[
        revision(2, "Bundle", true, IMPOSSIBLE),
        revision(0xb1, "Install", true, BUNDLE),
    ]));
    answers.push(good("SyncUpdates"));
    answers.push(described(&[2, 0xb1]));
    answers.extend([good("ReportEventBatch"), good("ReportEventBatch")]);
    let day = Day::before(answers).await;
    assert_eq!(day.rules(), [], "{:?}", day.complaints);
    let report = day.bodies.last().expect("a report");
    let failed: Vec<&str> = report
        .split("<ReportingEvent>")
        .filter(|event| event.contains("<EventID>182</EventID>"))
        .collect();
    let [member, bundle] = failed[..] else { panic!("{report}") };
    let result = i32::from_be_bytes([0x80, 0x24, 0x20, 0x06]);
    let tag = |event: &str, tag: &str| event.contains(&format!("<string>{tag}</string>"));
    assert!(member.contains("<UpdateID>00000000-0000-0000-0000-000000000002</UpdateID>"));
    assert!(tag(member, "M=00000000-0000-0000-0000-0000000000B1;1"), "{member}");
    assert!(tag(member, "Q=1") && tag(member, &format!("F={result}")), "{member}");
    assert!(!member.contains("ReplacementStrings"), "{member}");
    assert!(bundle.contains("<UpdateID>00000000-0000-0000-0000-0000000000b1</UpdateID>"));
    assert!(tag(bundle, "0x80242006") && tag(bundle, "Q=2") && tag(bundle, "P=1"), "{bundle}");
    assert!(!bundle.contains("M=") && !bundle.contains("F="), "{bundle}");
}
