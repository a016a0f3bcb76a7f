use super::super::dialogue::{BODY_LIMIT, Dialogue};
use super::*;
use crate::corpus;

/// The recorded answers of a real scan, in order.
fn scan() -> Option<Vec<RecordedResponse>> {
    let dialogue = Dialogue::open(&corpus::folder("agent-scan")?, BODY_LIMIT).unwrap();
    let read = |name: &String| dialogue.read(name).unwrap().response.unwrap();
    Some(dialogue.names().iter().map(read).collect())
}

fn answer(recorded: &RecordedResponse, change: impl Fn(String) -> String) -> Answer {
    let body = String::from_utf8(recorded.body.clone().unwrap()).unwrap();
    let body = change(body).into_bytes();
    Answer { head: recorded.head.clone(), wire_length: body.len() as u64, body }
}

/// Compares the whole scan with itself, one answer changed.
fn changed(at: usize, change: impl Fn(String) -> String) -> Option<Comparison> {
    let mut carry = Carry::default();
    let mut result = None;
    for (index, recorded) in scan()?.iter().enumerate() {
        let got = if index + 1 == at {
            let got = answer(recorded, &change);
            assert_ne!(Some(&got.body), recorded.body.as_ref(), "the change changes something");
            got
        } else {
            answer(recorded, |body| body)
        };
        let comparison = compare(recorded, &got, &mut carry);
        if index + 1 == at {
            result = Some(comparison);
        }
    }
    result
}

#[test]
fn a_dialogue_equals_itself() {
    for name in ["agent-scan", "agent-flow", "client-basic", "content-ranges"] {
        let Some(folder) = corpus::folder(name) else { return };
        let dialogue = Dialogue::open(&folder, BODY_LIMIT).unwrap();
        let mut carry = Carry::default();
        for exchange in dialogue.names() {
            let recorded = dialogue.read(exchange).unwrap().response.unwrap();
            let body = recorded.body.clone().unwrap_or_default();
            let got = Answer { head: recorded.head.clone(), body, wire_length: 0 };
            let comparison = compare(&recorded, &got, &mut carry);
            assert_eq!(comparison.verdict, Verdict::Equal, "{name}/{exchange}: {comparison:?}");
        }
    }
}

#[test]
fn what_a_server_may_choose_is_equivalent() {
    let cases: [(usize, &str, &str, Freedom); 10] = [
        (2, "AAAA", "AAAB", Freedom::Cookie),
        (3, "2026-10-04T16:03:35.9967236Z", "2027-01-02T03:04:05Z", Freedom::Expiration),
        (6, "AAAA", "AAAB", Freedom::Cookie),
        (1, "2026-10-04T13:17:07.59Z", "2026-11-11T11:11:11.11Z", Freedom::LastChange),
        (1, r"\\REDACTED2\", r"\\weir\", Freedom::PackageServerShare),
        (6, "2026-10-04</LastChangeTime>", "2026-11-23</LastChangeTime>", Freedom::LastChangeTime),
        (6, "<ID>8059<", "<ID>3<", Freedom::DeploymentId),
        (8, "<ID>72571<", "<ID>3<", Freedom::RevisionId),
        (1, "<Parameter/>", "<Parameter></Parameter>", Freedom::Spelling),
        (4, "<s:Body", "\n <s:Body", Freedom::Spelling),
    ];
    for (at, from, to, freedom) in cases {
        let Some(comparison) = changed(at, |body| body.replace(from, to)) else { return };
        assert_eq!(comparison.verdict, Verdict::Equivalent, "{from}: {comparison:?}");
        assert_eq!(comparison.freedoms, BTreeSet::from([freedom]), "{from}");
    }
}

#[test]
fn prefixes_are_the_writers_choice() {
    let rename = |body: String| {
        body.replace("<s:", "<soap:").replace("</s:", "</soap:").replace("xmlns:s=", "xmlns:soap=")
    };
    let Some(comparison) = changed(4, rename) else { return };
    assert_eq!(comparison.freedoms, BTreeSet::from([Freedom::Spelling]), "{comparison:?}");
    assert_eq!(comparison.verdict, Verdict::Equivalent);
}

#[test]
fn a_share_may_be_absent() {
    let share = "<ConfigurationProperty><Name>PackageServerShare</Name>\
         <Value>\\\\REDACTED2\\UpdateServicesPackages</Value></ConfigurationProperty>";
    let Some(comparison) = changed(1, |body| body.replace(share, "")) else { return };
    assert_eq!(comparison.freedoms, BTreeSet::from([Freedom::PackageServerShare]));
    assert_eq!(comparison.difference, None);
}

#[test]
fn fragments_may_come_in_another_order() {
    let swap = |body: String| {
        let (head, rest) = body.split_once("<Update>").unwrap();
        let (first, rest) = rest.split_once("<Update>").unwrap();
        let rest = rest.replacen("<Update>", &format!("<Update>{first}<Update>"), 1);
        format!("{head}<Update>{rest}")
    };
    let Some(comparison) = changed(10, swap) else { return };
    assert_eq!(comparison.freedoms, BTreeSet::from([Freedom::Order]), "{comparison:?}");
    assert_eq!(comparison.verdict, Verdict::Equivalent);
}

#[test]
fn anything_else_is_different_and_the_path_says_where() {
    const RESULT: &str = "/Envelope/Body/SyncUpdatesResponse/SyncUpdatesResult";
    let root = "NewUpdates/UpdateInfo[56309036-4c77-4dd9-951a-99ee9c246a94/101]";
    let product = "NewUpdates/UpdateInfo[dd78b8a1-0b20-45c1-add6-4da72e9364cf/202]";
    let cases: [(usize, &str, &str, String, &str); 12] = [
        (6, "<Truncated>false", "<Truncated>true", "Truncated".into(), "another value"),
        (6, "<IsLeaf>false", "<IsLeaf>true", format!("{root}/IsLeaf"), "another value"),
        (
            6,
            "<AutoDownload>0</AutoDownload>",
            "",
            format!("{root}/Deployment/AutoDownload"),
            "missing",
        ),
        (
            6,
            "<Action>Evaluate</Action><IsAssigned>true</IsAssigned>",
            "<IsAssigned>true</IsAssigned><Action>Evaluate</Action>",
            format!("{root}/Deployment/Action"),
            "another order",
        ),
        (
            6,
            "2026-10-04</LastChangeTime>",
            "2026-10-04T00:00:00Z</LastChangeTime>",
            format!("{root}/Deployment/LastChangeTime"),
            "recorded form",
        ),
        (
            6,
            "<DriverSyncNotNeeded>true</DriverSyncNotNeeded>",
            "",
            "DriverSyncNotNeeded".into(),
            "missing",
        ),
        (
            6,
            "<Truncated>",
            "<OutOfScopeRevisionIDs/><Truncated>",
            "OutOfScopeRevisionIDs".into(),
            "too many",
        ),
        (6, "RevisionNumber=\"101\"", "RevisionNumber=\"102\"", root.to_owned(), "lacks this item"),
        (
            8,
            "MajorVersion=\"6\"",
            "MajorVersion=\"7\"",
            format!("{product}/Xml/ApplicabilityRules/IsInstalled/b.WindowsVersion/@MajorVersion"),
            "attribute",
        ),
        (
            8,
            "&lt;/IsInstalled",
            "&lt;True /&gt;&lt;/IsInstalled",
            format!("{product}/Xml/ApplicabilityRules/IsInstalled/True"),
            "too many",
        ),
        (
            8,
            "\"202\" /&gt;",
            "\"202\"/&gt;",
            format!("{product}/Xml"),
            "bytes differ from offset 84",
        ),
        (9, "<EncryptedData>A", "<EncryptedData>?", "NewCookie/EncryptedData".into(), "base64"),
    ];
    for (at, from, to, path, why) in cases {
        let Some(comparison) = changed(at, |body| body.replace(from, to)) else { return };
        assert_eq!(comparison.verdict, Verdict::Different, "{from} -> {to}");
        let difference = comparison.difference.unwrap();
        assert_eq!(difference.path, format!("{RESULT}/{path}"), "{from} -> {to}");
        assert!(difference.why.contains(why), "{from} -> {to}: {}", difference.why);
    }
}

#[test]
fn a_lost_deployment_is_found() {
    let lose = |body: String| {
        let (head, rest) = body.split_once("<Deployment>").unwrap();
        format!("{head}{}", rest.split_once("</Deployment>").unwrap().1)
    };
    let Some(comparison) = changed(6, lose) else { return };
    let difference = comparison.difference.unwrap();
    assert!(difference.path.ends_with("/101]/Deployment"), "{}", difference.path);
    assert_eq!((difference.got, &*difference.why), (None, "the element is missing"));
}

#[test]
fn an_id_that_contradicts_the_dialogue_is_different() {
    let Some(comparison) = changed(10, |body| body.replacen("<ID>72571<", "<ID>108226<", 1)) else {
        return;
    };
    assert_eq!(comparison.verdict, Verdict::Different);
    let path = comparison.difference.unwrap().path;
    assert!(
        path.ends_with(
            "Updates/Update[dd78b8a1-0b20-45c1-add6-4da72e9364cf/202 ExtendedProperties]"
        ),
        "{path}"
    );
}

#[test]
fn urls_keep_their_path() {
    let Some(folder) = corpus::folder("agent-flow") else { return };
    let recorded =
        Dialogue::open(&folder, BODY_LIMIT).unwrap().read("000015").unwrap().response.unwrap();
    let judge = |from: &str, to: &str| {
        let got = answer(&recorded, |body| body.replace(from, to));
        compare(&recorded, &got, &mut Carry::default())
    };
    let moved = judge("http://192.0.2.1:8530", "https://weir.example:8531");
    assert_eq!(moved.freedoms, BTreeSet::from([Freedom::Host]), "{moved:?}");
    assert_eq!(moved.verdict, Verdict::Equivalent);
    let lost = judge("/Content/49/", "/Content/00/");
    let path = lost.difference.unwrap().path;
    assert!(path.ends_with("FileLocation[o3nVUm+zp6BCPaHNf8MYKo1EhEk=]/Url"), "{path}");
}

#[test]
fn a_fault_keeps_its_code_and_may_choose_id_and_wording() {
    let Some(folder) = corpus::folder("client-basic") else { return };
    let recorded =
        Dialogue::open(&folder, BODY_LIMIT).unwrap().read("000141").unwrap().response.unwrap();
    let judge = |from: &str, to: &str| {
        let got = answer(&recorded, |body| body.replace(from, to));
        compare(&recorded, &got, &mut Carry::default())
    };
    let worded = judge("Fault occurred", "InvalidParameters: too many");
    assert_eq!(worded.freedoms, BTreeSet::from([Freedom::FaultWording]));
    let numbered = judge("81418b4e", "00000000");
    assert_eq!(numbered.freedoms, BTreeSet::from([Freedom::FaultId]));
    let other = judge("<ErrorCode>InvalidParameters", "<ErrorCode>ServerBusy");
    assert_eq!(other.difference.unwrap().path, "/Envelope/Body/Fault/detail/ErrorCode");
    assert_eq!(judge("81418b4e-", "nonsense").verdict, Verdict::Different);
}

#[test]
fn who_speaks_in_a_fault_may_be_elsewhere() {
    let Some(folder) = corpus::folder("server-sync") else { return };
    let recorded =
        Dialogue::open(&folder, BODY_LIMIT).unwrap().read("000018").unwrap().response.unwrap();
    let judge = |from: &str, to: &str| {
        let got = answer(&recorded, |body| body.replace(from, to));
        compare(&recorded, &got, &mut Carry::default())
    };
    let elsewhere = judge("http://127.0.0.1:8530/", "https://weir.example:8531/");
    assert_eq!(elsewhere.freedoms, BTreeSet::from([Freedom::Host]));
    let other = judge("/ServerSyncWebService.asmx</", "/Client.asmx</");
    assert_eq!(other.difference.unwrap().path, "/Envelope/Body/Fault/faultactor");
}

#[test]
fn status_type_and_ranges_must_match() {
    let recorded = |text: &str, body: Option<&[u8]>| RecordedResponse {
        head: ResponseHead::parse(text).unwrap(),
        body: body.map(<[u8]>::to_vec),
    };
    let range = "HTTP/1.1 206 P\nContent-Type: application/octet-stream\n\
         Content-Length: 4\nContent-Range: bytes 0-3/9\nETag: \"a\"\n\n";
    let judge = |from: &str, to: &str, kept: Option<&[u8]>, body: &[u8]| {
        let head = ResponseHead::parse(&range.replace(from, to)).unwrap();
        let got = Answer { head, body: body.to_vec(), wire_length: 4 };
        compare(&recorded(range, kept), &got, &mut Carry::default())
    };
    let path = |comparison: Comparison| comparison.difference.map(|difference| difference.path);
    assert_eq!(judge("\"a\"", "\"b\"", None, b"").verdict, Verdict::Equal);
    assert_eq!(judge("", "", Some(b"abcd"), b"abcd").verdict, Verdict::Equal);
    assert_eq!(path(judge("", "", Some(b"abcd"), b"abce")).as_deref(), Some("body"));
    assert_eq!(path(judge("206", "200", None, b"")).as_deref(), Some("status"));
    assert_eq!(path(judge("0-3", "0-2", None, b"")).as_deref(), Some("Content-Range"));
    assert_eq!(path(judge("th: 4", "th: 5", None, b"")).as_deref(), Some("Content-Length"));
    assert_eq!(path(judge("octet", "other", None, b"")).as_deref(), Some("Content-Type"));
}

#[test]
fn the_boundary_between_ranges_is_the_servers_choice() {
    let head = |media_type: &str, length: u32| {
        let text = format!(
            "HTTP/1.1 206 P\nContent-Type: {media_type}\nContent-Length: {length}\n\
             Accept-Ranges: bytes\n\n"
        );
        ResponseHead::parse(&text).unwrap()
    };
    let recorded =
        RecordedResponse { head: head("multipart/byteranges; boundary=a", 9), body: None };
    let judge = |media_type: &str, length| {
        let got = Answer { head: head(media_type, length), body: Vec::new(), wire_length: 9 };
        compare(&recorded, &got, &mut Carry::default())
    };
    assert_eq!(judge("multipart/byteranges; boundary=a", 9).verdict, Verdict::Equal);
    let other = judge("multipart/byteranges; boundary=bb", 12);
    assert_eq!(other.verdict, Verdict::Equivalent);
    assert_eq!(other.freedoms, [Freedom::Boundary].into());
    assert_eq!(judge("application/octet-stream", 9).verdict, Verdict::Different);
}

#[test]
fn an_answer_that_is_no_xml_is_different() {
    let Some(comparison) = changed(1, |_| "<html".to_owned()) else { return };
    assert_eq!(comparison.difference.unwrap().path, "body");
}
