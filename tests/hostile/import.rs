//! Files to import that are not what an administrator took them for.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use weir::wire::operation::Operation;

use super::support::{Agent, Document, Weir, call};

const ID: &str = "7d1f0c57-0000-4000-8000-0000000000f1";

/// Everything that an import may leave: the packs with their lengths, and what is listed.
fn traces(weir: &Weir) -> (BTreeSet<(PathBuf, u64)>, usize) {
    let kinds = std::fs::read_dir(weir.data().join("packs")).expect("packs");
    let packs = kinds
        .flat_map(|kind| std::fs::read_dir(kind.expect("an entry").path()).expect("a kind"))
        .map(|pack| pack.expect("an entry"))
        .map(|pack| (pack.path(), pack.metadata().expect("there").len()))
        .collect();
    let (_, listed) = weir.json(&["update", "list"]);
    (packs, listed.as_array().expect("updates").len())
}

/// Imports a file that must be refused for a reason with these words, and leave nothing.
#[track_caller]
fn refused(weir: &Weir, name: &str, bytes: &[u8], words: &str) {
    let path = weir.scratch(name);
    std::fs::write(&path, bytes).expect("written");
    let before = traces(weir);
    let (code, report) = weir.json(&["import", path.to_str().expect("text")]);
    assert_eq!(code, 1, "{name}: {report}");
    assert_eq!((&report["revisions"], &report["new"]), (&0.into(), &0.into()), "{name}: {report}");
    let rejected = report["rejected"].as_array().expect("a list");
    assert!(!rejected.is_empty(), "{name}: {report}");
    for rejected in rejected {
        let reason = rejected["reason"].as_str().expect("a reason");
        assert!(reason.contains(words), "{name}: {reason}");
        assert!(reason.len() < 1000 && !reason.contains("internal error"), "{name}: {reason}");
    }
    assert_eq!(traces(weir), before, "{name} left something");
}

#[test]
fn documents_that_attack_their_reader_are_refused() {
    let weir = Weir::start();
    let good = Document::software(1).xml();
    let laughs = "<!DOCTYPE U [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>";
    let attributes = (0..100_000).fold(String::new(), |mut text, at| {
        let _ = write!(text, " a{at}='x'");
        text
    });
    let deep = format!("{}{}", "<And>".repeat(100_000), "</And>".repeat(100_000));
    weir.grows_at_most(96, || {
        for (name, text, words) in [
            ("doctype.xml", format!("{laughs}{good}"), "DOCTYPE"),
            ("external.xml", format!("<!DOCTYPE U SYSTEM 'file:///etc/passwd'>{good}"), "DOCTYPE"),
            ("entity.xml", good.replace("Update 1", "&xxe;"), "entity 'xxe'"),
            ("deep.xml", Document::software(1).rules(&deep).xml(), "levels of nesting"),
            (
                "wide.xml",
                Document::software(1).rules(&format!("<x{attributes}/>")).xml(),
                "attributes",
            ),
            (
                "name.xml",
                Document::software(1).rules(&format!("<{}/>", "x".repeat(100_000))).xml(),
                "more than",
            ),
            ("prefix.xml", Document::software(1).rules("<b.X/><b:X/>").xml(), "not well-formed"),
            ("twice.xml", good.replace("<Files>", "<Files/><Files>"), "more than once"),
            ("roots.xml", format!("{good}{good}"), "not well-formed"),
            ("root.xml", "<html/>".to_owned(), "not Update"),
            ("empty.xml", String::new(), "ends early"),
            ("null.xml", good.replace("Update 1", "Update\0 1"), "not"),
            (
                "revision.xml",
                good.replace("RevisionNumber='1'", "RevisionNumber='-1'"),
                "RevisionNumber",
            ),
            (
                "big.xml",
                good.replace("RevisionNumber='1'", "RevisionNumber='4294967296'"),
                "RevisionNumber",
            ),
            ("id.xml", good.replace(&Document::software(1).id.to_string(), "../../x"), "GUID"),
            ("type.xml", good.replace("'Software'", "'Malware'"), "UpdateType"),
            (
                "prerequisites.xml",
                Document::software(1).needs(&(0..100_001).collect::<Vec<_>>()).xml(),
                "references",
            ),
            (
                "record.xml",
                Document::software(1).needs(&(0..70_000).collect::<Vec<_>>()).xml(),
                "more than a record holds",
            ),
        ] {
            refused(&weir, name, text.as_bytes(), words);
        }
    });
    weir.serves_an_honest_client();
}

#[test]
fn texts_cut_anywhere_or_in_no_encoding_are_refused() {
    let weir = Weir::start();
    let good = Document::software(1).titled("Ünïcödé \u{1f600}").xml();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&b"\xff\xfe"[..], &utf16].concat();
    let big_endian: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, bytes, words) in [
        ("odd.xml", &marked[..marked.len() - 1], "UTF-16"),
        ("half.xml", &marked[..marked.len() / 4 * 2], ""),
        ("mark.xml", b"\xff\xfe", "ends early"),
        ("mark8.xml", b"\xef\xbb\xbf", "ends early"),
        ("swapped.xml", &[&b"\xff\xfe"[..], &big_endian].concat(), ""),
        ("surrogate.xml", &[&marked[..], b"\x00\xd8"].concat(), "UTF-16"),
        ("utf32.xml", &[&b"\xff\xfe\0\0"[..], &utf16].concat(), ""),
        ("packed.xml", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "UTF-8"),
        ("latin.xml", b"<Update>\xe4</Update>", "UTF-8"),
        ("overlong.xml", b"<Update>\xc0\xbc</Update>", "UTF-8"),
        ("zeros.xml", &[0; 4096], ""),
        ("cut.xml", &good.as_bytes()[..good.len() - 1], ""),
    ] {
        refused(&weir, name, bytes, words);
    }
    weir.serves_an_honest_client();
}

#[test]
fn a_revision_never_changes() {
    let weir = Weir::start();
    let first = weir.scratch("first.xml");
    std::fs::write(&first, Document::software(1).xml()).expect("written");
    let (code, report) = weir.json(&["import", first.to_str().expect("text")]);
    assert_eq!((code, &report["new"]), (0, &1.into()), "{report}");
    let other = Document::software(1).titled("Something else").file("evil.exe", 66);
    refused(&weir, "other.xml", other.xml().as_bytes(), "with other content");
    // Two truths in one import: the one is taken, the other refused.
    let directory = weir.scratch("two");
    std::fs::create_dir(&directory).expect("a directory");
    for (name, title) in [("a.xml", "One"), ("b.xml", "Other")] {
        let document = Document::software(2).titled(title).xml();
        std::fs::write(directory.join(name), document).expect("written");
    }
    // Only what is taken is stored: eight bytes, and the document.
    let documents = |weir| -> u64 {
        let (packs, _) = traces(weir);
        packs
            .iter()
            .filter(|(path, _)| path.parent().is_some_and(|kind| kind.ends_with("documents")))
            .map(|(_, length)| length)
            .sum()
    };
    let before = documents(&weir);
    let (code, report) = weir.json(&["import", directory.to_str().expect("text")]);
    assert_eq!((code, &report["new"]), (1, &1.into()), "{report}");
    assert_eq!(report["rejected"].as_array().map(Vec::len), Some(1), "{report}");
    let one = Document::software(2).titled("One").xml();
    assert_eq!(documents(&weir), before + 8 + one.len() as u64);
    let (_, shown) = weir.json(&["update", "show", &Document::software(1).id.to_string()]);
    assert_eq!(shown["title"], "Update 1");
    weir.serves_an_honest_client();
}

#[test]
fn cabinets_that_unpack_to_more_than_they_are_refused_before_they_do() {
    let weir = Weir::start();
    weir.grows_at_most(64, || {
        // One gibibyte of zeros in two megabytes; then what passes the absolute limit, and still
        // becomes hundreds of times its size.
        refused(&weir, "gibibyte.cab", &zeros(32 * 1024), "unpacks to more than");
        refused(&weir, "ratio.cab", &zeros(6 * 1024), "unpacks to more than");
        refused(&weir, "many.cab", &overlapping(16, 500), "unpacks to more than");
    });
    weir.serves_an_honest_client();
}

#[test]
fn damaged_cabinets_are_refused_wherever_the_damage_is() {
    let weir = Weir::start();
    let good = cabinet(&[("blob", Document::software(1).xml().as_bytes())]);
    for length in (4..good.len()).step_by(good.len() / 10) {
        refused(&weir, "cut.cab", &good[..length], "");
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let last = good.len() - 1;
    for (name, bytes) in [
        ("version.cab", changed(25, 9)),
        ("folders.cab", changed(27, 0xff)),
        ("files.cab", changed(29, 0xff)),
        ("set.cab", changed(30, 2)),
        ("quantum.cab", changed(42, 2)),
        ("offset.cab", changed(36, 0xff)),
        ("data.cab", changed(last, good[last] ^ 1)),
    ] {
        refused(&weir, name, &bytes, "");
    }
    refused(&weir, "none.cab", &cabinet(&[]), "empty");
    refused(&weir, "seventeen.cab", &cabinet(&[("x", &b"x"[..]); 17]), "more than 16");
    weir.serves_an_honest_client();
}

#[test]
fn names_in_a_cabinet_are_names_and_no_paths() {
    let weir = Weir::start();
    let outside = || -> BTreeSet<_> {
        let entries = std::fs::read_dir(weir.scratch(".")).expect("the directory");
        entries.map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let path = weir.scratch("names.cab");
    std::fs::write(&path, []).expect("written");
    let before = outside();
    let names = [
        "..\\..\\x.xml",
        "../../y.xml",
        "C:\\z.xml",
        "\\\\server\\share\\s.xml",
        "a.xml:stream",
        "/etc/q.xml",
    ];
    let documents: Vec<String> =
        (1..).take(names.len()).map(|number| Document::software(number).xml()).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().copied().zip(documents.iter().map(String::as_bytes)).collect();
    std::fs::write(&path, cabinet(&files)).expect("written");
    let (code, report) = weir.json(&["import", path.to_str().expect("text")]);
    assert_eq!((code, &report["new"]), (0, &names.len().into()), "{report}");
    assert_eq!(outside(), before);
    assert!(!Path::new("/etc/q.xml").exists());
    weir.serves_an_honest_client();
}

#[test]
fn file_names_of_a_document_reach_neither_a_path_nor_a_url() {
    let weir = Weir::start();
    let names = [
        "..\\..\\x.exe",
        "../../y.exe",
        "C:\\z.exe",
        "\\\\server\\share\\s.exe",
        "a.exe:stream",
        "x.exe?y=1#z",
        "x.%2e%2e%2fy",
        "x.e&quot;&gt;&lt;e",
        "CON",
        "x.",
        ".",
        "..",
        "x\u{2215}y.exe",
        "x. ",
    ];
    let document = (1..)
        .zip(names)
        .fold(Document::software(1), |document, (digest, name)| document.file(name, digest));
    let path = weir.scratch("names.xml");
    std::fs::write(&path, document.xml()).expect("written");
    let (code, report) = weir.json(&["import", path.to_str().expect("text")]);
    assert_eq!(code, 0, "{report}");
    let (_, shown) = weir.json(&["update", "show", &document.id.to_string()]);
    let revision = &shown["revision_id"];

    let agent = Agent::enrol(&weir, ID);
    let content = format!(
        "{}<revisionIDs><int>{revision}</int></revisionIDs><infoTypes>\
         <XmlUpdateFragmentType>Extended</XmlUpdateFragmentType></infoTypes>",
        agent.session.element("cookie")
    );
    let answer = call(&weir, Operation::GetExtendedUpdateInfo, &content);
    let urls = answer.values("Url");
    assert_eq!(urls.len(), names.len(), "{}", answer.text);
    for (digest, url) in (1u8..).zip(urls) {
        let address = format!("/Content/{digest:02X}/{}", format!("{digest:02X}").repeat(20));
        let extension = url.strip_prefix(&format!("http://wsus.test:8530{address}."));
        assert!(matches!(extension, Some("exe" | "bin")), "{url}");
        assert_eq!(weir.get(&address, "").status, 403);
        assert_eq!(weir.get(&format!("{address}.exe"), "").status, 404);
    }
    // As text, the names travel as they were published.
    assert!(answer.text.contains("..\\..\\x.exe"), "{}", answer.text);
    weir.serves_an_honest_client();
}

/// A cabinet as the usual tools write it.
fn cabinet(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    if !files.is_empty() {
        let folder = builder.add_folder(cab::CompressionType::MsZip);
        for (name, _) in files {
            folder.add_file(*name);
        }
    }
    let mut writer = builder.build(std::io::Cursor::new(Vec::new())).expect("a cabinet");
    for (_, bytes) in files {
        let mut file = writer.next_file().expect("a file").expect("another file");
        std::io::copy(&mut &bytes[..], &mut file).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

/// A cabinet of one file of zeros, `blocks` blocks of 32 KiB long. No tool takes the time to write
/// it: all its blocks are the same one.
fn zeros(blocks: u16) -> Vec<u8> {
    crafted(&[(0, u32::from(blocks) << 15)], blocks)
}

/// A cabinet whose files are all the same long stretch of zeros.
fn overlapping(files: usize, blocks: u16) -> Vec<u8> {
    crafted(&vec![(0, u32::from(blocks) << 15); files], blocks)
}

/// A cabinet of `blocks` blocks of zeros with files at these offsets and of these lengths.
fn crafted(files: &[(u32, u32)], blocks: u16) -> Vec<u8> {
    let mut deflated =
        flate2::write::DeflateEncoder::new(b"CK".to_vec(), flate2::Compression::best());
    std::io::Write::write_all(&mut deflated, &[0; 1 << 15]).expect("compressed");
    let packed = deflated.finish().expect("compressed");
    let mut block = vec![0; 4];
    block.extend(u16::try_from(packed.len()).expect("small").to_le_bytes());
    block.extend((1u16 << 15).to_le_bytes());
    block.extend(packed);

    let entry = |&(start, length): &(u32, u32)| {
        [&length.to_le_bytes()[..], &start.to_le_bytes(), &[0; 8], b"blob\0"].concat()
    };
    let entries: Vec<u8> = files.iter().flat_map(entry).collect();
    let first_block = 44 + entries.len();
    let size = first_block + block.len() * usize::from(blocks);
    let number = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let mut cabinet = b"MSCF\0\0\0\0".to_vec();
    cabinet.extend([&number(size)[..], &[0; 4], &number(44), &[0; 4], &[3, 1, 1, 0]].concat());
    cabinet.extend(u16::try_from(files.len()).expect("few").to_le_bytes());
    cabinet.extend([0; 6]);
    cabinet.extend([&number(first_block)[..], &blocks.to_le_bytes(), &[1, 0]].concat());
    cabinet.extend(entries);
    cabinet.extend(block.repeat(usize::from(blocks)));
    cabinet
}
